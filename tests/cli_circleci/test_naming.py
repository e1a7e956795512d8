"""A project, a build or a workflow is understood however it is named, and guessed from git when it is not."""

import subprocess
from pathlib import Path

import pytest

from relay.cli.circleci.remote import project_of
from tests.cli_circleci.conftest import Relay
from tests.fakes.circleci_server import CircleCIServer
from tests.fakes.circleci_world import FakeProject, Json

ID = "00000000-0000-4000-8000-00000000a11c"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    git(folder, "init", "-q")
    return folder


@pytest.mark.parametrize(
    "address",
    [
        "git@github.com:acme/api.git",
        "https://github.com/acme/api.git",
        "https://alice:hunter22@github.com/acme/api",
        "ssh://git@github.com:22/acme/api.git",
        "org-123@github.com:acme/api.git",
    ],
)
def test_the_project_is_guessed_from_the_git_remote_and_said(
    relay: Relay, project: FakeProject, repository: Path, address: str
) -> None:
    git(repository, "remote", "add", "origin", address)

    result = relay("builds")

    assert (result.exit_code, result.stdout) == (0, "no builds\n")
    assert result.stderr == "project gh/acme/api, by the git remote origin\n"


def test_origin_goes_before_other_remotes(relay: Relay, project: FakeProject, repository: Path) -> None:
    git(repository, "remote", "add", "fork", "git@github.com:bob/api.git")
    git(repository, "remote", "add", "origin", "git@github.com:acme/api.git")

    assert "project gh/acme/api" in relay("builds").stderr


def test_a_single_remote_will_do(relay: Relay, project: FakeProject, repository: Path) -> None:
    git(repository, "remote", "add", "upstream", "git@github.com:acme/api.git")

    assert relay("builds").stderr == "project gh/acme/api, by the git remote upstream\n"


def test_several_remotes_without_origin_are_a_question(relay: Relay, repository: Path) -> None:
    git(repository, "remote", "add", "one", "git@github.com:acme/api.git")
    git(repository, "remote", "add", "two", "git@github.com:acme/web.git")

    result = relay("builds")

    assert (result.exit_code, result.stderr) == (
        2,
        "the git repository of this folder has the remotes one, two and no origin; "
        "say which project with --project gh/org/repo\n",
    )


def test_no_remote_is_said_with_the_remedy(relay: Relay, repository: Path) -> None:
    result = relay("builds")

    assert (result.exit_code, result.stderr) == (
        2,
        "the git repository of this folder has no remote; say which project with --project gh/org/repo\n",
    )


def test_no_repository_is_said_with_the_remedy(relay: Relay) -> None:
    result = relay("builds")

    assert (result.exit_code, result.stderr) == (
        2,
        "this folder is in no git repository that could name the project; "
        "say which project with --project gh/org/repo\n",
    )


def test_no_git_is_said_with_the_remedy(relay: Relay) -> None:
    result = relay("builds", PATH="/nowhere")

    assert (result.exit_code, result.stderr) == (
        2,
        "git is not installed, so the project cannot be guessed; "
        "say which project with --project gh/org/repo\n",
    )


def test_a_remote_that_is_no_project_is_said_without_its_password(relay: Relay, repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://alice:hunter22@gitlab.com/acme/api.git")

    result = relay("builds")

    assert (result.exit_code, result.stderr) == (
        2,
        "the git remote origin leads to no project that CircleCI knows; "
        "say which project with --project gh/org/repo\n",
    )


@pytest.mark.parametrize(
    "address",
    ["/srv/git/api.git", "../api", "file:///srv/git/api.git", "C:api", "https://github.com/api", ""],
)
def test_a_folder_is_no_project(address: str) -> None:
    assert project_of(address) is None


@pytest.mark.parametrize(
    "name",
    [
        "acme/api",
        "gh/acme/api",
        "github/acme/api",
        "https://github.com/acme/api",
        "git@github.com:acme/api.git",
        "https://app.circleci.com/pipelines/github/acme/api",
    ],
)
def test_a_project_is_written_in_many_ways(relay: Relay, project: FakeProject, name: str) -> None:
    assert relay("builds", name).stdout == "no builds\n"
    assert relay("builds", "--project", name).stdout == "no builds\n"


@pytest.mark.parametrize("name", ["api", "a/b/c/d", "gh/../api", "https://[", "gh//api"])
def test_what_is_no_project_is_a_usage_error(relay: Relay, name: str) -> None:
    result = relay("builds", name)

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_two_projects_are_one_too_many(relay: Relay) -> None:
    result = relay("builds", "acme/api", "--project", "acme/web")

    assert (result.exit_code, result.stderr) == (
        2,
        "one project at a time: as argument, or with --project\n",
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://circleci.com/gh/acme/api/123",
        "https://app.circleci.com/jobs/github/acme/api/123",
        f"https://app.circleci.com/pipelines/github/acme/api/7/workflows/{ID}/jobs/123/steps",
        "app.circleci.com/jobs/gh/acme/api/123?tab=artifacts#step-1",
    ],
)
def test_a_build_is_named_by_the_address_of_its_page(
    relay: Relay, server: CircleCIServer, build: Json, address: str
) -> None:
    result = relay("build", address)

    assert result.exit_code == 0
    assert [r.path for r in server.requests] == ["/api/v1.1/project/github/acme/api/123"]


def test_a_workflow_is_named_by_the_address_of_its_page(relay: Relay, workflow: Json) -> None:
    page = f"https://app.circleci.com/pipelines/github/acme/api/7/workflows/{workflow['id']}"

    assert relay("workflow", page).stdout == relay("workflow", workflow["id"]).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "seven"), "'seven' names no build; give its number or the address of its page"),
        (
            ("build", "https://app.circleci.com/pipelines/github/acme/api/7"),
            "'https://app.circleci.com/pipelines/github/acme/api/7' names no build; "
            "give its number or the address of its page",
        ),
        (("workflow", "123"), "'123' names no workflow; give its id or the address of its page"),
        (
            ("retry", "seven"),
            "'seven' names neither; give a build's number, a workflow's id or the address of a page",
        ),
        (("pipeline", "seven"), "'seven' names no pipeline; give its id, or its number in the project"),
        (
            ("build", "https://circleci.com/gh/acme/api/1", "-p", "acme/web"),
            "the address is of gh/acme/api, and --project says otherwise",
        ),
        (("build", "9999999999999999", "-p", "acme/api"), "9999999999999999 is no number of a build"),
        (("build", "https://[x/1"), "'https://[x/1' is no address"),
        (
            ("builds", "bb/acme/api", "--api", "v1"),
            "API v1 knows GitHub projects only; ask for bb/acme/api with v1.1 or v2",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_status_2(
    relay: Relay, server: CircleCIServer, words: tuple[str, ...], said: str
) -> None:
    result = relay(*words)

    assert (result.exit_code, result.stderr) == (2, f"{said}\n")
    assert server.requests == []
