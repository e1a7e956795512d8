"""The same result of the same run is told to a target once in a time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay.model import Event, EventKind, Job, Status, Workflow
from relay.planning import NewDelivery, Reservation
from relay.quieting import (
    Control,
    Facts,
    Quieted,
    Slot,
    SlotState,
    Terms,
    Wanted,
    make_silence,
    quieted,
    told_slot,
    wanted,
)
from tests.factories import MINUTE, NOON, make_event

HOUR = 60 * MINUTE
DAY = 24 * HOUR
TERMS = Terms(dedupe=DAY, zone=ZoneInfo("Europe/Paris"))
SLOT = '["dedupe","chat","workflow","w1","canceled"]'
AGAIN = ()  # it may have been told, by no event on record


def result(**overrides: Any) -> Event:
    fields = {
        "kind": EventKind.WORKFLOW,
        "status": Status.CANCELED,
        "workflow": Workflow(id="w1", name="build"),
        "number": 7,
    }
    return make_event(**{**fields, **overrides})


def owed(**overrides: Any) -> NewDelivery:
    fields = {"id": "d1", "target": "chat", "kind": "notify", "destination": "chat", "route": "trunk"}
    return NewDelivery(**{**fields, **overrides})


def judged(
    event: Event,
    *deliveries: NewDelivery,
    slots: dict[str, Slot] | None = None,
    now: datetime = NOON,
    earlier: tuple[str, ...] | None = AGAIN,
    terms: Terms = TERMS,
) -> Quieted:
    facts = Facts(slots=slots or {})
    return quieted(event, deliveries or [owed()], terms, facts, now, "k", earlier)


def sent(at: datetime = NOON) -> dict[str, Slot]:
    return {SLOT: Slot(state=SlotState.SENT, at=at)}


def test_what_goes_on_record_asks_the_store_nothing() -> None:
    assert wanted(result(status=Status.FAILED), [owed()], "k", TERMS) == Wanted()


def test_what_the_history_ignores_asks_for_its_slot() -> None:
    assert wanted(result(), [owed()], "k", TERMS, earlier=AGAIN) == Wanted(slots=(SLOT,))


def test_a_result_that_came_again_asks_who_was_told_before() -> None:
    found = wanted(result(), [owed()], "k", TERMS, earlier=("e1",))

    assert found == Wanted(slots=(SLOT,), told=("e1",))


def test_without_a_message_nothing_is_asked() -> None:
    assert wanted(result(), [owed(kind="act")], "k", TERMS, earlier=("e1",)) == Wanted()


def test_switched_off_it_asks_and_keeps_back_nothing() -> None:
    assert wanted(result(), [owed()], "k", Terms(), earlier=("e1",)) == Wanted()
    assert judged(result(), slots=sent(), terms=Terms()).deliveries == (owed(),)


def test_the_first_message_takes_the_slot() -> None:
    (delivery,) = judged(result()).deliveries

    assert delivery.slots == (Reservation(slot=SLOT),)


def test_the_first_on_record_takes_no_slot_and_still_stands_for_the_next_of_the_batch() -> None:
    first = judged(result(), earlier=None)
    second = quieted(result(), [owed(id="d2")], TERMS, first.facts, NOON, "k", ("e1",))

    assert first.deliveries == (owed(),)
    assert [(each.control, each.reason, each.until) for each in second.quiet] == [
        (Control.DEDUPE, "the same result of this run is under way", None)
    ]


def test_the_same_result_is_kept_back_and_says_until_when() -> None:
    left = judged(result(), slots=sent(), now=NOON + HOUR)

    assert left.deliveries == ()
    assert [(each.control, each.reason, each.until) for each in left.quiet] == [
        (Control.DEDUPE, "the same result of this run was told at 13:00", NOON + DAY)
    ]


def test_what_was_told_on_another_day_says_which() -> None:
    (quiet,) = judged(result(), slots=sent(), now=NOON + 12 * HOUR).quiet

    assert quiet.reason == "the same result of this run was told at 2026-11-23 13:00"


@pytest.mark.parametrize(
    ("state", "after"),
    [(SlotState.SENT, DAY), (SlotState.FREE, timedelta())],
    ids=["its time is over", "the first failed for good"],
)
def test_it_is_told_again_when(state: SlotState, after: timedelta) -> None:
    slots = {SLOT: Slot(state=state, at=NOON)}

    assert len(judged(result(), slots=slots, now=NOON + after).deliveries) == 1


def test_it_stays_quiet_when_the_clock_is_set_back_by_a_day() -> None:
    (quiet,) = judged(result(), slots=sent(), now=NOON - DAY).quiet

    assert quiet.until == NOON


@pytest.mark.parametrize(
    "its",
    [
        {"status": Status.UNAUTHORIZED},
        {"workflow": Workflow(id="w2", name="build")},
        {"kind": EventKind.JOB, "job": Job(name="test", number=7)},
    ],
    ids=["another result", "a rerun", "a job of the workflow"],
)
def test_another_result_is_told(its: dict[str, Any]) -> None:
    assert len(judged(result(**its), slots=sent()).deliveries) == 1


@pytest.mark.parametrize(
    "its",
    [
        {"status": Status.UNKNOWN},
        {"workflow": Workflow()},
        {"kind": EventKind.JOB, "job": Job(name="test")},
        {"kind": EventKind.PING},
        {"kind": EventKind.RELAY},
    ],
    ids=["unknown status", "no workflow", "no job number", "ping", "relay"],
)
def test_what_cannot_be_told_apart_is_never_the_same(its: dict[str, Any]) -> None:
    assert told_slot(result(**its), "chat", None, is_shadow=False) is None


def test_the_modern_and_the_classic_webhook_of_a_job_are_one() -> None:
    modern = result(kind=EventKind.JOB, number=7, job=Job(id="j", name="test", number=7))
    classic = result(kind=EventKind.BUILD, number=7, job=Job(name="test", number=7))

    assert told_slot(modern, "chat", None, is_shadow=False) == told_slot(
        classic, "chat", None, is_shadow=False
    )


@pytest.mark.parametrize(
    "other",
    [{"target": "mail"}, {"direct": "alice"}, {"settings": {"shadow": True}}],
    ids=["target", "person", "shadow"],
)
def test_each_target_is_told_by_itself(other: dict[str, Any]) -> None:
    assert len(judged(result(), owed(**other), slots=sent()).deliveries) == 1


def test_another_route_does_not_tell_it_again() -> None:
    assert judged(result(), owed(route="other"), slots=sent()).deliveries == ()


def test_it_is_asked_before_silences() -> None:
    silenced = replace(TERMS, silences=(make_silence({"branch": "main"}, name="s1"),))

    left = judged(result(), slots=sent(), terms=silenced)

    assert [each.control for each in left.quiet] == [Control.DEDUPE]


def test_what_a_silence_keeps_back_was_not_told() -> None:
    silenced = replace(TERMS, silences=(make_silence({"branch": "main"}, name="s1"),))

    assert dict(judged(result(), terms=silenced, earlier=None).facts.slots) == {}


def test_actions_are_done_each_time() -> None:
    act = owed(kind="act", target="retry")

    assert judged(result(), act, slots=sent()).deliveries == (act,)
