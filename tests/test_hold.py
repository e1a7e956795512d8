"""A failure waits for the verdict of a retry or of the next result."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from relay import pipeline
from relay.model import Change, Event, EventKind, Outcome, Pipeline, Status, Workflow
from relay.pipeline import Relay
from relay.planning import NewDelivery, Reservation
from relay.quieting import Control, Facts, Fate, Quieted, Terms, Wanted, make_silence, quieted, wanted
from relay.store import Planned
from tests.factories import MINUTE, NOON, make_event
from tests.relays import make_relay

STATE = "gh/acme/api | main"
HELD = {"hold": 1200.0}
SLOT = '["hold","chat","gh/acme/api | main"]'
END = NOON + 20 * MINUTE
TERMS = Terms(holding=frozenset({"chat"}))
SETTINGS = """\
version: 1
notifiers:
  chat: { type: console }
  log: { type: console }
routes:
  - { match: { change: [broke, fixed, first_failure] }, hold: 20m, notify: chat }
"""


def owed(**overrides: Any) -> NewDelivery:
    fields = {"id": "d1", "target": "chat", "kind": "notify", "destination": "chat", "route": "trunk"}
    return NewDelivery(**{**fields, **overrides})


def left_by(
    *deliveries: NewDelivery, waiting: dict[str, datetime] | None = None, now: datetime = NOON, **event: Any
) -> Quieted:
    its = make_event(**{"change": Change.BROKE, **event})
    return quieted(its, deliveries, TERMS, Facts(waiting=waiting or {}), now, STATE)


def test_a_failure_is_held_and_tells_until_when() -> None:
    left = left_by(owed(settings=HELD, lane="card"))

    (delivery,) = left.deliveries
    assert (delivery.group_key, delivery.due_at, delivery.latest_at, delivery.lane) == (SLOT, END, END, None)
    assert delivery.slots == (Reservation(slot=SLOT),)
    assert [(each.control, each.reason, each.until, each.fate) for each in left.quiet] == [
        (Control.HOLD, "held for a verdict, at most 20m", END, Fate.LATER)
    ]
    assert left.facts.waiting == {SLOT: END}


@pytest.mark.parametrize(
    "event",
    [
        {"status": Status.SUCCESS, "change": Change.FIXED},
        {"status": Status.CANCELED, "change": Change.NONE},
        {"kind": EventKind.RELAY},
    ],
    ids=["passed", "cancelled", "our own"],
)
def test_only_failures_are_held(event: dict[str, Any]) -> None:
    delivery = owed(settings=HELD)

    assert left_by(delivery, **event).deliveries == (delivery,)


@pytest.mark.parametrize("settings", [HELD, {}], ids=["a route that holds", "another route"])
@pytest.mark.parametrize("status", [Status.SUCCESS, Status.FAILED])
def test_the_next_result_joins_what_is_held_and_makes_it_due(
    settings: dict[str, Any], status: Status
) -> None:
    later = NOON + MINUTE

    left = left_by(owed(settings=settings), waiting={SLOT: END}, now=later, status=status)

    (delivery,) = left.deliveries
    assert (delivery.group_key, delivery.due_at, delivery.is_verdict) == (SLOT, later, True)
    assert [(each.control, each.fate, each.until) for each in left.quiet] == [
        (Control.HOLD, Fate.SENT, later)
    ]


def test_what_says_nothing_new_is_no_verdict() -> None:
    """A repeat of the failure waits with it; a result that was cancelled goes its own way."""
    repeat = left_by(owed(settings=HELD), waiting={SLOT: END}, now=NOON + MINUTE, change=Change.NONE)
    canceled = left_by(owed(settings=HELD), waiting={SLOT: END}, status=Status.CANCELED, change=Change.NONE)

    (joined,) = repeat.deliveries
    assert (joined.group_key, joined.due_at, joined.is_verdict) == (SLOT, END, False)
    assert canceled.deliveries == (owed(settings=HELD),)


def test_what_waits_for_its_hours_is_not_held_twice() -> None:
    delivery = owed(settings={**HELD, "held": "office"}, group_key="summary")

    assert left_by(delivery).deliveries == (delivery,)


def test_messages_to_one_person_wait_by_themselves() -> None:
    left = left_by(owed(settings=HELD), owed(id="d2", settings=HELD, direct="alice"))

    assert [each.group_key for each in left.deliveries] == [
        SLOT,
        '["hold","chat","dm:alice","gh/acme/api | main"]',
    ]


def test_what_waits_is_asked_for_only_where_a_route_holds() -> None:
    event = make_event(change=Change.BROKE)
    own, other = owed(), owed(target="log")

    assert wanted(event, [own, other], STATE, TERMS).waiting == (SLOT,)
    assert wanted(event, [own, other], STATE, Terms()) == Wanted()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], True),
        ([owed(id="d2", target="log")], False),
        ([owed(id="d2", target="log", settings={"shadow": True})], True),
        ([owed(id="d2", target="retry", kind="act")], True),
    ],
    ids=["alone", "told at once elsewhere", "elsewhere in shadow", "an action"],
)
def test_nobody_was_told_while_all_messages_wait(more: Sequence[NewDelivery], expected: bool) -> None:
    left = left_by(owed(settings=HELD), *more)

    assert bool(left.facts.unsaid) is expected


# Several events


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = make_relay(tmp_path, SETTINGS)
    yield relay
    relay.transport.close()


def run(number: int, status: Status, attempt: int = 1) -> Event:
    created = NOON + (number * 10 + attempt) * MINUTE
    return make_event(
        id=f"event-{number}-{attempt}",
        status=status,
        workflow=Workflow(id=f"w-{number}-{attempt}", name="build-and-deploy", created_at=created),
        pipeline=Pipeline(number=number),
    )


def changes_of(relay: Relay, *events: Event) -> list[Change]:
    plans = pipeline.decide_all(events, {}, relay, NOON)
    return [plan.event.change for plan in plans if isinstance(plan, Planned)]


def test_a_failure_that_passed_on_retry_unheard_leaves_the_branch_green(relay: Relay) -> None:
    told = changes_of(
        relay,
        run(1, Status.SUCCESS),
        run(2, Status.FAILED),
        run(2, Status.SUCCESS, attempt=2),
        run(3, Status.FAILED),
    )

    assert told == [Change.FIRST_SUCCESS, Change.BROKE, Change.PASSED_ON_RETRY, Change.BROKE]


def test_a_fix_in_silence_of_a_failure_that_nobody_heard_of_leaves_the_branch_green(relay: Relay) -> None:
    history: tuple[Outcome, ...] = ()
    facts = Facts()
    for event, silences in (
        (run(1, Status.FAILED), ()),
        (run(2, Status.SUCCESS), (make_silence({"branch": ["*"]}, name="s"),)),
        (run(3, Status.SUCCESS), ()),
    ):
        known = replace(facts, silences=silences)
        decided = pipeline.decide(event, history, relay, NOON, lambda _, known=known: known)  # type: ignore[misc]
        assert decided.judgement.outcome is not None
        history, facts = (decided.judgement.outcome, *history), decided.facts

    assert decided.event.change is Change.STILL_PASSING


def test_one_that_others_heard_of_leaves_it_red(tmp_path: Path) -> None:
    text = SETTINGS + "  - { match: { change: broke }, notify: log }\n"

    told = changes_of(
        make_relay(tmp_path, text),
        run(1, Status.SUCCESS),
        run(2, Status.FAILED),
        run(2, Status.SUCCESS, attempt=2),
        run(3, Status.FAILED),
    )

    assert told == [Change.FIRST_SUCCESS, Change.BROKE, Change.PASSED_ON_RETRY, Change.STILL_FAILING]


def test_results_of_one_batch_join_each_other(relay: Relay) -> None:
    plans = pipeline.decide_all(
        [run(1, Status.FAILED), run(2, Status.SUCCESS), run(3, Status.SUCCESS)], {}, relay, NOON
    )

    first, second = (delivery for plan in plans if isinstance(plan, Planned) for delivery in plan.deliveries)
    assert (first.group_key, first.is_verdict) == (second.group_key, False)
    assert second.is_verdict
