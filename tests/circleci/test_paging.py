"""Lists are followed lazily, each item once, and never without end."""

import itertools
from collections import deque
from itertools import islice

import pytest

from relay.circleci.errors import Unreadable
from relay.circleci.facade import CircleCI
from relay.circleci.paging import Page, by_offset, by_token
from tests.fakes.circleci_server import CircleCIServer, says
from tests.fakes.circleci_world import FakeProject


def test_a_limit_above_100_is_split(server: CircleCIServer, project: FakeProject, circle: CircleCI) -> None:
    for number in range(1, 161):
        server.world.add_build(project, number)

    builds = list(circle.v1_1.project_builds("acme/api", limit=150))

    assert [build.number for build in builds] == list(range(160, 10, -1))
    assert [ask.path.partition("?")[2] for ask in server.requests] == [
        "limit=100&offset=0",
        "limit=50&offset=100",
    ]


def test_without_a_limit_all_pages_are_followed(
    server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    for number in range(1, 66):
        server.world.add_build(project, number)

    assert len(list(circle.v1.project_builds("acme/api"))) == 65
    assert len(server.requests) == 3


def test_only_the_pages_that_are_read_are_asked_for(
    server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    for number in range(1, 66):
        server.world.add_build(project, number)

    list(islice(circle.v1_1.project_builds("acme/api"), 5))

    assert len(server.requests) == 1


def test_builds_pushed_to_the_next_page_by_a_new_one_come_once(
    server: CircleCIServer, project: FakeProject, circle: CircleCI
) -> None:
    for number in range(1, 41):
        server.world.add_build(project, number)
    builds = circle.v1_1.project_builds("acme/api")

    first = list(islice(builds, 30))
    server.world.add_build(project, 41)
    rest = list(builds)

    assert [build.number for build in first + rest] == list(range(40, 0, -1))


def test_a_server_that_ignores_the_offset_does_not_keep_us_forever() -> None:
    asked: list[int] = []

    def fetch(limit: int, offset: int) -> list[int]:
        asked.append(offset)
        return list(range(limit))

    assert list(by_offset(fetch, lambda n: n)) == list(range(30))
    assert len(asked) == 4


def test_page_tokens_are_followed(server: CircleCIServer, project: FakeProject, circle: CircleCI) -> None:
    for _ in range(45):
        server.world.add_pipeline(project)

    numbers = [pipeline.number for pipeline in circle.v2.pipelines("acme/api")]

    assert numbers == list(range(45, 0, -1))
    assert len(server.requests) == 3


def test_a_repeated_page_token_ends_the_list(server: CircleCIServer, circle: CircleCI) -> None:
    page = {"items": [{"id": "p-1"}], "next_page_token": "again"}
    server.script("GET", "/pipeline", says(200, page), times=99)

    with pytest.raises(Unreadable, match="has no end"):
        list(circle.v2.pipelines("acme/api"))
    assert len(server.requests) == 2


def test_empty_pages_on_end_end_the_list(server: CircleCIServer, circle: CircleCI) -> None:
    for number in range(5):
        server.script("GET", "/pipeline", says(200, {"items": [], "next_page_token": f"t{number}"}))

    with pytest.raises(Unreadable, match="has no end"):
        list(circle.v2.pipelines("acme/api"))
    assert len(server.requests) == 3


def test_ever_new_page_tokens_end_too() -> None:
    tokens = map(str, itertools.count())

    with pytest.raises(Unreadable, match="has no end"):
        deque(by_token(lambda token: Page(items=[{"id": "p-1"}], next_token=next(tokens))), maxlen=0)
