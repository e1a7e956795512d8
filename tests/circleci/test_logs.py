"""Step logs are joined from their chunks, fetched without the token, and bounded."""

import pytest

from relay.circleci.errors import CircleCIError, Forbidden
from relay.circleci.facade import CircleCI
from relay.circleci.logs import step_log
from relay.circleci.types.builds import Action
from relay.terminal import plain
from tests.fakes.circleci_server import CircleCIServer, page, says
from tests.fakes.circleci_world import FakeFile, FakeProject, Json

CHUNKS = [{"message": "first\r\n", "type": "out"}, {"message": "second\r\n", "type": "err"}]


@pytest.fixture
def build(server: CircleCIServer, project: FakeProject) -> Json:
    return server.world.add_build(project, 1)


def test_the_chunks_of_a_log_are_joined(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "make test", CHUNKS)

    (log,) = circle.logs("acme/api", 1)

    assert (log.step, log.text, log.truncated) == ("make test", "first\r\nsecond\r\n", False)
    assert [(ask.host, ask.token is None) for ask in server.requests] == [("api", False), ("files", True)]


def test_only_failed_steps_can_be_asked_for(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "checkout", CHUNKS, status="success", failed=False)
    server.world.add_log(build, "make test", CHUNKS)

    assert [log.step for log in circle.logs("acme/api", 1, failed=True)] == ["make test"]


def test_a_step_without_a_log_is_passed_over(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "make test", CHUNKS, output_url=None)

    assert list(circle.logs("acme/api", 1)) == []


def test_an_inline_log_is_used(circle: CircleCI) -> None:
    action = Action.read({"out": [{"message": "a"}, {"message": "b"}]})

    log = step_log(circle.http, action)

    assert log is not None
    assert log.text == "ab"


def test_logs_are_fetched_one_at_a_time(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "one", CHUNKS)
    server.world.add_log(build, "two", CHUNKS)

    next(iter(circle.logs("acme/api", 1)))

    assert len(server.requests) == 2


def test_an_expired_address_is_renewed(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "make test", CHUNKS)
    server.script("GET", "^/files/", says(403, b"<Error><Message>Request has expired</Message></Error>"))

    (log,) = circle.logs("acme/api", 1)

    assert log.text == "first\r\nsecond\r\n"
    assert [ask.host for ask in server.requests] == ["api", "files", "api", "files"]


def test_an_address_that_stays_forbidden_is_an_error(
    circle: CircleCI, server: CircleCIServer, build: Json
) -> None:
    action = server.world.add_log(build, "make test", CHUNKS)
    key = action["output_url"].removeprefix(server.files_url).partition("?")[0]
    server.world.files[key].allows = 0

    with pytest.raises(Forbidden, match="Request has expired") as raised:
        list(circle.logs("acme/api", 1))
    assert "X-Signature" not in str(raised.value)


def test_a_long_log_is_cut_and_says_so(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "make test", [{"message": "x" * 80} for _ in range(50)])

    (log,) = circle.logs("acme/api", 1, limit=1000)

    assert log.text == "x" * 80 * (len(log.text) // 80)
    assert 500 < len(log.text) < 1000
    assert log.truncated


def test_a_log_circleci_cut_says_so(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "make test", [{"message": "x", "truncated": True}])

    assert [log.truncated for log in circle.logs("acme/api", 1)] == [True]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"plain text", "plain text"),
        (b"", ""),
        (b"[]", ""),
        (b'[{"message": null}, 7, {"message": "x"}]', "x"),
        (b'[{"message": "x"}, {"mess', "x"),
        (b"[" * 50_000, ""),
    ],
    ids=["text", "empty", "no chunks", "odd chunks", "broken", "deep"],
)
def test_odd_logs_are_read_as_far_as_they_go(
    content: bytes, expected: str, circle: CircleCI, server: CircleCIServer
) -> None:
    server.world.files["/files/odd"] = FakeFile(content=content)
    action = Action.read({"output_url": f"{server.files_url}/files/odd"})

    log = step_log(circle.http, action)

    assert log is not None
    assert log.text == expected


def test_storage_in_trouble_is_an_error(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.add_log(build, "make test", CHUNKS)
    server.script("GET", "^/files/", page(503), times=9)

    with pytest.raises(CircleCIError, match="answered 503: Bad gateway"):
        list(circle.logs("acme/api", 1))


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("\x1b[31mred\x1b[0m\r\n", "red\n"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x\x1b\\link", "link"),
        ("\x1b(Bplain\x1b=", "plain"),
        ("50%\r100%\r\n", "50%\r100%\n"),
        ("no \ud800 half", "no ? half"),
    ],
)
def test_terminal_escapes_are_removed(log: str, expected: str) -> None:
    assert plain(log) == expected
