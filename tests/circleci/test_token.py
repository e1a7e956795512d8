"""The token goes to CircleCI, in the form asked for, and nowhere else."""

import logging
import traceback
from contextlib import suppress
from pathlib import Path

import pytest

from relay.circleci.auth import AuthForm, OurHosts
from relay.circleci.connection import Connection
from relay.circleci.downloads import save
from relay.circleci.errors import CircleCIError, Unauthorized, Unreachable
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http
from relay.errors import UsageError
from relay.secret import Secret
from tests.circleci.conftest import Connect
from tests.fakes.circleci_server import PERSONAL, CircleCIServer, dropped, page, redirect, says
from tests.fakes.circleci_world import FakeProject


@pytest.mark.parametrize("form", AuthForm, ids=str)
def test_each_form_is_understood(form: AuthForm, server: CircleCIServer, connect: Connect) -> None:
    assert connect(auth=form).v2.me().login == "alice"
    assert server.requests[0].token == PERSONAL


def test_the_default_form_is_the_header(server: CircleCIServer, circle: CircleCI) -> None:
    circle.v1_1.me()

    asked = server.requests[0]
    assert asked.headers["Circle-Token"] == PERSONAL
    assert "Authorization" not in asked.headers
    assert asked.path == "/api/v1.1/me"


@pytest.mark.parametrize("token", [None, ""], ids=["none", "empty"])
@pytest.mark.parametrize("form", AuthForm, ids=str)
def test_without_a_token_nothing_is_sent(
    form: AuthForm, token: str | None, server: CircleCIServer, connect: Connect
) -> None:
    with pytest.raises(Unauthorized, match="no token was sent"):
        connect(token, auth=form).v2.me()

    asked = server.requests[0]
    assert asked.token is None
    assert "Authorization" not in asked.headers
    assert asked.path == "/api/v2/me"


def test_a_netrc_file_is_not_read(
    server: CircleCIServer, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login bob password from-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    with pytest.raises(Unauthorized):
        connect(None).v2.me()

    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("form", AuthForm, ids=str)
def test_a_redirect_to_another_host_goes_without_the_token(
    form: AuthForm, server: CircleCIServer, connect: Connect
) -> None:
    server.script("GET", "^/api/v2/me", redirect(f"{server.files_url}/elsewhere"))

    with pytest.raises(CircleCIError):
        connect(auth=form).v2.me()

    assert [(ask.host, ask.token) for ask in server.requests] == [("api", PERSONAL), ("files", None)]


def test_a_redirect_on_the_same_host_keeps_the_token(server: CircleCIServer, circle: CircleCI) -> None:
    server.script("GET", "^/api/v1.1/me", redirect("/api/v2/me"))

    assert circle.v1_1.me().login == "alice"
    assert server.requests[1].token == PERSONAL


def test_a_configured_artifact_host_gets_the_token(server: CircleCIServer, connect: Connect) -> None:
    host = server.files_url.removeprefix("http://")
    server.script("GET", "^/api/v2/me", redirect(f"{server.files_url}/elsewhere"))

    with pytest.raises(CircleCIError):
        connect(artifact_hosts=(host,)).v2.me()

    assert server.requests[1].token == PERSONAL


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://circleci.com/api/v2/me", True),
        ("https://circleci.com:443/x", True),
        ("https://140-9485764-gh.circle-artifacts.com/0//tmp/x", True),
        ("https://output.circle-artifacts.com/output/job/1/artifacts/0/x", True),
        ("https://files.acme.example/x", True),
        ("https://ports.acme.example:8443/x", True),
        ("http://circleci.com/x", False),
        ("http://output.circle-artifacts.com/x", False),
        ("https://circleci.com:8443/x", False),
        ("https://ports.acme.example/x", False),
        ("https://circle-artifacts.com.evil.example/x", False),
        ("https://evilcircle-artifacts.com/x", False),
        ("https://evil.example/circleci.com", False),
        ("https://circleci.com@evil.example/x", False),
        ("https://sub.circleci.com/x", False),
    ],
)
def test_only_these_hosts_are_circlecis(url: str, ours: bool) -> None:
    hosts = OurHosts("https://circleci.com", ("files.acme.example", "ports.acme.example:8443"))

    assert hosts(url) is ours


def test_an_address_that_parsers_read_differently_gets_no_token(
    server: CircleCIServer, circle: CircleCI, tmp_path: Path
) -> None:
    port = server.files_url.rpartition(":")[2]
    url = f"http://localhost:{port}\\@{server.url.removeprefix('http://')}/x"

    with pytest.raises(CircleCIError):
        save(circle.http, url, tmp_path / "x", most=1000)

    assert {ask.token for ask in server.requests if ask.host == "files"} <= {None}


def test_the_token_is_in_no_repr(connect: Connect) -> None:
    circle = connect(auth=AuthForm.QUERY)

    shown = [circle, circle.v2, circle.http, circle.http.connection, vars(circle.http)]

    assert PERSONAL not in repr(shown)


@pytest.mark.parametrize("form", AuthForm, ids=str)
def test_the_token_is_in_no_traceback_of_a_lost_connection(
    form: AuthForm, server: CircleCIServer, connect: Connect
) -> None:
    server.script("GET", "", dropped(), times=9)

    with pytest.raises(Unreachable) as raised:
        connect(auth=form).v2.me()

    assert PERSONAL not in _everything_printed(raised.value)


def test_the_token_is_in_no_traceback_of_a_refused_connection() -> None:
    connection = Connection(
        base_url="http://127.0.0.1:1", token=Secret(PERSONAL), auth=AuthForm.QUERY, deadline=0.1
    )

    with pytest.raises(Unreachable) as raised:
        CircleCI(Http(connection)).v2.me()

    assert str(raised.value) == "GET /api/v2/me: no connection: Connection refused"
    assert PERSONAL not in _everything_printed(raised.value)


def test_an_error_that_repeats_the_token_is_masked(server: CircleCIServer, circle: CircleCI) -> None:
    server.script("GET", "", says(400, {"message": f"bad token {PERSONAL}!"}))

    with pytest.raises(CircleCIError) as raised:
        circle.v2.me()

    assert raised.value.message == "bad token ***!"


def test_a_page_that_repeats_the_token_is_masked(server: CircleCIServer, circle: CircleCI) -> None:
    server.script("GET", "", page(200, f"<p>{PERSONAL}</p>".encode()))

    with pytest.raises(CircleCIError) as raised:
        circle.v2.me()

    assert raised.value.message == "not JSON: ***"


def test_the_token_in_a_query_is_not_logged(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    connect(auth=AuthForm.QUERY).v2.me()

    assert "/api/v2/me?***" in caplog.text
    assert PERSONAL not in caplog.text


@pytest.mark.parametrize("token", ["tok en", "token\n", "tökén"])
def test_a_token_that_cannot_be_sent_is_refused_unseen(token: str) -> None:
    with pytest.raises(UsageError, match="characters that no token has") as raised:
        Http(Connection(token=Secret(token)))

    assert token not in _everything_printed(raised.value)


def test_an_artifact_is_fetched_from_storage_without_the_token(
    server: CircleCIServer, project: FakeProject, circle: CircleCI, tmp_path: Path
) -> None:
    artifact = server.world.add_artifact(project, 1, "x.txt", b"content")

    save(circle.http, artifact["url"], tmp_path / "x.txt", most=1000)

    assert [(ask.host, ask.token) for ask in server.requests] == [("api", PERSONAL), ("files", None)]


def _everything_printed(error: BaseException) -> str:
    """The traceback with all causes, also suppressed ones."""
    shown = "".join(traceback.format_exception(error)) + repr(error)
    below = error.__context__ or error.__cause__
    return shown + (_everything_printed(below) if below else "")


@pytest.mark.parametrize(("token", "times"), [("mistyped", 1), (PERSONAL, 0), (None, 0)])
def test_a_token_that_is_not_accepted_is_told(token: str | None, times: int, server: CircleCIServer) -> None:
    told: list[str] = []
    connection = Connection(base_url=server.url, token=Secret(token) if token else None)
    http = Http(connection, on_rejected=lambda: told.append("rejected"))

    with suppress(CircleCIError):
        CircleCI(http).v2.me()
    http.close()

    assert len(told) == times
