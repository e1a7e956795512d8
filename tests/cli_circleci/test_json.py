"""--json is what CircleCI sent, for every kind of answer."""

import json
from typing import Any

import pytest

from tests.cli_circleci.conftest import Relay
from tests.fakes.circleci_server import CircleCIServer, says
from tests.fakes.circleci_world import FakeProject, Json

ODD: Json = {
    "build_num": 7,
    "unknown_key": {"deep": [1, 2.5, None, True]},
    "subject": "é\u202e \x1b[31m \U0001f6aa",
    "steps": [],
}


def test_an_object_is_printed_as_it_came(relay: Relay, server: CircleCIServer, project: FakeProject) -> None:
    server.script("GET", "/7$", says(200, ODD))

    result = relay("build", "7", "-p", "acme/api", "--json")

    assert json.loads(result.stdout) == ODD
    assert list(json.loads(result.stdout)) == list(ODD)


def test_json_holds_nothing_that_a_terminal_obeys(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    server.script("GET", "/7$", says(200, ODD))

    result = relay("build", "7", "-p", "acme/api", "--json")

    assert '"subject": "é\\u202e \\u001b[31m \U0001f6aa"' in result.stdout


def test_a_list_is_one_array_over_all_its_pages(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    made = [server.world.add_pipeline(project) for _ in range(25)]

    result = relay("pipelines", "acme/api", "--limit", "100", "--json")

    assert json.loads(result.stdout) == made[::-1]


def test_an_empty_list_is_an_empty_array(relay: Relay, project: FakeProject) -> None:
    assert relay("builds", "acme/api", "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("clear-cache acme/api", {"status": "build dependency caches deleted"}),
        ("unfollow acme/api", {"following": False}),
        ("unfollow acme/api --api v1", {"followed": False}),
        ("cancel 123 -p acme/api --api v2", {"message": "Accepted."}),
        ("add-heroku-key", ""),
        ("ssh-key delete host.example aa:bb -p acme/api", None),
        ("envvar add NAME -p acme/api", {"name": "NAME", "value": "xxxxalue"}),
    ],
)
def test_what_was_done_is_answered_as_circleci_did(
    relay: Relay, build: Json, words: str, answer: Any
) -> None:
    result = relay(*words.split(), "--json", piped="a value\n")

    assert json.loads(result.stdout) == answer


def test_a_rerun_answers_with_the_new_workflow(relay: Relay, server: CircleCIServer, workflow: Json) -> None:
    result = relay("retry", workflow["id"], "--json")

    assert json.loads(result.stdout) == {"workflow_id": list(server.world.workflows)[-1]}


def test_a_started_build_is_answered_as_it_came(
    relay: Relay, server: CircleCIServer, project: FakeProject, build: Json
) -> None:
    result = relay("retry", "123", "-p", "acme/api", "--api", "v1.1", "--json")

    assert json.loads(result.stdout) == {k: v for k, v in project.builds[124].items() if k != "steps"}


def test_what_was_not_started_is_answered_too_with_status_1(
    relay: Relay, project: FakeProject, build: Json
) -> None:
    project.dont_build = "no-followers"

    result = relay("retry", "123", "-p", "acme/api", "--api", "v1.1", "--json")

    assert (result.exit_code, json.loads(result.stdout)["dont_build"]) == (1, "no-followers")
    assert result.stderr.endswith("nothing was started: no-followers\n")
