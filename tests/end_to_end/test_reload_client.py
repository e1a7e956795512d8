"""When the configuration is read again, the client of the old one is closed, but not under anybody's feet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relay.model import DeliveryState
from relay.store import Store
from relay.worker import Worker
from tests.fakes.circleci_server import held
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import until

RETRY = """\
  - match: { event: workflow, status: failed }
    act: again
"""


@pytest.fixture
def stage(sqlite_url: str, tmp_path: Path) -> Iterator[Stage]:
    with Store.open(sqlite_url) as store, open_stage(store, tmp_path) as stage:
        yield stage


@contextmanager
def working_alone(stage: Stage) -> Iterator[Worker]:
    """A worker whose relay nobody else knows."""
    worker = Worker(stage.store, stage.relay(RETRY))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)


def test_the_old_client_is_closed(stage: Stage) -> None:
    with working_alone(stage) as worker:
        stage.post(stage.completed(stage.failed_workflow()))
        stage.finished("again")
        kept_open = stage.circleci.connections
        worker.reload(stage.relay(RETRY))
        until(lambda: stage.circleci.connections == 0)

    assert kept_open == 1


def test_what_still_uses_the_old_client_comes_to_its_end_first(stage: Stage) -> None:
    gate = threading.Event()
    stage.circleci.script("GET", "/workflow/[^/]+$", held(gate))
    with working_alone(stage) as worker:
        stage.post(stage.completed(stage.failed_workflow()))
        until(lambda: stage.circleci.asked("GET", "/workflow/"))
        worker.reload(stage.relay(RETRY))
        stage.post(stage.completed(stage.failed_workflow(42)))  # with the new client
        until(lambda: stage.circleci.asked("POST", "/rerun$"))
        gate.set()
        first, second = stage.finished("again", 2)
        until(lambda: stage.circleci.connections == 1)

    assert (first.state, second.state) == (DeliveryState.DELIVERED, DeliveryState.DELIVERED)
