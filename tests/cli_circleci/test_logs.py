"""Logs: readable and harmless, or exactly as they came."""

import json

import pytest

from tests.cli_circleci.conftest import Relay
from tests.fakes.circleci_server import CircleCIServer
from tests.fakes.circleci_world import Json

RED = "\x1b[31mboom\x1b[0m"


@pytest.fixture
def logs(server: CircleCIServer, build: Json) -> Json:
    add, fine = server.world.add_log, {"status": "success", "failed": None, "exit_code": 0}
    add(build, "Checkout", [{"message": "cloned\r\n", "time": "t", "type": "out"}], **fine)
    said = [
        {"message": f"{RED}\r\n1%\r", "type": "out"},
        {"message": "100%\r\n\ta\x07tab\r\n", "type": "err"},
    ]
    add(build, "npm test", said)
    return build


def test_each_step_is_told_with_how_it_ended(relay: Relay, logs: Json) -> None:
    result = relay("log", "123", "-p", "acme/api")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "== Checkout: success\n"
        "cloned\n"
        "\n"
        "== npm test: failed, exit status 1\n"
        "boom\n"
        "100%\n"
        "        a\N{REPLACEMENT CHARACTER}tab\n"
    )


def test_only_the_steps_to_blame(relay: Relay, server: CircleCIServer, logs: Json) -> None:
    result = relay("log", "123", "-p", "acme/api", "--failed")

    assert result.stdout.startswith("== npm test: failed, exit status 1\n")
    assert len([r for r in server.requests if r.host == "files"]) == 1


def test_only_the_step_named(relay: Relay, server: CircleCIServer, logs: Json) -> None:
    result = relay("log", "123", "-p", "acme/api", "--step", "CHECK")

    assert result.stdout == "== Checkout: success\ncloned\n"
    assert len([r for r in server.requests if r.host == "files"]) == 1


def test_a_step_that_is_not_there_suggests_one(relay: Relay, logs: Json) -> None:
    result = relay("log", "123", "-p", "acme/api", "--step", "npm tset")

    assert (result.exit_code, result.stderr) == (
        1,
        "no step of build 123 is called npm tset, did you mean npm test?\n",
    )


def test_raw_is_every_byte(relay: Relay, logs: Json) -> None:
    result = relay("log", "123", "-p", "acme/api", "--raw")

    assert result.stdout_bytes.decode() == f"cloned\r\n{RED}\r\n1%\r100%\r\n\ta\x07tab\r\n"


def test_json_has_the_text_and_what_it_is_from(relay: Relay, logs: Json) -> None:
    result = relay("log", "123", "-p", "acme/api", "--json", "--step", "check")

    assert json.loads(result.stdout) == [
        {
            "step": "Checkout",
            "container": 0,
            "status": "success",
            "exit_code": 0,
            "output": "cloned\r\n",
            "truncated": False,
        }
    ]


def test_a_log_that_circleci_cut_says_so(relay: Relay, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "npm test", [{"message": "a\n", "truncated": True}])

    result = relay("log", "123", "-p", "acme/api")

    assert result.stderr == "the log of npm test was longer; this is its start\n"


def test_no_failed_step_is_a_no(relay: Relay, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "Checkout", [], status="success", failed=None)

    result = relay("log", "123", "-p", "acme/api", "--failed")

    assert (result.exit_code, result.stderr) == (
        1,
        "build 123 of gh/acme/api has no step to blame that wrote anything\n",
    )


def test_logs_are_read_without_the_token(relay: Relay, server: CircleCIServer, logs: Json) -> None:
    relay("log", "123", "-p", "acme/api")

    assert {r.token for r in server.requests if r.host == "files"} == {None}
