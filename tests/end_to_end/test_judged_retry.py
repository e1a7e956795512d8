"""A failure is judged and perhaps run again before anybody is told: over HTTP, on both databases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.ids import new_id
from relay.model import DeliveryState
from relay.store import DeliveryFilter, Store, SwitchedOff
from tests.factories import NOON
from tests.fakes.circleci_server import lost
from tests.fakes.circleci_world import Json
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import until, working

RESET = "npm ERR! code ECONNRESET\r\nnpm ERR! network request to https://registry.example.com/left failed\r\n"
BROKEN = "src/door.ts(12,3): error TS2345: Argument of type 'string' is not assignable\r\n"
JUDGED = """\
  - name: red
    match: { event: workflow, status: failed }
    act: again
    hold: 20m
    notify: sink
  - name: came-back
    match: { verdict: [flaky, infrastructure, recovered-unexplained] }
    notify: sink
"""
AT_ONCE = """\
retry:
  mode: on
  rules:
    - { id: network, when: { class: [net, registry] }, do: { retry: 1, delay: 0s } }
"""
FLAKY = "{ type: retry, policy: flaky }"


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with open_stage(store, tmp_path) as stage:
        yield stage


def workflow_with(stage: Stage, log: str, number: int = 41, **fields: Any) -> Json:
    return stage.failed_workflow(number, log, in_tests=False, **fields)


def child_of(stage: Stage, workflow: Json) -> Json:
    child = stage.newest_workflow()
    assert child["id"] != workflow["id"]
    return child


def quiet_of(stage: Stage) -> list[tuple[str, str]]:
    """What was kept back for the first event: by what, and why."""
    detail = stage.store.event(stage.store.events()[-1].id)
    assert detail is not None
    assert detail.decision is not None
    return [(each["control"], each["reason"]) for each in detail.decision["quiet"]]


def until_planned(stage: Stage, count: int) -> None:
    until(lambda: sum(row.change is not None for row in stage.store.events()) == count)


def test_a_failure_that_passes_when_run_again_is_told_as_what_it_was(stage: Stage) -> None:
    workflow = workflow_with(stage, RESET)
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow))
        (retry,) = stage.finished("again")
        assert stage.messages() == []
        stage.post(stage.completed(child_of(stage, workflow), "success"))
        until(lambda: len(stage.messages()) == 1)

    (message,) = stage.messages()
    assert retry.state is DeliveryState.DELIVERED
    assert stage.reruns() == 1
    assert message["reason"]["route"] == "came-back"
    assert message["events"][0]["verdict"] == "infrastructure"
    assert "recovered; not your change" in message["message"]["body"]


def test_a_failure_that_comes_back_alike_is_told_once(stage: Stage) -> None:
    workflow = workflow_with(stage, RESET)
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow))
        stage.finished("again")
        child = child_of(stage, workflow)
        build = stage.circleci.world.add_build_in_workflow(stage.project, child, 42, job="test")
        stage.circleci.world.add_log(build, "npm test", [{"message": RESET, "type": "out"}])
        child["status"] = "failed"
        stage.post(stage.completed(child))
        until(lambda: len(stage.messages()) == 1)

    (message,) = stage.messages()
    assert stage.reruns() == 1
    assert "failed 2 times with package registry errors; perhaps an outage" in message["message"]["body"]
    assert message["reason"]["change"] == "first_failure"
    assert [event["workflow"]["id"] for event in message["events"]] == [child["id"]]


def test_what_is_really_broken_is_told_at_once_and_not_run_again(stage: Stage) -> None:
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow_with(stage, BROKEN)))
        until(lambda: len(stage.messages()) == 1)

    (message,) = stage.messages()
    assert stage.reruns() == 0
    assert message["events"][0]["failure"]["class"] == "genuine.compile"
    ((control, reason),) = quiet_of(stage)
    assert control == "retry"
    assert reason.startswith("test is never run again: failure.class genuine.compile in [genuine.compile, ")


def test_in_shadow_it_is_only_noted_and_everybody_is_told_at_once(stage: Stage) -> None:
    with working(stage.store, stage.relay(JUDGED, again=FLAKY)):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        until(lambda: len(stage.messages()) == 1)

    (row,) = stage.store.events()
    assert stage.reruns() == 0
    assert quiet_of(stage)[0][1].startswith("retry.mode is shadow, so it is only noted: rule ")
    assert stage.store.ruled([row.id])[row.id].retry is True


def test_the_switch_stops_a_retry_that_waits_already(stage: Stage) -> None:
    waits = AT_ONCE.replace("delay: 0s", "delay: 500ms")
    with working(stage.store, stage.relay(JUDGED + waits, again=FLAKY)):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        until_planned(stage, 1)
        stage.store.switch_off(SwitchedOff(at=NOON, who="alice", why="an outage"))
        (retry,) = stage.finished("again")

    assert stage.reruns() == 0
    assert retry.title == "not started: retries are switched off by alice: an outage"


def test_while_it_is_switched_off_nothing_is_held(stage: Stage) -> None:
    stage.store.switch_off(SwitchedOff(at=NOON, who="alice"))
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        until(lambda: len(stage.messages()) == 1)
    assert quiet_of(stage) == [("retry", "retries are switched off by alice")]


def test_budgets_hold_over_runs_of_one_commit(stage: Stage) -> None:
    """Two runs of a commit are run again, the third is told."""
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        for number in (41, 42, 43):
            stage.post(stage.completed(workflow_with(stage, RESET, number)))
            until_planned(stage, number - 40)
        until(lambda: len(stage.messages()) >= 1)

    assert stage.reruns() == 2
    last = stage.store.events()[0]
    assert stage.store.ruled([last.id])[last.id].stop in ("per_commit", "per_hour")


def test_a_lost_answer_and_a_webhook_that_comes_twice_make_one_retry(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", lost())
    workflow = workflow_with(stage, RESET)
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY)):
        hook = stage.completed(workflow)
        stage.post(hook)
        stage.post({**hook, "id": new_id()})
        stage.finished("again")
        until_planned(stage, 2)

    assert stage.reruns() == 1
    assert len(stage.store.deliveries(wanted=DeliveryFilter(target="again"))) == 1


def test_a_failure_of_which_nothing_could_be_found_out_is_told_at_once(stage: Stage) -> None:
    with working(stage.store, stage.relay(JUDGED + AT_ONCE, again=FLAKY, token="")):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        until(lambda: len(stage.messages()) == 1)
    assert quiet_of(stage) == [
        ("retry", "nothing is known of why it failed, so nothing says that a retry helps")
    ]
