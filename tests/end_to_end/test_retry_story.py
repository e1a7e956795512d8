"""A failed workflow is run again and its reports are kept, over HTTP, on both databases, come what may."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.acting import act_one
from relay.ids import new_id
from relay.model import AttemptOutcome, DeliveryState
from relay.runs import Outcome, RunState
from relay.store import Claim, Finish, Step, Store
from tests.fakes.circleci_server import dropped, lost, page, says, slow
from tests.fakes.circleci_world import Json
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import until, working

QUIET = """\
  - match: { event: workflow, status: failed }
    notify: sink
    act: again
"""


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with open_stage(store, tmp_path) as stage:
        yield stage


def child_of(stage: Stage, workflow: Json) -> Json:
    child = stage.newest_workflow()
    assert child["id"] != workflow["id"]
    return child


def test_the_story(stage: Stage) -> None:
    workflow = stage.failed_workflow()
    with working(stage.store, stage.relay()):
        stage.post(stage.completed(workflow))
        (retry,) = stage.finished("again")
        (keep,) = stage.finished("keep-reports")
        first = stage.message_about("first_failure")
        child = child_of(stage, workflow)
        stage.post(stage.completed(child, "success"))
        second = stage.message_about("passed_on_retry")

    assert (retry.state, keep.state) == (DeliveryState.DELIVERED, DeliveryState.DELIVERED)
    assert retry.title == f"ran it again from its failed jobs: workflow {child['id']} (v2 rerun)"
    assert keep.title == f"kept 2 files, 173 bytes, in {stage.kept}"
    assert (stage.kept / "reports/unit/junit.xml").read_bytes().startswith(b"<?xml")
    assert "🔴 api / build failed on main" in first
    assert "test (https://app.circleci.com/pipelines/github/acme/api/1/workflows/" in first
    assert "Error: no door" in first
    assert "1 test failed\n- opens: shut" in first
    assert "🟢 api / build passed on retry on main" in second
    assert "This was run again by again" in second
    assert stage.reruns() == 1


def test_the_child_is_linked_to_its_root(stage: Stage) -> None:
    workflow = stage.failed_workflow()
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(workflow))
        stage.finished("again")
        stage.post(stage.completed(child_of(stage, workflow)))
        until(lambda: len(stage.messages()) == 2)

    newest = stage.store.event(stage.store.events()[0].id)
    assert newest is not None
    assert newest.event is not None
    run = newest.event.notes["run"]
    assert (run["action"], run["root"], run["of"]) == ("again", workflow["id"], workflow["id"])


def test_what_actions_found_is_in_messages_made_later(stage: Stage) -> None:
    grouped = """\
  - match: { event: workflow }
    notify: sink
    act: [again, keep-reports]
    group: { by: [project.slug], wait: 1s }
"""
    workflow = stage.failed_workflow()
    with working(stage.store, stage.relay(grouped)):
        stage.post(stage.completed(workflow))
        message = stage.message_about("first_failure")

    assert f"again: ran it again from its failed jobs: workflow {stage.newest_workflow()['id']}" in message
    assert "keep-reports: kept 2 files, 173 bytes" in message


def test_the_limit_ends_a_chain(stage: Stage) -> None:
    workflow = stage.failed_workflow()
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(workflow))
        stage.finished("again")
        child = child_of(stage, workflow)
        child["status"] = "failed"
        stage.post(stage.completed(child))
        second, _ = stage.finished("again", 2)

    assert (second.state, second.title) == (
        DeliveryState.DELIVERED,
        "not started: the limit of 1 is reached",
    )
    assert stage.reruns() == 1


def test_a_lost_answer_is_looked_up_and_starts_no_other(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", lost())
    workflow = stage.failed_workflow()
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(workflow))
        (retry,) = stage.finished("again")

    child = child_of(stage, workflow)
    assert (
        retry.title
        == f"ran it again from its failed jobs: workflow {child['id']} (found in the same pipeline)"
    )
    assert stage.reruns() == 1
    assert stage.store.runs.started([child["id"]])[child["id"]].root == workflow["id"]


def test_a_call_that_may_have_been_made_is_never_made_again(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", dropped())
    workflow = stage.failed_workflow()
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(workflow))
        until(lambda: (row := stage.action("again")) is not None and row.tries >= 3)
        row = stage.action("again")

    assert row is not None
    assert row.error is not None
    assert "nothing that came of it is to be seen yet" in row.error
    assert stage.reruns() == 1


def test_a_clear_no_is_reported(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", says(400, {"message": "workflow is too old"}), times=9)
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(stage.failed_workflow()))
        (retry,) = stage.finished("again")
        stage.message_about("first_failure")

    assert retry.state is DeliveryState.DEAD
    assert retry.error is not None
    assert retry.error.endswith("answered 400: workflow is too old")


def test_a_retry_that_was_refused_is_made_when_it_is_replayed(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", says(400, {"message": "not today"}))
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(stage.failed_workflow()))
        (refused,) = stage.finished("again")
        stage.store.replay([refused.id])
        until(lambda: (row := stage.action("again")) and row.state is DeliveryState.DELIVERED)

    outcomes = [attempt.outcome for attempt in stage.store.attempts(refused.id)]
    assert outcomes == [AttemptOutcome.PERMANENT, AttemptOutcome.DELIVERED]
    assert len(stage.circleci.world.workflows) == 2


def test_a_retry_with_a_delay_waits_and_the_message_does_not(stage: Stage) -> None:
    relay = stage.relay(QUIET, again="{ type: retry, delay: 1500ms }")
    with working(stage.store, relay):
        start = time.monotonic()
        stage.post(stage.completed(stage.failed_workflow()))
        stage.message_about("first_failure")
        asked_early = stage.reruns()
        stage.finished("again")

    assert asked_early == 0
    assert stage.circleci.asked("POST", "/rerun$")[0].at - start >= 1.5


def test_a_passing_no_is_tried_again(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", says(429, {"message": "slow down"}, Retry_After="0"), times=5)
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(stage.failed_workflow()))
        (retry,) = stage.finished("again")

    assert retry.state is DeliveryState.DELIVERED
    assert len(stage.circleci.world.workflows) == 2


def test_while_circleci_is_down_the_message_goes_out_without_it(stage: Stage) -> None:
    stage.circleci.script("GET", "", page(503), times=999)
    with working(stage.store, stage.relay("  - notify: sink\n", within="300ms")):
        stage.post(stage.completed(stage.failed_workflow()))
        message = stage.message_about("first_failure")

    assert "🔴 api / build failed on main" in message
    assert "Details are missing: CircleCI could not be asked for its jobs: Bad gateway" in message


def test_a_slow_circleci_delays_a_message_no_longer_than_allowed(stage: Stage) -> None:
    stage.circleci.script("GET", "", slow(3.0), times=999)
    with working(stage.store, stage.relay("  - notify: sink\n", within="400ms")):
        stage.post(stage.completed(stage.failed_workflow()))
        waited = until(lambda: stage.messages())

    assert waited < 2.5
    assert "Details are missing" in stage.message_about("first_failure")


def test_results_of_one_branch_keep_their_order_while_circleci_is_asked(stage: Stage) -> None:
    stage.circleci.script("GET", "", slow(0.2), times=999)
    red, green = stage.failed_workflow(), stage.failed_workflow(42)
    with working(stage.store, stage.relay("  - notify: sink\n")):
        stage.post(stage.completed(red))
        stage.post(stage.completed(green, "success"))
        until(lambda: len(stage.messages()) == 2)

    assert {data["reason"]["change"] for data in stage.messages()} == {"first_failure", "fixed"}


def claimed(delivery_id: str, destination: str, *, attempt: int, lost: bool) -> Claim:
    return Claim(
        id=1,
        step=Step.DELIVER,
        ref=delivery_id,
        destination=destination,
        lane=None,
        attempt=attempt,
        worker=new_id(),
        lost=lost,
        grouped=False,
    )


def test_a_worker_killed_after_the_call_starts_no_other(stage: Stage) -> None:
    """The intent is written and the call made; then the worker is gone, and another takes over."""
    workflow = stage.failed_workflow()
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(workflow))
        (retry,) = stage.finished("again")
    child = child_of(stage, workflow)
    stage.store.runs.settle(retry.id, Outcome(state=RunState.INTENDED))  # as it was before the answer

    finish = taken_over(stage, retry.id)

    assert finish.outcome is AttemptOutcome.DELIVERED
    assert (
        finish.title
        == f"ran it again from its failed jobs: workflow {child['id']} (found in the same pipeline)"
    )
    assert stage.reruns() == 1


def test_a_worker_killed_before_the_call_leaves_it_to_a_person(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", dropped())
    with working(stage.store, stage.relay(QUIET)):
        stage.post(stage.completed(stage.failed_workflow()))
        until(lambda: (row := stage.action("again")) is not None and row.tries >= 1)
    row = stage.action("again")
    assert row is not None

    finish = taken_over(stage, row.id, minutes=3)

    assert (finish.state, finish.again_at) == (DeliveryState.UNKNOWN, None)
    assert finish.error is not None
    assert "look at CircleCI before you start it by hand" in finish.error
    run = stage.store.runs.find(row.id)
    assert run is not None
    assert run.state is RunState.UNKNOWN
    assert stage.reruns() == 1


def taken_over(stage: Stage, delivery_id: str, minutes: float = 0) -> Finish:
    """What another worker makes of the delivery, so many minutes later."""
    relay = stage.relay(QUIET)
    claim = claimed(delivery_id, "circleci", attempt=2, lost=True)
    delivery = stage.store.load([claim]).deliveries[delivery_id]
    try:
        return act_one(
            claim, delivery, relay, stage.store, lambda: datetime.now(UTC) + timedelta(minutes=minutes)
        )
    finally:
        relay.transport.close()


def test_without_a_token_nothing_is_asked_and_the_action_says_so(stage: Stage) -> None:
    with working(stage.store, stage.relay(QUIET, token="")):
        stage.post(stage.completed(stage.failed_workflow()))
        (retry,) = stage.finished("again")
        message = stage.message_about("first_failure")

    assert retry.error == "there is no circleci.token in the configuration; add one and replay"
    assert "Details" not in message
    assert stage.circleci.requests == []
