"""A scripted CircleCI, a client of it, and a clock that only moves when somebody sleeps."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relay.circleci.answers import Ending
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http
from tests.fakes.circleci_server import PERSONAL, CircleCIServer
from tests.fakes.circleci_world import FakeProject

RECORDED = Path(__file__).parents[3] / "shared" / "payloads"
collect_ignore = [] if RECORDED.is_dir() else ["test_recorded.py"]


@dataclass
class Clock:
    """Seconds since the start; sleeping is instant and remembered."""

    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@pytest.fixture
def server() -> Iterator[CircleCIServer]:
    with CircleCIServer() as running:
        yield running


@pytest.fixture
def project(server: CircleCIServer) -> FakeProject:
    return server.world.add_project("gh/acme/api")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def endings() -> list[Ending]:
    return []


def flood(act: Callable[[], object], *, threads: int, each: int) -> None:
    """So many threads do it so often, all at once."""

    def go() -> None:
        for _ in range(each):
            act()

    running = [threading.Thread(target=go) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


Connect = Callable[..., CircleCI]


@pytest.fixture
def connect(server: CircleCIServer, clock: Clock, endings: list[Ending]) -> Iterator[Connect]:
    """Makes clients; changes to the connection by keyword."""
    made: list[CircleCI] = []

    def make(token: str | None = PERSONAL, **changes: Any) -> CircleCI:
        http = Http(
            server.connection(token, **changes),
            clock=clock,
            sleep=clock.sleep,
            chance=lambda: 1.0,
            on_ending=endings.append,
        )
        made.append(CircleCI(http))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def circle(connect: Connect) -> CircleCI:
    return connect()
