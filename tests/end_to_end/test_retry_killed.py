"""A worker is killed in the middle of a retry, and another takes over: real processes, both databases."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.model import DeliveryState
from relay.runs import RunState
from relay.store import DeliveryRow, Store
from tests.fakes.circleci_server import PERSONAL, held, stuck
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.processes import Running, ended, wait_for

SOON_S = 45.0

CONFIG = """\
version: 1
store: "{database}"
circleci: {{ url: "{circleci}", token: "{token}" }}
defaults:
  delivery: {{ timeout: 5s, retries: [200ms], give_up_after: 6s }}
actions:
  again: {{ type: retry }}
routes:
  - act: again
"""


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with open_stage(store, tmp_path) as stage:
        yield stage


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What CircleCI holds back passes when it is set; at the latest at the end of the test."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def config(stage: Stage, database_url: str, tmp_path: Path) -> Path:
    path = tmp_path / "relay.yaml"
    path.write_text(CONFIG.format(database=database_url, circleci=stage.circleci.url, token=PERSONAL))
    return path


def worker(config: Path, name: str) -> Running:
    return Running(["--config", str(config), "worker"], config.with_name(name))


def killed_and_taken_over(
    stage: Stage, config: Path, gate: threading.Event, call: tuple[str, str]
) -> DeliveryRow:
    """SIGKILL to the worker as soon as CircleCI has this call in hand; what another makes of the retry."""
    first = worker(config, "first.log")
    with ended(first):
        wait_for(lambda: stage.circleci.asked(*call), SOON_S, "the call", lambda: first.log)
        first.process.kill()
        first.process.wait()
    gate.set()
    second = worker(config, "second.log")
    with ended(second):
        wait_for(lambda: _is_over(stage), SOON_S, "the end of the retry", lambda: second.log)
    row = stage.action("again")
    assert row is not None
    return row


def _is_over(stage: Stage) -> bool:
    row = stage.action("again")
    return row is not None and row.finished_at is not None


def test_what_the_killed_worker_started_is_found_and_not_started_again(
    stage: Stage, config: Path, gate: threading.Event
) -> None:
    stage.circleci.script("POST", "/rerun$", held(gate))
    workflow = stage.failed_workflow()
    stage.post(stage.completed(workflow))

    row = killed_and_taken_over(stage, config, gate, ("POST", "/rerun$"))

    child = stage.newest_workflow()["id"]
    assert (row.state, row.tries) == (DeliveryState.DELIVERED, 2)
    assert row.title == f"ran it again from its failed jobs: workflow {child} (found in the same pipeline)"
    assert stage.store.runs.started([child])[child].root == workflow["id"]
    assert stage.reruns() == 1
    assert len(stage.circleci.world.workflows) == 2


def test_a_call_that_may_not_have_reached_circleci_is_not_made_again(
    stage: Stage, config: Path, gate: threading.Event
) -> None:
    stage.circleci.script("POST", "/rerun$", stuck(gate))
    stage.post(stage.completed(stage.failed_workflow()))

    row = killed_and_taken_over(stage, config, gate, ("POST", "/rerun$"))

    assert row.state is DeliveryState.UNKNOWN
    assert row.error == "the answer was lost; nothing that came of it is to be seen yet"
    run = stage.store.runs.find(row.id)
    assert run is not None
    assert run.state is RunState.INTENDED
    assert stage.reruns() == 1
    assert len(stage.circleci.world.workflows) == 1


def test_a_worker_killed_before_the_intent_leaves_all_of_it_to_the_next(
    stage: Stage, config: Path, gate: threading.Event
) -> None:
    """It was still looking whether somebody else had been quicker."""
    stage.circleci.script("GET", "/workflow/[^/]+$", held(gate))
    stage.post(stage.completed(stage.failed_workflow()))

    row = killed_and_taken_over(stage, config, gate, ("GET", "/workflow/[^/]+$"))

    child = stage.newest_workflow()["id"]
    assert row.state is DeliveryState.DELIVERED
    assert row.title == f"ran it again from its failed jobs: workflow {child} (v2 rerun)"
    assert stage.reruns() == 1
