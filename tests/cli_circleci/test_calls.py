"""Each command makes the calls it is for, and together they make every call that the API has."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli_circleci.conftest import Relay, seconds_ago
from tests.fakes.circleci_routes import ROUTES, find
from tests.fakes.circleci_server import CircleCIServer
from tests.fakes.circleci_world import FakeProject, Json

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----"
CHECKOUT_KEY = "aa:bb:cc:00"


def table() -> Iterator[tuple[str, list[str]]]:
    """From `calls.txt`: a command line, and below it the calls it makes."""
    words, calls = "", list[str]()
    for line in (Path(__file__).parent / "calls.txt").read_text().splitlines():
        if line.startswith(" "):
            calls.append(line.strip())
            continue
        if words:
            yield words, calls
        words, calls = line, []
    yield words, calls


CALLS = tuple(table())


@pytest.fixture
def names(server: CircleCIServer, project: FakeProject, workflow: Json) -> dict[str, str]:
    """A world in which each command finds what it asks for, and the ids behind the table's capitals."""
    world = server.world
    world.add_workflow(world.pipelines[workflow["pipeline_id"]], created_at=seconds_ago(10))
    world.add_log(project.builds[123], "npm test", [{"message": "boom"}])
    project.envvars["OLD"] = "value"
    project.checkout_keys[CHECKOUT_KEY] = {"fingerprint": CHECKOUT_KEY}
    hook: Json = {"id": world.new_id(), "name": "relay", "events": [], "scope": {"id": project.id}}
    world.webhooks[hook["id"]] = hook
    return {
        "PROJECT": project.id,
        "PIPELINE": workflow["pipeline_id"],
        "WORKFLOW": workflow["id"],
        "WEBHOOK": hook["id"],
        "REQUEST": world.jobs[workflow["id"]][1]["approval_request_id"],
    }


@pytest.mark.parametrize(("words", "calls"), CALLS, ids=[words for words, _ in CALLS])
def test_a_command_makes_the_calls_it_is_for(
    relay: Relay, server: CircleCIServer, names: dict[str, str], words: str, calls: list[str]
) -> None:
    result = relay(*(names.get(word, word) for word in words.split()), piped=KEY)

    asked = [f"{r.method} {r.path}" for r in server.requests if r.host == "api"]
    assert result.exit_code == 0, result.output
    assert [_with_capitals(call, names) for call in asked] == calls


@pytest.mark.parametrize(
    ("method", "version", "route"),
    [(method, version, route) for method, versions, route, _ in ROUTES for version in sorted(versions)],
)
def test_every_call_of_the_api_is_made_by_a_command(method: str, version: str, route: str) -> None:
    made = {reached(call) for _, calls in CALLS for call in calls}

    assert (method, version, route) in made


def reached(call: str) -> tuple[str, str, str]:
    """Method, version and route of a call in the table."""
    method, _, address = call.partition(" ")
    _, _, version, path = urlsplit(address).path.split("/", 3)
    found = find(method, version, f"/{path}")
    return method, version, found[2] if found else "nothing"


def _with_capitals(call: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        call = call.replace(value, name)
    return call
