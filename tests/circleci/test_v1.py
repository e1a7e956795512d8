"""Every endpoint of API v1 and v1.1, by what arrives at the server and what comes back."""

from collections.abc import Callable
from typing import Any

import pytest

from relay.circleci.errors import NotABuild, NotFound, Refused
from relay.circleci.facade import CircleCI
from relay.circleci.types.projects import EnvVar
from relay.circleci.v1 import V1
from relay.circleci.v1_1 import V11
from relay.errors import UsageError
from tests.circleci.conftest import Connect
from tests.fakes.circleci_server import PROJECT, CircleCIServer, says
from tests.fakes.circleci_world import FakeProject

Classic = V1 | V11
NAMED = {"v1": "/api/v1/project/acme/api", "v1.1": "/api/v1.1/project/github/acme/api"}


@pytest.fixture(params=["v1", "v1.1"])
def api(request: pytest.FixtureRequest, circle: CircleCI) -> Classic:
    return circle.v1 if request.param == "v1" else circle.v1_1


@pytest.fixture(autouse=True)
def _builds(server: CircleCIServer, project: FakeProject) -> None:
    server.world.add_build(project, 1)
    server.world.add_build(project, 2, branch="fix/50%", status="success", outcome="success")


CALLS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("GET", "?limit=30&offset=0", lambda api: list(api.project_builds("acme/api"))),
    (
        "GET",
        "?filter=failed&shallow=true&limit=5&offset=0",
        lambda api: list(api.project_builds("acme/api", filter="failed", limit=5, shallow=True)),
    ),
    (
        "GET",
        "/tree/fix%2F50%25?limit=30&offset=0",
        lambda api: list(api.branch_builds("acme/api", "fix/50%")),
    ),
    ("GET", "/1", lambda api: api.build("acme/api", 1)),
    ("GET", "/1/artifacts", lambda api: api.artifacts("acme/api", 1)),
    (
        "GET",
        "/latest/artifacts?branch=main&filter=successful",
        lambda api: api.latest_artifacts("acme/api", branch="main", filter="successful"),
    ),
    ("GET", "/1/tests", lambda api: api.tests("acme/api", 1)),
    ("GET", "/1/output/99/0?file=true", lambda api: api.action_output("acme/api", 1, 99, 0)),
    (
        "GET",
        "/1/output/99/0?truncate=100",
        lambda api: api.action_output("acme/api", 1, 99, 0, truncate=100),
    ),
    ("GET", "/settings", lambda api: api.settings("acme/api")),
    ("GET", "/envvar", lambda api: api.envvars("acme/api")),
    ("GET", "/checkout-key?digest=sha256", lambda api: api.checkout_keys("acme/api", digest="sha256")),
    ("POST", "/1/retry", lambda api: api.retry("acme/api", 1)),
    ("POST", "/1/ssh", lambda api: api.retry_with_ssh("acme/api", 1)),
    ("POST", "/1/cancel", lambda api: api.cancel("acme/api", 1)),
    ("POST", "/1/ssh-users", lambda api: api.add_ssh_user("acme/api", 1)),
    ("POST", "/tree/fix%2F50%25", lambda api: api.trigger_branch("acme/api", "fix/50%")),
    ("POST", "", lambda api: api.trigger_project("acme/api")),
    ("POST", "/follow", lambda api: api.follow("acme/api")),
    ("POST", "/unfollow", lambda api: api.unfollow("acme/api")),
    ("POST", "/enable", lambda api: api.enable("acme/api")),
    ("DELETE", "/enable", lambda api: api.disable("acme/api")),
    ("DELETE", "/build-cache", lambda api: api.clear_cache("acme/api")),
)


@pytest.mark.parametrize(("method", "path", "act"), CALLS, ids=[f"{call[0]} {call[1]}" for call in CALLS])
def test_a_call_goes_to_its_endpoint(
    method: str, path: str, act: Callable[[Classic], Any], api: Classic, server: CircleCIServer
) -> None:
    act(api)

    version = api.prefix.rpartition("/")[2]
    assert [(ask.method, ask.path) for ask in server.requests] == [(method, NAMED[version] + path)]


def test_lists_hold_builds(api: Classic) -> None:
    assert [build.number for build in api.project_builds("acme/api")] == [2, 1]
    assert [build.number for build in api.branch_builds("acme/api", "fix/50%")] == [2]
    assert [build.number for build in api.project_builds("acme/api", filter="failed")] == [1]
    assert [build.number for build in api.recent_builds(limit=1)] == [2]


def test_an_organizations_builds_are_listed(circle: CircleCI, server: CircleCIServer) -> None:
    assert len(list(circle.v1.organization_builds("acme"))) == 2
    assert len(list(circle.v1_1.organization_builds("gh", "acme", shallow=True))) == 2
    assert [ask.path for ask in server.requests] == [
        "/api/v1/organization/acme?limit=30&offset=0",
        "/api/v1.1/organization/github/acme?shallow=true&limit=30&offset=0",
    ]


def test_the_user_and_projects_are_read(api: Classic) -> None:
    assert api.me().login == "alice"
    (project,) = api.projects(shallow=True)
    assert (project.org, project.name, project.default_branch) == ("acme", "api", "main")
    assert "branches" not in project.raw


def test_settings_and_projects_do_not_print_their_secrets(api: Classic) -> None:
    assert "secret-of-the-project" not in repr(api.projects())


def test_artifacts_come_with_node_and_address(
    api: Classic, project: FakeProject, server: CircleCIServer
) -> None:
    server.world.add_artifact(project, 1, "reports/a.xml", b"", node=3)

    (artifact,) = api.artifacts("acme/api", 1)

    assert (artifact.path, artifact.node) == ("reports/a.xml", 3)
    assert artifact.url.startswith(server.url)
    assert api.latest_artifacts("acme/api") == (artifact,)


def test_an_artifacts_old_address_is_encoded(circle: CircleCI) -> None:
    address = circle.v1.artifact_address("acme/api", "latest", 0, "a dir/50%.txt")

    assert address == "/api/v1/project/acme/api/latest/artifacts/0/a%20dir/50%25.txt"


def test_tests_are_read(api: Classic, project: FakeProject) -> None:
    project.tests[1] = [
        {"name": "opens", "classname": "door", "file": None, "result": "failure", "run_time": "0.25"},
        {"name": "closes", "classname": "door", "file": "door.py", "result": "success", "run_time": 1},
    ]

    opens, closes = api.tests("acme/api", 1)

    assert (opens.name, opens.is_failure, opens.run_time) == ("opens", True, 0.25)
    assert (closes.file, closes.is_failure, closes.run_time) == ("door.py", False, 1.0)


def test_a_log_is_text(api: Classic) -> None:
    assert api.action_output("acme/api", 1, 99, 0) == "step 99 of container 0\r\n"


def test_a_retry_answers_with_the_new_build(api: Classic, project: FakeProject) -> None:
    build = api.retry("acme/api", 1)

    assert (build.number, build.retry_of, build.why) == (3, 1, "retry")
    assert project.builds[1]["status"] == "retried"


def test_a_trigger_sends_what_is_given(api: Classic, project: FakeProject, server: CircleCIServer) -> None:
    api.trigger_branch("acme/api", "main", revision="abc", parallel=2, build_parameters={"A": "x", "B": [1]})

    assert server.requests[0].json == {
        "revision": "abc",
        "parallel": 2,
        "build_parameters": {"A": "x", "B": [1]},
    }
    assert project.builds[3]["build_parameters"] == {"A": "x", "B": [1]}


def test_a_tag_is_triggered(api: Classic, server: CircleCIServer) -> None:
    assert api.trigger_project("acme/api", tag="v1.0").tag == "v1.0"
    assert server.requests[0].json == {"tag": "v1.0"}


def test_a_call_without_content_posts_an_empty_object(api: Classic, server: CircleCIServer) -> None:
    api.retry("acme/api", 1)

    assert server.requests[0].body == b"{}"
    assert server.requests[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "Ä", "A B", "A\n"])
def test_a_build_parameter_must_be_able_to_name_a_variable(name: str, api: Classic) -> None:
    with pytest.raises(UsageError, match="cannot name a build parameter"):
        api.trigger_branch("acme/api", "main", build_parameters={name: "x"})


def test_a_revision_and_a_tag_exclude_each_other(api: Classic) -> None:
    with pytest.raises(UsageError, match="not of both"):
        api.trigger_project("acme/api", revision="abc", tag="v1")


def test_whole_workflows_are_triggered_by_v1_1(circle: CircleCI, server: CircleCIServer) -> None:
    assert circle.v1_1.trigger_build("acme/api", branch="main") == "Build created"
    assert server.requests[0].path == "/api/v1.1/project/github/acme/api/build"
    assert server.requests[0].json == {"branch": "main"}


def test_canceling_what_has_ended_changes_nothing(api: Classic) -> None:
    assert api.cancel("acme/api", 2).status == "success"


def test_the_cache_is_cleared(api: Classic, project: FakeProject) -> None:
    assert api.clear_cache("acme/api") == "build dependency caches deleted"
    assert project.cleared == 1


def test_environment_variables_are_set_read_and_deleted(api: Classic, project: FakeProject) -> None:
    created = api.set_envvar("acme/api", "KEY", "a-value")

    assert created == EnvVar(raw={}, name="KEY", value="xxxxalue")
    assert api.envvars("acme/api") == (created,)
    assert api.envvar("acme/api", "KEY") == created
    assert api.delete_envvar("acme/api", "KEY") == "ok"
    assert project.envvars == {}
    with pytest.raises(NotFound, match="env var not found"):
        api.envvar("acme/api", "KEY")


def test_checkout_keys_are_made_read_and_deleted(api: Classic, server: CircleCIServer) -> None:
    made = api.create_checkout_key("acme/api", "deploy-key")

    assert (made.type, made.fingerprint, made.preferred) == ("deploy-key", "aa:bb:cc:00", True)
    assert api.checkout_keys("acme/api") == (made,)
    assert api.checkout_key("acme/api", "aa:bb:cc:00") == made
    assert server.requests[-1].path.endswith("/checkout-key/aa%3Abb%3Acc%3A00")
    assert api.delete_checkout_key("acme/api", "aa:bb:cc:00") == "ok"
    with pytest.raises(NotFound, match="checkout key not found"):
        api.delete_checkout_key("acme/api", "aa:bb:cc:00")


def test_ssh_keys_are_added_and_deleted(api: Classic, project: FakeProject, server: CircleCIServer) -> None:
    with pytest.raises(Refused, match="it looks like private key is invalid"):
        api.add_ssh_key("acme/api", "deploy.acme.example", "nonsense")

    api.add_ssh_key("acme/api", "deploy.acme.example", "-----BEGIN PRIVATE KEY-----")
    assert len(project.ssh_keys) == 1

    api.delete_ssh_key("acme/api", "deploy.acme.example", "aa:bb")
    assert project.ssh_keys == []
    assert server.requests[-1].json == {"hostname": "deploy.acme.example", "fingerprint": "aa:bb"}


def test_a_heroku_key_goes_as_a_form(api: Classic, server: CircleCIServer) -> None:
    api.add_heroku_key("heroku/key&1")

    assert server.requests[0].path == f"{api.prefix}/user/heroku-key"
    assert server.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert server.world.heroku_keys == ["heroku/key&1"]


def test_a_users_ssh_key_is_made(api: Classic, server: CircleCIServer) -> None:
    api.add_user_ssh_key()

    assert server.requests[0].path == f"{api.prefix}/user/ssh-key"
    assert server.world.user_ssh_keys == 1


def test_following_is_understood_in_both_forms(api: Classic) -> None:
    assert api.follow("acme/api").following is True
    assert api.unfollow("acme/api").following is False


def test_following_may_start_a_first_build(api: Classic, server: CircleCIServer) -> None:
    server.script("POST", "/follow$", says(200, {"followed": True, "first_build": {"build_num": 1}}))

    followed = api.follow("acme/api")

    assert (followed.following, followed.first_build) == (True, 1)


def test_v1_knows_github_only(circle: CircleCI, server: CircleCIServer) -> None:
    with pytest.raises(UsageError, match=r"ask for bb/acme/api with v1\.1 or v2"):
        circle.v1.build("bb/acme/api", 1)
    assert server.requests == []


@pytest.mark.parametrize("slug", ["bb/acme/api", "circleci/3xKq/9fZ2"])
def test_v1_1_takes_any_slug(slug: str, circle: CircleCI, server: CircleCIServer) -> None:
    server.world.add_build(server.world.add_project(slug), 7)

    assert circle.v1_1.build(slug, 7).number == 7
    assert server.requests[0].path == f"/api/v1.1/project/{slug.replace('bb/', 'bitbucket/')}/7"


def test_a_project_token_reads_builds(connect: Connect) -> None:
    assert connect(PROJECT).v1_1.build("acme/api", 1).number == 1


def test_an_answer_without_a_build_is_not_taken_for_one(circle: CircleCI, server: CircleCIServer) -> None:
    server.script("GET", "/1$", says(200, {"message": "come later"}))

    with pytest.raises(NotABuild, match="CircleCI answered with no build: come later"):
        circle.v1_1.build("acme/api", 1)
