"""What goes wrong is one clear line on standard error, and the right exit status."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.cli_circleci.conftest import Relay
from tests.fakes.circleci_server import PERSONAL, PROJECT, CircleCIServer, page, says, slow
from tests.fakes.circleci_world import FakeProject


def test_no_token_says_where_one_is_read_from(relay: Relay) -> None:
    result = relay("me", token=None)

    assert (result.exit_code, result.stdout, result.stderr) == (
        1,
        "",
        "GET /api/v2/me answered 401: You must log in first (no token was sent, and this call needs one); "
        "set CIRCLECI_TOKEN to a personal API token, or circleci.token in relay.yaml\n",
    )


def test_a_wrong_token_is_said_to_be_wrong(relay: Relay) -> None:
    result = relay("me", token="revoked-token")

    assert (result.exit_code, result.stderr) == (
        1,
        "GET /api/v2/me answered 401: You must log in first (the token is mistyped, revoked or expired "
        "(personal tokens end within a year): make a new one)\n",
    )


def test_a_project_token_is_explained(relay: Relay, project: FakeProject) -> None:
    result = relay("project", "acme/api", token=PROJECT)

    assert result.exit_code == 1
    assert "a project token always gets this answer from API v2" in result.stderr


def test_what_is_not_there_is_status_1(relay: Relay, project: FakeProject) -> None:
    result = relay("build", "9", "-p", "acme/api")

    assert (result.exit_code, result.stdout, result.stderr) == (
        1,
        "",
        "GET /api/v1.1/project/github/acme/api/9 answered 404: Build not found "
        "(not there, or not visible to this token)\n",
    )


def test_a_page_of_html_is_told_in_words(relay: Relay, server: CircleCIServer) -> None:
    server.script("GET", "/me$", page(403, b"<html><body>Go \x1b[2J<b>away</b></body></html>"))

    result = relay("me")

    assert (result.exit_code, result.stderr) == (1, "GET /api/v2/me answered 403: Go [2J away\n")


def test_a_rate_limit_says_when_to_come_back(relay: Relay, server: CircleCIServer) -> None:
    server.script("GET", "/me$", says(429, {"message": "Slow down"}, Retry_After="90"))

    result = relay("me")

    assert (result.exit_code, result.stderr) == (
        1,
        "GET /api/v2/me answered 429: Slow down (come back in 90 s)\n",
    )


def test_no_server_at_all_is_said(relay: Relay) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    started = time.monotonic()

    result = relay("add-ssh-key", CIRCLECI_URL=address)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("POST /api/v1.1/user/ssh-key")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("url", ["ftp://circleci.example", "circleci", "https://a b"])
def test_a_url_that_is_none_is_a_usage_error(relay: Relay, url: str) -> None:
    result = relay("me", "--url", url)

    assert (result.exit_code, result.stderr) == (
        2,
        "the base URL of CircleCI must look like https://circleci.com\n",
    )


def test_a_token_with_rubbish_in_it_is_not_shown(relay: Relay) -> None:
    result = relay("me", token="two words")

    assert (result.exit_code, result.stderr) == (
        2,
        "the CircleCI token holds spaces, line ends or characters that no token has\n",
    )


def test_a_mistyped_command_is_corrected(relay: Relay) -> None:
    result = relay("artifcats")

    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2,
        "Error: no command is called artifcats; did you mean artifacts?",
    )


def test_an_api_that_has_no_such_call_is_a_usage_error(relay: Relay) -> None:
    assert relay("build", "1", "--api", "v2").exit_code == 2


def test_an_interrupt_ends_it_cleanly(server: CircleCIServer) -> None:
    server.script("GET", "/me$", slow(3))
    words = [sys.executable, "-m", "relay", "circleci", "me", "--url", server.url]
    process = subprocess.Popen(
        words, env={"CIRCLECI_TOKEN": PERSONAL}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not server.requests and process.poll() is None:
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out, err) == (130, "", "interrupted\n")
