"""Whatever compares times: daylight saving, leap days, and a wall clock that is set."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay import payloads, pipeline
from relay.changes import in_order, judge
from relay.errors import DeliveryError
from relay.model import Change, Event, Outcome, Status, Workflow
from relay.planning import plan
from relay.render.wording import change_text
from relay.retries import next_try
from relay.routing import Decision, Resolution
from relay.runs import Earlier, why_no_retry
from relay.store import Claim, Step, Store
from tests.factories import MINUTE, NOON, body, make_event, workflow_completed
from tests.histories import Run, by_workflow, play
from tests.relays import JSON, TO_SINK, make_relay
from tests.test_changes import IGNORED, result
from tests.test_planning import TARGETS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BUSY = DeliveryError("HTTP 503", status=503)
PARIS = ZoneInfo("Europe/Paris")
NIGHTS = {
    "clocks go forward": datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC),
    "clocks go back": datetime(2026, 10, 25, 0, 59, 50, tzinfo=UTC),
    "leap day begins": datetime(2028, 2, 28, 23, 59, 50, tzinfo=UTC),
    "leap day ends": datetime(2028, 2, 29, 23, 59, 50, tzinfo=UTC),
    "year ends": datetime(2026, 12, 31, 23, 59, 50, tzinfo=UTC),
}
nights = pytest.mark.parametrize("night", NIGHTS.values(), ids=NIGHTS)


def attempt(number: int, created_at: str, status: str) -> Event:
    """An attempt of pipeline 7812, created at a time with an offset."""
    hook = workflow_completed(status=status)
    hook["workflow"] |= {"id": f"w-{number}", "created_at": created_at}
    return payloads.parse(body(hook), JSON, id=f"event-{number}", received_at=NOON)


def test_attempts_are_ordered_by_instant_when_clocks_go_back() -> None:
    first = attempt(1, "2026-10-25T02:50:00+02:00", "failed")
    second = attempt(2, "2026-10-25T02:10:00+01:00", "success")

    outcome = judge(second, (), IGNORED).outcome
    assert outcome is not None
    late = judge(first, (outcome,), IGNORED)

    assert late.event.change is Change.NONE
    assert late.outcome is not None
    assert [each.run for each in in_order((outcome, late.outcome))] == ["w-1", "w-2"]


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        (datetime(2028, 2, 28, 12, tzinfo=UTC), datetime(2028, 3, 1, 12, tzinfo=UTC), "fixed after 2 d"),
        (datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC), "fixed after 1 d"),
        (
            datetime(2026, 3, 29, 1, 30, tzinfo=PARIS).astimezone(UTC),
            datetime(2026, 3, 29, 3, 30, tzinfo=PARIS).astimezone(UTC),
            "fixed after 1 h",
        ),
        (
            datetime(2026, 10, 25, 1, 30, tzinfo=PARIS).astimezone(UTC),
            datetime(2026, 10, 25, 3, 30, tzinfo=PARIS).astimezone(UTC),
            "fixed after 3 h",
        ),
        (NOON, NOON - HOUR, "fixed"),
    ],
    ids=["over a leap day", "over no leap day", "night of 23 hours", "night of 25 hours", "clock set back"],
)
def test_how_long_a_branch_was_red_is_the_time_that_passed(
    since: datetime, until: datetime, text: str
) -> None:
    red = replace(result(1, Status.FAILED), finished_at=since)
    outcome = judge(red, (), IGNORED).outcome
    assert outcome is not None

    fixed = judge(replace(result(2), finished_at=until), (outcome,), IGNORED).event

    assert change_text(fixed) == text


@nights
def test_a_retry_waits_as_long_as_on_any_night(night: datetime) -> None:
    due = next_try((30.0,), 1, BUSY, night, give_up_after=3600.0, first_at=night, jitter=lambda: 0.5)

    assert due is not None
    assert due.timestamp() - night.timestamp() == 30.0


@nights
def test_a_group_waits_as_long_as_on_any_night(night: datetime) -> None:
    grouped = Decision(route="a", notify=("mail",), settings={"group": {"wait": 60}})
    resolution = Resolution(decisions=(grouped,), trace=(), errors=())

    (delivery,) = plan(make_event(), resolution, TARGETS, night)

    assert delivery.due_at is not None
    assert delivery.latest_at is not None
    assert delivery.due_at.timestamp() - night.timestamp() == 60.0
    assert delivery.latest_at.timestamp() - night.timestamp() == 300.0


@pytest.mark.parametrize(
    "jump",
    [-400 * DAY, -HOUR, timedelta(), HOUR, 400 * DAY],
    ids=["a year back", "an hour back", "no jump", "an hour on", "a year on"],
)
def test_a_clock_that_jumps_between_two_results_changes_nothing(
    store: Store, tmp_path: Path, jump: timedelta
) -> None:
    relay = make_relay(tmp_path, TO_SINK.format(url="https://ci.example.com"))
    statuses = ["success", "failed", "failed", "success"]
    hooks = [
        by_workflow(Run(project=f"p{jump.days}", pipeline=at, attempt=1, status=status, minute=20 * at))
        for at, status in enumerate(statuses, 1)
    ]

    played = play(store, relay, hooks, now=[NOON, NOON, NOON + jump, NOON + jump])
    relay.transport.close()

    assert [event.change.value for event in played.events] == [
        "first_success",
        "broke",
        "still_failing",
        "fixed",
    ]


def test_results_that_tell_no_time_are_ordered_by_their_number_whatever_our_clock_says() -> None:
    def untimed(number: int, status: Status, received_at: datetime) -> Event:
        run = Workflow(id=f"w-{number}", name="build-and-deploy")
        event = replace(result(number, status), started_at=None, finished_at=None)
        return replace(event, workflow=run, received_at=received_at)

    history: list[Outcome] = []
    changes = []
    for event in (untimed(1, Status.SUCCESS, NOON), untimed(2, Status.FAILED, NOON - 9 * HOUR)):
        judgement = judge(event, history, IGNORED)
        changes.append(judgement.event.change)
        history += [judgement.outcome] if judgement.outcome else []

    assert changes == [Change.FIRST_SUCCESS, Change.BROKE]


@pytest.mark.parametrize(("number", "is_tried"), [(1, True), (10, True), (40, False)])
def test_after_the_clock_was_set_back_the_tries_tell_when_to_give_up(number: int, is_tried: bool) -> None:
    due = next_try(
        (120.0,),
        number,
        BUSY,
        NOON,
        give_up_after=3600.0,
        first_at=NOON + 400 * DAY,
        jitter=lambda: 0.5,
    )

    assert due == (NOON + 2 * MINUTE if is_tried else None)


@pytest.mark.parametrize(
    ("since", "is_refused"),
    [(-2 * HOUR, False), (-MINUTE, True), (MINUTE, True), (400 * DAY, False)],
    ids=["long ago", "just now", "by a clock a little ahead", "before the clock was set back"],
)
def test_a_dead_destination_is_tried_again_hourly_whatever_the_clock_did(
    since: timedelta, is_refused: bool
) -> None:
    claim = Claim(
        id=1,
        step=Step.DELIVER,
        ref="delivery-1",
        destination="webhook:1",
        lane=None,
        attempt=1,
        worker="worker-one",
        lost=False,
        grouped=False,
        dead_since=(NOON + since).timestamp(),
        dead_why="HTTP 404",
    )

    assert _refuses(claim) is is_refused


def _refuses(claim: Claim) -> bool:
    try:
        pipeline.refuse_dead(claim, "chat", NOON)
    except DeliveryError:
        return True
    return False


@pytest.mark.parametrize(
    ("last", "may"),
    [(-11 * MINUTE, True), (-9 * MINUTE, False), (9 * MINUTE, False), (400 * DAY, True)],
    ids=["over", "not over", "by a clock a little ahead", "before the clock was set back"],
)
def test_a_cooldown_ends_whatever_the_clock_did(last: timedelta, may: bool) -> None:
    earlier = Earlier(last_in_scope=NOON + last)
    terms: dict[str, Any] = {"limit": 3, "cooldown": 600.0, "now": NOON}

    assert (why_no_retry(make_event(), earlier, **terms) is None) is may
