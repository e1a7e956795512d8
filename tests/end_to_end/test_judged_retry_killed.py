"""A worker is killed at each step of a retry that was judged, and another goes on: real processes, both
databases. At most one retry is made, budgets count it once, and the verdict is told."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from relay.ids import new_id
from relay.policy import Mode
from relay.store import Store
from tests.end_to_end.test_judged_retry import RESET, workflow_with
from tests.fakes.circleci_server import PERSONAL, held, stuck
from tests.fakes.circleci_world import Json
from tests.fakes.sink import Play
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.processes import Running, ended, wait_for

SOON_S = 45.0

CONFIG = """\
version: 1
store: "{database}"
circleci: {{ url: "{circleci}", token: "{token}" }}
notifiers:
  sink: {{ type: webhook, url: "{sink}/ci", allow_private: true }}
defaults:
  delivery: {{ timeout: 30s, retries: [200ms], give_up_after: 6s }}
actions:
  again: {{ type: retry, policy: flaky }}
retry:
  mode: on
  rules:
    - {{ id: network, when: {{ class: [net, registry] }}, do: {{ retry: 1, delay: {delay} }} }}
routes:
  - match: {{ event: workflow, status: failed }}
    act: again
    hold: 20m
    notify: sink
  - match: {{ verdict: [flaky, infrastructure, recovered-unexplained] }}
    notify: sink
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


class Workers:
    """One worker at a time."""

    def __init__(self, stage: Stage, database_url: str, folder: Path) -> None:
        self._stage, self._database_url, self._folder = stage, database_url, folder

    def killed_when(self, condition: Callable[[], object], *, delay: str = "0s") -> None:
        """SIGKILL to a worker as soon as this holds."""
        running = self._start("killed.log", delay)
        with ended(running):
            wait_for(condition, SOON_S, "the moment to kill it", lambda: running.log)
            running.process.kill()
            running.process.wait()

    def until(self, condition: Callable[[], object]) -> None:
        """Another works until this holds."""
        running = self._start("next.log", "0s")
        with ended(running):
            wait_for(condition, SOON_S, "the end", lambda: running.log)

    def _start(self, name: str, delay: str) -> Running:
        config = self._folder / "relay.yaml"
        text = CONFIG.format(
            database=self._database_url,
            circleci=self._stage.circleci.url,
            token=PERSONAL,
            sink=self._stage.sink.url,
            delay=delay,
        )
        config.write_text(text)
        return Running(["--config", str(config), "worker"], self._folder / name)


@pytest.fixture
def workers(stage: Stage, database_url: str, tmp_path: Path) -> Workers:
    return Workers(stage, database_url, tmp_path)


def post_often(stage: Stage, hook: dict[str, Any]) -> None:
    """As it comes when CircleCI sends it again: the same, and with an id of its own."""
    for each in (hook, hook, {**hook, "id": new_id()}):
        stage.post(each)


def is_over(stage: Stage) -> bool:
    row = stage.action("again")
    return row is not None and row.finished_at is not None


def is_planned(stage: Stage, count: int) -> bool:
    return sum(row.change is not None for row in stage.store.events()) >= count


def asked(stage: Stage, method: str, pattern: str) -> Callable[[], bool]:
    return lambda: bool(stage.circleci.asked(method, pattern))


def pass_again(stage: Stage, workers: Workers) -> None:
    """The rerun passes; the verdict is told."""
    post_often(stage, stage.completed(stage.newest_workflow(), "success"))
    workers.until(lambda: stage.messages())


def has_told_the_verdict(stage: Stage) -> bool:
    return {message["events"][0]["verdict"] for message in stage.messages()} == {"infrastructure"}


def retried(stage: Stage) -> int:
    """How many retries count as spent."""
    used: int = stage.store.used_by_all(Mode.ON, datetime.now(UTC))["in_hour"]
    return used


@pytest.mark.parametrize(
    "call",
    [("GET", "/workflow/[^/]+/job$"), ("GET", "/workflow/[^/]+$"), ("POST", "/rerun$")],
    ids=["before it is judged", "before the retry is intended", "before the answer is recorded"],
)
def test_one_retry_is_made_and_its_verdict_told(
    stage: Stage, workers: Workers, gate: threading.Event, call: tuple[str, str]
) -> None:
    stage.circleci.script(*call, held(gate))
    post_often(stage, stage.completed(workflow_with(stage, RESET)))
    workers.killed_when(asked(stage, *call))
    gate.set()

    workers.until(lambda: is_over(stage) and is_planned(stage, 2))

    assert (stage.reruns(), retried(stage), stage.messages()) == (1, 1, [])
    pass_again(stage, workers)
    assert has_told_the_verdict(stage)
    assert (stage.reruns(), len(stage.messages())) == (1, 1)


def test_a_retry_that_waits_survives(stage: Stage, workers: Workers) -> None:
    post_often(stage, stage.completed(workflow_with(stage, RESET)))
    workers.killed_when(lambda: stage.action("again"), delay="3s")

    workers.until(lambda: is_over(stage))

    assert (stage.reruns(), retried(stage)) == (1, 1)


def test_a_call_that_may_never_have_arrived_is_not_made_again_and_the_failure_is_told(
    stage: Stage, workers: Workers, gate: threading.Event
) -> None:
    stage.circleci.script("POST", "/rerun$", stuck(gate))
    post_often(stage, stage.completed(workflow_with(stage, RESET)))
    workers.killed_when(asked(stage, "POST", "/rerun$"))
    gate.set()

    workers.until(lambda: stage.messages())

    assert (stage.reruns(), retried(stage), len(stage.messages())) == (1, 1, 1)
    assert "the answer was lost" in stage.messages()[0]["message"]["body"]


def fail_again(stage: Stage) -> Json:
    """The rerun, failed in the same way."""
    child = stage.newest_workflow()
    build = stage.circleci.world.add_build_in_workflow(stage.project, child, 42, job="test")
    stage.circleci.world.add_log(build, "npm test", [{"message": RESET, "type": "out"}])
    child["status"] = "failed"
    return child


def test_a_verdict_that_is_being_reached_is_reached_by_the_next(
    stage: Stage, workers: Workers, gate: threading.Event
) -> None:
    """Killed while it reads the log of the second failure."""
    post_often(stage, stage.completed(workflow_with(stage, RESET)))
    workers.until(lambda: is_over(stage) and is_planned(stage, 2))
    child = fail_again(stage)
    call = ("GET", f"/workflow/{child['id']}/job$")
    stage.circleci.script(*call, held(gate))
    post_often(stage, stage.completed(child))
    workers.killed_when(asked(stage, *call))
    gate.set()

    workers.until(lambda: stage.messages())

    (message,) = stage.messages()
    assert "failed 2 times with package registry errors" in message["message"]["body"]
    assert (stage.reruns(), retried(stage)) == (1, 1)


def test_a_verdict_that_is_being_sent_is_sent_by_the_next(stage: Stage, workers: Workers) -> None:
    """The service may have taken it: it comes once or twice, as the same delivery."""
    post_often(stage, stage.completed(workflow_with(stage, RESET)))
    workers.until(lambda: is_over(stage))
    stage.sink.plays.append(Play(wait=60.0))
    post_often(stage, stage.completed(stage.newest_workflow(), "success"))
    workers.killed_when(lambda: stage.messages())
    stage.sink.release()

    workers.until(lambda: len(stage.messages()) == 2)

    first, second = stage.sink.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert has_told_the_verdict(stage)
    assert (stage.reruns(), retried(stage)) == (1, 1)
