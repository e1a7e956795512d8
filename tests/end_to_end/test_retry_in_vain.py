"""A retry of which nothing comes: what waited for its verdict is told at once, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.model import DeliveryState
from relay.store import Store, SwitchedOff
from tests.end_to_end.test_judged_retry import AT_ONCE, FLAKY, JUDGED, RESET, workflow_with
from tests.factories import NOON
from tests.fakes.circleci_server import dropped, says
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import until, working

WAITS = AT_ONCE.replace("delay: 0s", "delay: 500ms")


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with open_stage(store, tmp_path) as stage:
        yield stage


def told(stage: Stage) -> str:
    """The only message."""
    until(lambda: len(stage.messages()) == 1)
    (message,) = stage.messages()
    assert message["reason"]["change"] == "first_failure"
    return str(message["message"]["body"])


def test_one_that_circleci_refuses(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", says(400, {"message": "workflow is too old"}))
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        text = told(stage)

    assert "answered 400: workflow is too old" in text


def test_one_that_was_switched_off_meanwhile(stage: Stage) -> None:
    with working(stage.store, stage.relay(JUDGED + WAITS, again=FLAKY)):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        until(lambda: stage.action("again"))
        stage.store.switch_off(SwitchedOff(at=NOON, who="alice", why="an outage"))
        text = told(stage)

    assert "again: not started: retries are switched off by alice: an outage" in text


def test_one_of_a_workflow_with_an_approval(stage: Stage) -> None:
    workflow = workflow_with(stage, RESET)
    approval = {"id": "approval", "name": "ship?", "type": "approval", "status": "success"}
    stage.circleci.world.jobs[workflow["id"]].append(approval)
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow))
        text = told(stage)

    assert "again: not started: its workflow has an approval (ship?)" in text
    assert stage.reruns() == 0


def test_one_whose_run_ended_long_ago(stage: Stage) -> None:
    """As when the relay was down for a night, or CircleCI sends the webhook again."""
    hook = stage.completed(workflow_with(stage, RESET))
    hook["workflow"]["stopped_at"] = "2026-11-01T12:00:00Z"
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(hook)
        text = told(stage)

    assert "again: not started: it ended at 2026-11-01 12:00 UTC, more than 8 hours ago" in text
    assert stage.reruns() == 0


def test_one_that_gives_up_on_a_workflow_that_never_ends(stage: Stage) -> None:
    relay = stage.relay(JUDGED + AT_ONCE, again=FLAKY, give_up_after="500ms")
    with working(stage.store, relay):
        stage.post(stage.completed(workflow_with(stage, RESET, status="failing")))
        text = told(stage)

    assert "again: the workflow has not ended yet (failing)" in text
    assert stage.reruns() == 0


def test_one_whose_call_may_have_been_lost(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", dropped())
    relay = stage.relay(JUDGED + AT_ONCE, again=FLAKY, give_up_after="500ms")
    with working(stage.store, relay):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        text = told(stage)
        (retry,) = stage.finished("again")

    assert retry.state is DeliveryState.UNKNOWN
    assert "nothing that came of it is to be seen yet" in text
    assert stage.reruns() == 1
