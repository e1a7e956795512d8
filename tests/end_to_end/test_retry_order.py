"""Webhooks of a run and its rerun, in whatever order they come, and of classic builds: on both databases."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.ids import new_id
from relay.model import DeliveryState
from relay.policy import Mode
from relay.store import DeliveryFilter, Store
from tests.end_to_end.test_judged_retry import (
    AT_ONCE,
    FLAKY,
    JUDGED,
    RESET,
    child_of,
    until_planned,
    workflow_with,
)
from tests.factories import classic, stamp
from tests.fakes.circleci_server import held
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import until, working

CLASSIC = JUDGED.replace("event: workflow", "event: build")
SHADOW = JUDGED.replace("    act: again\n", "    act: again\n    shadow: true\n")
NOTHING = "nothing was sent: what was held is fixed by now"


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with open_stage(store, tmp_path) as stage:
        yield stage


def retried(stage: Stage, mode: Mode = Mode.ON) -> int:
    """How many retries count as spent."""
    used: int = stage.store.used_by_all(mode, datetime.now(UTC))["in_hour"]
    return used


def test_the_rerun_may_have_passed_before_the_answer_to_the_call_is_here(stage: Stage) -> None:
    gate = threading.Event()
    stage.circleci.script("POST", "/rerun$", held(gate))
    workflow = workflow_with(stage, RESET)
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow))
        until(lambda: stage.circleci.asked("POST", "/rerun$"))
        stage.post(stage.completed(child_of(stage, workflow), "success"))
        until(lambda: stage.messages())
        gate.set()
        (retry,) = stage.finished("again")

    (message,) = stage.messages()
    assert message["events"][0]["verdict"] == "infrastructure"
    assert retry.state is DeliveryState.DELIVERED
    assert (stage.reruns(), retried(stage)) == (1, 1)


def test_a_rerun_that_is_known_before_its_failure_leaves_nothing_to_tell(stage: Stage) -> None:
    """Somebody ran it again by hand, and that webhook overtook the first."""
    workflow = workflow_with(stage, RESET)
    by_hand = stage.circleci.world.add_workflow(stage.circleci.world.pipelines[workflow["pipeline_id"]])
    briefly = JUDGED.replace("hold: 20m", "hold: 1s")
    with working(stage.store, stage.relay(briefly + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(by_hand, "success"))
        until_planned(stage, 1)
        stage.post(stage.completed(workflow))
        until(lambda: len(ended(stage, "sink")) == 1)

    assert ended(stage, "sink") == [NOTHING]
    assert stage.messages() == []
    assert stage.reruns() == 0


def ended(stage: Stage, target: str) -> list[str | None]:
    rows = stage.store.deliveries(wanted=DeliveryFilter(target=target))
    return [row.title for row in rows if row.finished_at]


def test_what_is_delivered_again_a_day_later_makes_no_other_retry(stage: Stage) -> None:
    workflow = workflow_with(stage, RESET)
    hook = stage.completed(workflow)
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(hook)
        stage.finished("again")
        stage.post(stage.completed(child_of(stage, workflow), "success"))
        until(lambda: stage.messages())
        for again in (hook, {**hook, "id": new_id()}):
            stage.post(again)
        until_planned(stage, 3)
        until(lambda: stage.store.counts()["leased"] == 0)

    assert (stage.reruns(), len(stage.messages())) == (1, 1)


# Classic builds


def failed_build(stage: Stage, number: int, **fields: Any) -> dict[str, Any]:
    """A classic build with this failure in its log, and its webhook."""
    world = stage.circleci.world
    build = world.add_build(stage.project, number, platform="1.0", **fields)
    world.add_log(build, "npm ci", [{"message": RESET, "type": "out"}])
    return ended_build(number, status="failed", outcome="failed", failed=True, steps=build["steps"], **fields)


def ended_build(number: int, **fields: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    times = {"start_time": stamp(now - timedelta(minutes=1)), "stop_time": stamp(now)}
    return classic(build_num=number, **{**times, **fields})


def test_a_classic_build_that_passes_when_run_again(stage: Stage) -> None:
    with working(stage.store, stage.relay(CLASSIC + AT_ONCE, again=FLAKY)):
        stage.post(failed_build(stage, 7))
        (retry,) = stage.finished("again")
        assert stage.messages() == []
        stage.post(ended_build(8, retry_of=7, why="retry"))
        until(lambda: stage.messages())

    (message,) = stage.messages()
    assert (retry.title or "").startswith("ran it again: build #8 (v1.1 retry)")
    assert message["events"][0]["verdict"] == "infrastructure"
    assert (stage.reruns(), retried(stage)) == (1, 1)


def test_a_classic_build_that_fails_again_is_run_again_no_more(stage: Stage) -> None:
    with working(stage.store, stage.relay(CLASSIC + AT_ONCE, again=FLAKY)):
        stage.post(failed_build(stage, 7))
        stage.finished("again")
        stage.post(failed_build(stage, 8, retry_of=7, why="retry"))
        until(lambda: stage.messages())

    (message,) = stage.messages()
    assert [event["number"] for event in message["events"]] == [8]
    assert message["reason"]["change"] == "first_failure"
    assert "failed 2 times with package registry errors" in message["message"]["body"]
    assert stage.reruns() == 1


# Shadow


def test_the_retry_of_a_route_in_shadow_holds_nothing_and_spends_nothing(stage: Stage) -> None:
    with working(stage.store, stage.relay(SHADOW + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        (retry,) = stage.finished("again")
        until(lambda: ended(stage, "sink"))

    assert (retry.state, retry.title) == (DeliveryState.SHADOW, "shadow, not done")
    assert (stage.reruns(), retried(stage), retried(stage, Mode.SHADOW)) == (0, 0, 1)
