"""Calls are repeated where that is safe, end in time, and fail with words."""

import socket
import threading
import time
from dataclasses import replace

import pytest
import requests

from relay.circleci.answers import Ending
from relay.circleci.connection import Connection
from relay.circleci.errors import (
    CircleCIError,
    Forbidden,
    Gone,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerError,
    Unauthorized,
    Unclear,
    Unreachable,
    Unreadable,
)
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http
from relay.circleci.limiter import Limiter
from relay.errors import UsageError
from tests.circleci.conftest import Clock, Connect, flood
from tests.fakes.circleci_server import (
    PERSONAL,
    PROJECT,
    CircleCIServer,
    Script,
    cut,
    dripping,
    dropped,
    lost,
    page,
    redirect,
    says,
    slow,
)
from tests.fakes.circleci_world import FakeProject


def test_every_request_says_what_it_accepts_and_who_asks(server: CircleCIServer, circle: CircleCI) -> None:
    circle.v1.me()

    asked = server.requests[0]
    assert asked.headers["Accept"] == "application/json"
    assert asked.headers["User-Agent"].startswith("relay/")


FAULTS = {
    "connection closed": dropped(),
    "answer cut": cut(),
    "429": says(429, b""),
    "500": says(500, {"message": "oops"}),
    "502 in HTML": page(502),
    "503": says(503, b""),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_get_is_repeated(fault: Script, server: CircleCIServer, circle: CircleCI, clock: Clock) -> None:
    server.script("GET", "", fault, times=2)

    assert circle.v2.me().login == "alice"
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_delete_is_repeated(
    fault: Script, server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    server.script("DELETE", "", fault)

    assert circle.v1_1.clear_cache("acme/api") == "build dependency caches deleted"
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_cancel_is_repeated(
    fault: Script, server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    server.world.add_build(project, 1, lifecycle="running", status="running")
    server.script("POST", "/cancel$", fault)

    assert circle.v1_1.cancel("acme/api", 1).status == "canceled"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "fault",
    [lost(), dropped(), cut(), says(500, b""), page(502), page(200), says(200, b"{:build_num 1}")],
    ids=["lost", "dropped", "cut", "500", "502", "HTML", "EDN"],
)
def test_a_post_that_may_have_started_a_build_goes_once_and_is_unclear(
    fault: Script, server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    server.world.add_build(project, 1)
    server.script("POST", "/retry$", fault)

    with pytest.raises(Unclear, match="it may have been carried out all the same"):
        circle.v1_1.retry("acme/api", 1)
    assert len(server.requests) == 1


def test_a_post_that_goes_once_takes_a_fresh_connection(
    server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    server.world.add_build(project, 1)

    circle.v2.me()
    circle.v2.me()
    circle.v1_1.retry("acme/api", 1)

    first, second, third = (ask.connection for ask in server.requests)
    assert first == second != third


def test_a_post_is_repeated_after_a_429(
    server: CircleCIServer, project: FakeProject, circle: CircleCI, clock: Clock
) -> None:
    server.world.add_build(project, 1)
    server.script("POST", "/retry$", says(429, b"", Retry_After="3"))

    assert circle.v1_1.retry("acme/api", 1).number == 2
    assert clock.slept == [3.0]
    assert sorted(project.builds) == [1, 2]


def test_a_post_is_repeated_when_no_connection_stood(clock: Clock) -> None:
    with socket.socket() as unheard:  # bound, but nobody listens: refused
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        circle = CircleCI(Http(Connection(base_url=url), clock=clock, sleep=clock.sleep, chance=lambda: 1.0))

        with pytest.raises(Unreachable) as raised:
            circle.v1_1.retry("acme/api", 1)

    assert clock.slept == [0.5, 1.0, 2.0]
    assert raised.value.sent is False


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Refused), (401, Unauthorized), (403, Forbidden), (404, NotFound), (410, Gone)]
)
def test_a_refusal_is_final(
    status: int, kind: type[CircleCIError], server: CircleCIServer, circle: CircleCI
) -> None:
    server.script("GET", "", says(status, {"message": "because"}), times=9)

    with pytest.raises(kind, match="because") as raised:
        circle.v2.me()

    assert (raised.value.status, raised.value.request) == (status, "GET /api/v2/me")
    assert len(server.requests) == 1


def test_tries_end(server: CircleCIServer, circle: CircleCI, clock: Clock) -> None:
    server.script("GET", "", says(500, b""), times=99)

    with pytest.raises(ServerError):
        circle.v2.me()

    assert len(server.requests) == 4
    assert clock.slept == [0.5, 1.0, 2.0]


def test_a_retry_after_beyond_the_deadline_is_handed_to_the_caller(
    server: CircleCIServer, circle: CircleCI, clock: Clock
) -> None:
    server.script("GET", "", says(429, {"message": "slow down"}, Retry_After="120"))

    with pytest.raises(RateLimited) as raised:
        circle.v2.me()

    assert raised.value.retry_after == 120.0
    assert raised.value.temporary
    assert clock.slept == []


def test_a_retry_after_of_a_503_is_kept_to(server: CircleCIServer, circle: CircleCI, clock: Clock) -> None:
    server.script("GET", "", says(503, b"", Retry_After="7"))

    assert circle.v2.me().login == "alice"
    assert clock.slept == [7.0]


def test_others_wait_too_after_a_429(server: CircleCIServer, circle: CircleCI, clock: Clock) -> None:
    server.script("GET", "", says(429, b"", Retry_After="120"))

    for _ in range(2):
        with pytest.raises(RateLimited):
            circle.v2.me()
    assert len(server.requests) == 1

    clock.seconds += 120
    assert circle.v2.me().login == "alice"


def test_a_429_to_one_thread_of_a_flood_holds_all_of_them_back(server: CircleCIServer) -> None:
    """Also those that had been given a place within the next second already."""
    server.script("GET", "/me", says(200, {"login": "alice"}), times=4)
    server.script("GET", "/me", replace(says(429, b"", Retry_After="2"), delay=0.4))
    circle = CircleCI(Http(server.connection(), limiter=Limiter(20, 1.0)))

    flood(circle.v2.me, threads=30, each=2)
    circle.close()

    refused = server.requests[4].at + 0.4
    waits = [ask.at - refused for ask in server.requests]
    assert len(waits) == 61
    assert [wait for wait in waits if 0.4 < wait < 1.95] == []  # before that: what was on its way


def test_a_flood_keeps_to_the_limit(server: CircleCIServer) -> None:
    circle = CircleCI(Http(server.connection(), limiter=Limiter(20, 0.5)))

    flood(circle.v2.me, threads=20, each=5)
    circle.close()

    came = sorted(ask.at for ask in server.requests)
    assert len(came) == 100
    assert came[-1] - came[0] >= 4 * 0.5 - 0.2  # the first may have been late


def test_a_used_up_limit_is_waited_for_before_the_next_call(
    server: CircleCIServer, circle: CircleCI, clock: Clock
) -> None:
    server.headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": "4"}

    circle.v2.me()
    circle.v2.me()

    assert clock.slept == [4.0]


def test_a_github_limit_in_a_403_is_a_limit(server: CircleCIServer, circle: CircleCI) -> None:
    said = '{"message":"API rate limit exceeded for user","documentation_url":"d"}'
    server.script("GET", "", says(403, {"message": said}), times=9)

    with pytest.raises(RateLimited, match="API rate limit exceeded for user"):
        circle.v1_1.me()
    assert len(server.requests) == 1


def test_a_slow_answer_ends_with_the_timeout(server: CircleCIServer) -> None:
    server.script("GET", "", slow(3.0))
    circle = CircleCI(Http(server.connection(read_timeout=0.1, deadline=0.2)))

    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer in time"):
        circle.v2.me()
    circle.close()

    assert time.monotonic() - began < 2.0


def test_an_answer_that_drips_ends_with_the_deadline(server: CircleCIServer) -> None:
    server.script("GET", "", dripping(0.05), times=9)
    circle = CircleCI(Http(server.connection(deadline=0.3)))

    began = time.monotonic()
    with pytest.raises(Unreachable, match="did not end in time"):
        circle.v2.me()
    circle.close()

    assert time.monotonic() - began < 2.0


def test_all_calls_of_a_bounded_client_end_together(
    server: CircleCIServer, circle: CircleCI, clock: Clock
) -> None:
    bounded = circle.within(2.0)
    bounded.v2.me()
    clock.seconds += 2.5

    with pytest.raises(CircleCIError):
        bounded.v2.me()
    assert len(server.requests) == 1
    assert circle.v2.me().login == "alice"


def test_a_post_never_follows_a_redirect(
    server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    server.world.add_build(project, 1)
    server.script("POST", "/retry$", redirect("/api/v1.1/project/github/acme/api/1/retry"))

    with pytest.raises(Redirected, match=r"a redirect to /api/v1\.1/project/github/acme/api/1/retry"):
        circle.v1_1.retry("acme/api", 1)
    assert list(project.builds) == [1]


def test_redirects_in_a_circle_end(server: CircleCIServer, circle: CircleCI) -> None:
    server.script("GET", "", redirect("/api/v2/me"), times=99)

    with pytest.raises(Redirected, match="no end"):
        circle.v2.me()
    assert len(server.requests) == 6


def test_a_redirect_to_nowhere_is_an_error(server: CircleCIServer, circle: CircleCI) -> None:
    server.script("GET", "", says(302, b""))

    with pytest.raises(Redirected, match="a redirect to nowhere"):
        circle.v2.me()


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://[", "http://host:99999/", "https://", "gopher://x"]
)
def test_a_redirect_that_cannot_be_followed_is_an_error(
    location: str, server: CircleCIServer, circle: CircleCI
) -> None:
    server.script("GET", "", redirect(location))

    with pytest.raises(Unreachable, match=r"not (a )?valid"):
        circle.v2.me()
    assert len(server.requests) == 1


def test_an_unknown_route_is_answered_by_a_page_in_words(server: CircleCIServer, circle: CircleCI) -> None:
    server.world.no_v2 = True

    with pytest.raises(NotFound) as raised:
        circle.v2.me()

    assert str(raised.value) == (
        "GET /api/v2/me answered 404: Not here No page (not there, or not visible to this token)"
    )


@pytest.mark.parametrize(
    "body", [b"<html>hi</html>", b'{:login "alice"}', b'{"a"'], ids=["HTML", "EDN", "cut"]
)
def test_an_answer_that_is_no_json_is_unreadable(
    body: bytes, server: CircleCIServer, circle: CircleCI
) -> None:
    server.script("GET", "", says(200, body))

    with pytest.raises(Unreadable, match="not JSON"):
        circle.v2.me()


def test_an_answer_that_is_too_large_is_not_read(server: CircleCIServer, connect: Connect) -> None:
    server.script("GET", "", says(200, {"login": "a" * 5000}))

    with pytest.raises(Unreadable, match="too large"):
        connect(largest_answer=1000).v2.me()


def test_the_404_of_a_project_token_on_v2_is_explained(
    project: FakeProject, server: CircleCIServer, connect: Connect
) -> None:
    with pytest.raises(NotFound, match="takes personal tokens only"):
        connect(PROJECT).v2.project("acme/api")


def test_an_announced_end_is_told_once(
    server: CircleCIServer, project: FakeProject, circle: CircleCI, endings: list[Ending]
) -> None:
    server.world.add_build(project, 1)

    circle.v1_1.retry("acme/api", 1)
    circle.v1_1.retry("acme/api", 1)

    assert [str(ending) for ending in endings] == [
        "CircleCI ends POST /api/v1.1/project/{project}/{number}/retry "
        "(Deprecation: @1769904000; Sunset: Mon, 01 Feb 2027 00:00:00 GMT)"
    ]


def test_cookies_are_not_kept(server: CircleCIServer, circle: CircleCI) -> None:
    server.headers = {"Set-Cookie": "session=1; Path=/"}

    circle.v2.me()
    circle.v2.me()

    assert "Cookie" not in server.requests[1].headers


def test_many_threads_share_a_client(server: CircleCIServer, circle: CircleCI) -> None:
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.append(circle.v2.me().login)) for _ in range(20)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["alice"] * 20


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("https://circleci.com", "https://circleci.com"),
        ("https://circleci.com/", "https://circleci.com"),
        ("https://ci.acme.example/api/v1.1", "https://ci.acme.example"),
        ("https://acme.example:8443/ci/", "https://acme.example:8443/ci"),
    ],
)
def test_the_base_url_may_be_written_in_several_ways(given: str, root: str) -> None:
    assert Connection(base_url=given).root == root


@pytest.mark.parametrize(
    "given", ["", "circleci.com", "ftp://circleci.com", "https://a@b.example", "https://b:x"]
)
def test_a_base_url_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="must look like"):
        Http(Connection(base_url=given))


def test_a_proxy_is_used(server: CircleCIServer, clock: Clock) -> None:
    proxies = {"http": server.url}
    connection = Connection(base_url="http://ci.acme.example", proxies=proxies)
    server.script("GET", "^http://ci.acme.example/api/v2/me", says(200, {"login": "through the proxy"}))

    circle = CircleCI(Http(connection, clock=clock, sleep=clock.sleep))

    assert circle.v2.me().login == "through the proxy"
    circle.close()


def test_a_ca_bundle_that_is_missing_is_an_error(clock: Clock) -> None:
    connection = Connection(base_url="https://127.0.0.1:1", ca_bundle="/nowhere/ca.pem")

    with pytest.raises(Unreachable, match="certificates to check with are not where the settings say"):
        CircleCI(Http(connection, clock=clock, sleep=clock.sleep)).v2.me()


@pytest.mark.parametrize("accept", ["", None], ids=["empty", "missing"])
def test_the_scripted_server_answers_edn_to_who_does_not_ask_for_json(
    accept: str | None, server: CircleCIServer
) -> None:
    headers = {"Circle-Token": PERSONAL, "Accept": accept}

    answer = requests.get(f"{server.url}/api/v1.1/me", headers=headers, timeout=5)

    assert answer.text == '{:login "alice"}'
