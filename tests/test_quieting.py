"""What the noise controls keep back, and why."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from relay.errors import TemplateError
from relay.model import Author, Change, Event, EventKind, Pipeline, Status
from relay.people import AUTHOR
from relay.planning import NewDelivery, Reservation
from relay.quieting import (
    Budget,
    Control,
    Facts,
    Fate,
    Quiet,
    Quieted,
    Silence,
    Slot,
    SlotState,
    Spent,
    Terms,
    Wanted,
    as_records,
    make_silence,
    quieted,
    wanted,
    worth_telling,
)
from relay.sandbox import compile_text
from relay.schedules import Schedule
from tests.factories import MINUTE, NOON, make_event

HOUR = 60 * MINUTE


def owed(**overrides: Any) -> NewDelivery:
    fields = {"id": "d1", "target": "chat", "kind": "notify", "destination": "chat", "route": "trunk"}
    return NewDelivery(**{**fields, **overrides})


def silence(**overrides: Any) -> Silence:
    fields = {"written": {"branch": "main"}, "name": "s1", "until": NOON + HOUR}
    return make_silence(**{**fields, **overrides})


STATE = "gh/acme/api | main"
THROTTLED = {"throttle": 4 * 3600.0}
THROTTLE_SLOT = '["throttle","chat","trunk","gh/acme/api | main"]'
TAG = "{{ project.slug }} {{ branch }}"
ONCE = {"once_per": TAG}
ONCE_SLOT = '["once_per","chat","{{ project.slug }} {{ branch }}","gh/acme/api main"]'
TERMS = Terms(keys={TAG: compile_text(TAG)})


def judged(
    *deliveries: NewDelivery, slots: dict[str, Slot] | None = None, now: datetime = NOON, **overrides: Any
) -> Quieted:
    facts = Facts(slots=slots or {}, silences=overrides.pop("silences", ()))
    event = make_event(**overrides.pop("event", {}))
    return quieted(event, deliveries, overrides.pop("terms", TERMS), facts, now, STATE)


def slot(state: SlotState, at: datetime = NOON, missed: int = 0) -> Slot:
    return Slot(state=state, at=at, missed=missed, missed_since=at if missed else None)


def left_by(*silences: Silence, now: datetime = NOON) -> Quieted:
    return quieted(make_event(), [owed()], Terms(), Facts(silences=silences), now)


def test_without_controls_everything_goes_on() -> None:
    assert left_by() == Quieted(deliveries=(owed(),))
    assert wanted(make_event(), [owed()], "k", Terms()) == Wanted()


def test_a_silence_keeps_matching_messages_back_and_says_whose_it_is() -> None:
    left = left_by(silence(who="alice", why="database upgrade"))

    assert left.deliveries == ()
    assert left.quiet == (
        Quiet(
            target="chat",
            route="trunk",
            control=Control.SILENCE,
            reason="s1 by alice: database upgrade",
            until=NOON + HOUR,
        ),
    )


@pytest.mark.parametrize(
    ("its", "is_silent"),
    [
        ({}, True),
        ({"written": {"branch": ["*", "!main"]}}, False),
        ({"written": {"branch": "main", "status": "success"}}, False),
        ({"until": NOON}, False),
        ({"until": None}, True),
        ({"starts_at": NOON}, True),
        ({"starts_at": NOON + MINUTE}, False),
        ({"written": {"no such field": "x"}}, False),
    ],
    ids=["holds", "other branch", "other status", "over", "no end", "begins", "to come", "unreadable"],
)
def test_a_silence_holds_for_what_matches_in_its_time(its: dict[str, Any], is_silent: bool) -> None:
    assert bool(left_by(silence(**its)).quiet) is is_silent


@pytest.mark.parametrize(
    ("written", "is_silent"),
    [
        ({"project.slug": "*"}, False),
        ({"event": ["*", "!job"], "project.slug": "*"}, True),
        ({"event": "!job"}, False),
        ({"event": "relay"}, True),
        ({"any": [{"event": "relay"}, {"branch": "main"}]}, True),
        ({"event": "workflow"}, False),
    ],
    ids=["everything", "any event", "not another", "named", "in a block", "other events"],
)
def test_the_relays_own_events_are_silenced_only_by_name(written: dict[str, Any], is_silent: bool) -> None:
    own = make_event(kind=EventKind.RELAY, status=Status.UNKNOWN, notes={"level": "bad"})
    silences = (silence(written=written),)

    left = quieted(own, [owed()], Terms(silences=silences), Facts(silences=silences), NOON)

    assert bool(left.quiet) is is_silent


def test_schedules_hold_for_the_relays_own_events_where_a_route_says_so() -> None:
    own = make_event(kind=EventKind.RELAY, status=Status.UNKNOWN)
    drop = owed(id="d2", settings={"during": "night", "outside": "drop"})

    left = quieted(own, [owed(), drop], HOURS, Facts(), NOON)

    assert [delivery.id for delivery in left.deliveries] == ["d1"]


def test_of_several_silences_the_longest_is_told() -> None:
    short, long = silence(name="short"), silence(name="long", until=NOON + 2 * HOUR)

    (quiet,) = left_by(short, long).quiet

    assert (quiet.reason, quiet.until) == ("long", NOON + 2 * HOUR)


def test_a_silence_of_the_configuration_counts_as_well() -> None:
    left = quieted(make_event(), [owed()], Terms(silences=(silence(until=None),)), Facts(), NOON)

    assert [(quiet.reason, quiet.until) for quiet in left.quiet] == [("s1", None)]


def test_actions_are_done_in_silence() -> None:
    act = owed(kind="act", target="retry")

    left = quieted(make_event(), [owed(), act], Terms(), Facts(silences=(silence(),)), NOON)

    assert left.deliveries == (act,)


def test_records_are_plain_values() -> None:
    assert as_records(left_by(silence()).quiet) == [
        {
            "target": "chat",
            "route": "trunk",
            "control": "silence",
            "reason": "s1",
            "until": "2026-11-23T13:00:00+00:00",
            "fate": "suppressed",
        }
    ]


# Slots


def test_what_may_be_needed_is_asked_for_before() -> None:
    deliveries = [
        owed(settings=THROTTLED | ONCE),
        owed(settings=THROTTLED, direct="alice"),
        owed(kind="act", settings=THROTTLED),
    ]

    assert wanted(make_event(), deliveries, STATE, TERMS).slots == (
        THROTTLE_SLOT,
        '["throttle","chat","dm:alice","trunk","gh/acme/api | main"]',
        ONCE_SLOT,
    )


def test_the_first_message_takes_the_slots() -> None:
    left = judged(owed(settings=THROTTLED | ONCE))

    (delivery,) = left.deliveries
    assert delivery.slots == (Reservation(slot=ONCE_SLOT), Reservation(slot=THROTTLE_SLOT))
    assert {name: known.state for name, known in left.facts.slots.items()} == {
        ONCE_SLOT: SlotState.UNDER_WAY,
        THROTTLE_SLOT: SlotState.UNDER_WAY,
    }


@pytest.mark.parametrize(
    ("known", "after", "reason", "until"),
    [
        (SlotState.SENT, MINUTE, "at most one message in 4h", NOON + 4 * HOUR),
        (SlotState.SENT, 4 * HOUR - MINUTE, "at most one message in 4h", NOON + 4 * HOUR),
        (SlotState.UNDER_WAY, 9 * HOUR, "a message is under way", None),
    ],
)
def test_a_throttle_keeps_back_counts_and_says_until_when(
    known: SlotState, after: Any, reason: str, until: datetime | None
) -> None:
    left = judged(owed(settings=THROTTLED), slots={THROTTLE_SLOT: slot(known)}, now=NOON + after)

    assert left.deliveries == ()
    assert [(each.control, each.reason, each.until) for each in left.quiet] == [
        (Control.THROTTLE, reason, until)
    ]
    assert left.missed == (THROTTLE_SLOT,)


@pytest.mark.parametrize(("known", "after"), [(SlotState.SENT, 4 * HOUR), (SlotState.FREE, 0 * HOUR)])
def test_the_next_message_reminds_and_tells_what_was_missed(known: SlotState, after: Any) -> None:
    slots = {THROTTLE_SLOT: slot(known, missed=3)}

    (delivery,) = judged(owed(settings=THROTTLED), slots=slots, now=NOON + after).deliveries

    assert delivery.settings["missed"] == {"count": 3, "since": "2026-11-23T12:00:00+00:00"}
    assert delivery.slots == (Reservation(slot=THROTTLE_SLOT, missed=3, missed_since=NOON),)


def test_a_throttle_is_for_each_route_and_each_branch_by_itself() -> None:
    known = {THROTTLE_SLOT: slot(SlotState.SENT)}

    left = judged(owed(settings=THROTTLED), owed(settings=THROTTLED, route="fixed"), slots=known)

    assert [delivery.route for delivery in left.deliveries] == ["fixed"]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (SlotState.SENT, "a message with this key was sent before"),
        (SlotState.UNDER_WAY, "a message is under way"),
        (SlotState.FREE, None),
    ],
)
def test_once_per_key_is_told_once(known: SlotState, reason: str | None) -> None:
    left = judged(owed(settings=ONCE), slots={ONCE_SLOT: slot(known)}, now=NOON + 999 * HOUR)

    assert [(each.control, each.reason) for each in left.quiet] == (
        [(Control.ONCE_PER, reason)] if reason else []
    )
    assert len(left.deliveries) == (0 if reason else 1)


def test_another_key_is_another_message() -> None:
    left = judged(owed(settings=ONCE), slots={ONCE_SLOT: slot(SlotState.SENT)}, event={"branch": "release/2"})

    assert len(left.deliveries) == 1


def test_routes_with_the_same_key_share_it() -> None:
    left = judged(owed(settings=ONCE), owed(id="d2", settings=ONCE, route="other"))

    assert [delivery.id for delivery in left.deliveries] == ["d1"]


def test_a_key_without_a_value_loses_no_message() -> None:
    def refuse(event: Event) -> str:
        raise TemplateError("takes too much")

    left = judged(owed(settings=ONCE), terms=Terms(keys={TAG: refuse}))

    assert left.deliveries == (owed(settings=ONCE),)
    assert [(each.fate, each.reason) for each in left.quiet] == [
        (Fate.SENT, "its key could not be worked out, so it was sent all the same")
    ]


def test_what_a_throttle_keeps_back_uses_no_key_up() -> None:
    left = judged(owed(settings=THROTTLED | ONCE), slots={THROTTLE_SLOT: slot(SlotState.SENT)})

    assert left.deliveries == ()
    assert ONCE_SLOT not in left.facts.slots


def test_what_a_silence_keeps_back_uses_nothing_up() -> None:
    left = judged(owed(settings=THROTTLED | ONCE), silences=(silence(),))

    assert (dict(left.facts.slots), left.missed) == ({}, ())


# Hours

NIGHT = Schedule(days=frozenset(range(7)), start=22 * 60, end=6 * 60, exceptions=frozenset(), zone=UTC)
NEVER = Schedule(days=frozenset(), start=0, end=1, exceptions=frozenset(), zone=UTC)
HOURS = Terms(schedules={"night": NIGHT, "never": NEVER})
TONIGHT = NOON + 10 * HOUR


def at_noon(**settings: Any) -> Quieted:
    return judged(owed(settings={"during": "night", **settings}, lane="l", mention=("alice",)), terms=HOURS)


def test_in_its_hours_a_message_goes_out() -> None:
    delivery = owed(settings={"during": "night", "outside": "drop"})

    assert judged(delivery, terms=HOURS, now=TONIGHT).deliveries == (delivery,)


@pytest.mark.parametrize("settings", [{}, {"outside": "hold"}])
def test_outside_it_is_held_for_one_summary(settings: dict[str, str]) -> None:
    left = at_noon(**settings)

    (delivery,) = left.deliveries
    assert (delivery.due_at, delivery.latest_at, delivery.lane) == (TONIGHT, TONIGHT, None)
    assert delivery.group_key == '["during","chat","night","2026-11-23T22:00:00+00:00"]'
    assert [(each.fate, each.control, each.reason, each.until) for each in left.quiet] == [
        (Fate.LATER, Control.DURING, "outside night: held for a summary", TONIGHT)
    ]


def test_outside_it_may_be_dropped() -> None:
    left = at_noon(outside="drop")

    assert left.deliveries == ()
    assert [(each.fate, each.reason, each.until) for each in left.quiet] == [
        (Fate.SUPPRESSED, "outside night: dropped", TONIGHT)
    ]


def test_outside_it_may_go_out_silently() -> None:
    left = at_noon(outside="silent")

    (delivery,) = left.deliveries
    assert (delivery.mention, delivery.lane, delivery.due_at) == ((), "l", None)
    assert delivery.settings["silent"] is True
    assert [each.fate for each in left.quiet] == [Fate.SENT]


def test_what_is_silent_joins_no_group_that_is_not() -> None:
    settings = {"during": "night", "outside": "silent"}

    (delivery,) = judged(owed(settings=settings, group_key="g"), terms=HOURS).deliveries

    assert delivery.group_key == "silent g"


def test_what_would_be_held_for_ever_is_dropped() -> None:
    left = judged(owed(settings={"during": "never"}), terms=HOURS)

    assert (left.deliveries, [each.until for each in left.quiet]) == ((), [None])


def test_what_is_dropped_uses_no_slot_up() -> None:
    left = judged(owed(settings={"during": "night", "outside": "drop", **THROTTLED}), terms=HOURS)

    assert dict(left.facts.slots) == {}


def test_of_a_held_message_what_was_fixed_meanwhile_is_no_news() -> None:
    def told(id: str, change: Change, status: Status = Status.FAILED) -> Event:
        return make_event(id=id, change=change, status=status, pipeline=Pipeline(id=id))

    events = [
        told("broke", Change.BROKE),
        told("fixed", Change.FIXED, Status.SUCCESS),
        told("red", Change.BROKE),
        told("fixed before", Change.FIXED, Status.SUCCESS),
        told("still", Change.STILL_FAILING),
        told("mended", Change.FIXED, Status.SUCCESS),
    ]
    keys = {"broke": "a", "fixed": "a", "red": "b", "fixed before": "c", "still": "d", "mended": "d"}

    left = worth_telling(events, keys, {"a", "c", "d"})

    assert [event.id for event in left] == ["red", "fixed before", "mended"]


# Digests

MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
WEEKLY = {"digest": {"at": "09:00", "days": "mon"}}


def test_a_digest_gathers_a_route_until_its_next_moment() -> None:
    group = {"by": ["branch"], "wait": 30.0}

    (delivery,) = judged(owed(settings={**WEEKLY, "group": group}, group_key="g", lane="l")).deliveries

    assert delivery.group_key == '["digest","chat","trunk","2026-11-30T09:00:00+00:00"]'
    assert (delivery.lane, delivery.due_at, delivery.latest_at) == (None, MONDAY, MONDAY)
    gathered = {
        "by": "digest",
        "since": "2026-11-23T09:00:00+00:00",
        "until": "2026-11-30T09:00:00+00:00",
    }
    assert delivery.settings == {**WEEKLY, "gathered": gathered}


def test_a_digest_says_that_it_is_told_later() -> None:
    (quiet,) = judged(owed(settings=WEEKLY)).quiet

    assert quiet == Quiet(
        target="chat",
        route="trunk",
        control=Control.DIGEST,
        reason="gathered for the digest of trunk",
        until=MONDAY,
        fate=Fate.LATER,
    )


def test_a_digest_is_in_its_own_timezone() -> None:
    tokyo = {"digest": {"at": "09:00", "days": "mon-sun", "timezone": "Asia/Tokyo"}}

    (delivery,) = judged(owed(settings=tokyo)).deliveries

    assert delivery.due_at == datetime(2026, 11, 24, tzinfo=UTC)
    assert delivery.settings["gathered"]["since"] == "2026-11-23T09:00:00+09:00"


def test_a_digest_of_a_person_is_their_own() -> None:
    left = judged(owed(settings=WEEKLY, direct="alice"), owed(settings=WEEKLY, direct="bob"))

    assert len({delivery.group_key for delivery in left.deliveries}) == 2


def test_what_is_held_is_told_by_the_first_digest_from_then_on() -> None:
    at_opening = {"digest": {"at": "22:00", "days": "mon-sun"}}

    (delivery,) = judged(owed(settings={"during": "night", **at_opening}), terms=HOURS).deliveries

    assert delivery.due_at == TONIGHT
    assert "held" not in delivery.settings


def test_who_speaks_about_one_thing_at_a_time_has_no_digest() -> None:
    delivery = owed(settings=WEEKLY)

    assert judged(delivery, terms=Terms(apart=frozenset({"chat"}))).deliveries == (delivery,)


def test_an_author_is_mentioned_in_a_digest_by_name() -> None:
    def mentioned(known: str | None) -> tuple[str, ...]:
        delivery = owed(settings=WEEKLY, mention=(AUTHOR, "bob"))
        return judged(delivery, event={"author": Author(known=known)}).deliveries[0].mention

    assert (mentioned("alice"), mentioned("bob"), mentioned(None)) == (
        ("alice", "bob"),
        ("bob",),
        ("author", "bob"),
    )


# Budgets

TWO_AN_HOUR = Budget(messages=2, per=3600.0, has_cards=True)
BUDGETED = Terms(budgets={"chat": TWO_AN_HOUR})
OVERFLOW = '["budget","chat"]'


def spending(*deliveries: NewDelivery, spent: Spent | None = None, **event: Any) -> Quieted:
    facts = Facts(spent={"chat": spent or Spent()})
    return quieted(make_event(**event), deliveries, BUDGETED, facts, NOON, STATE)


def sent(*minutes_ago: int) -> Spent:
    return Spent(times=tuple(NOON - each * MINUTE for each in minutes_ago))


def test_what_budgets_need_is_asked_for_before() -> None:
    deliveries = [owed(lane="l", group_key="g"), owed(direct="alice"), owed(target="mail")]

    assert wanted(make_event(), deliveries, STATE, BUDGETED) == Wanted(
        targets={"chat": TWO_AN_HOUR}, groups=("g", OVERFLOW), lanes=("l",)
    )


def test_within_the_budget_a_message_goes_out_and_costs_one() -> None:
    left = spending(owed(), spent=sent(59))

    assert left.deliveries == (owed(spends=True),)
    assert left.facts.spent["chat"].times == (NOON - 59 * MINUTE, NOON)


def test_beyond_the_budget_it_is_told_as_soon_as_there_is_room() -> None:
    left = spending(owed(lane="l"), spent=sent(10, 50, 70))

    (delivery,) = left.deliveries
    assert (delivery.group_key, delivery.lane, delivery.spends) == (OVERFLOW, None, True)
    assert (delivery.due_at, delivery.latest_at) == (NOON + 10 * MINUTE, NOON + 10 * MINUTE)
    assert delivery.settings["gathered"] == {
        "by": "budget",
        "since": "2026-11-23T12:00:00+00:00",
        "messages": 2,
        "per": 3600.0,
        "until": "2026-11-23T12:10:00+00:00",
    }
    assert left.quiet == (
        Quiet(
            target="chat",
            route="trunk",
            control=Control.BUDGET,
            reason="budget of 2 messages in 1h used up",
            until=NOON + 10 * MINUTE,
            fate=Fate.LATER,
        ),
    )


def test_what_goes_beyond_waits_for_a_moment_at_least() -> None:
    (delivery,) = spending(owed(), spent=Spent(times=(NOON - 59.9 * MINUTE,) * 2)).deliveries

    assert delivery.due_at == NOON + MINUTE / 2


def test_more_that_goes_beyond_joins_what_waits_already() -> None:
    spent = replace(sent(10, 50), open={OVERFLOW: NOON + 3 * MINUTE})

    left = spending(owed(), owed(id="d2"), spent=spent)

    assert {each.due_at for each in left.deliveries} == {NOON + 3 * MINUTE}
    assert left.facts.spent["chat"] == spent


def test_what_waits_for_room_counts_as_well() -> None:
    spent = Spent(times=(NOON - 50 * MINUTE, NOON + 10 * MINUTE))

    (delivery,) = spending(owed(), spent=spent).deliveries

    assert delivery.due_at == NOON + 10 * MINUTE


def test_of_one_event_only_what_is_within_the_budget_goes_out() -> None:
    left = spending(owed(id="d1"), owed(id="d2"), owed(id="d3"), owed(id="d4"))

    assert [each.group_key for each in left.deliveries] == [None, None, OVERFLOW, OVERFLOW]
    assert {each.due_at for each in left.deliveries[2:]} == {NOON + 60 * MINUTE}


@pytest.mark.parametrize(
    ("delivery", "event"),
    [
        (owed(direct="alice"), {}),
        (owed(), {"kind": EventKind.RELAY}),
        (owed(settings={"shadow": True}), {}),
        (owed(settings={"held": "office"}), {}),
        (owed(group_key="open"), {}),
        (owed(lane="begun"), {}),
        (owed(kind="act"), {}),
        (owed(target="mail"), {}),
    ],
    ids=["direct", "own event", "shadow", "held", "joins", "card", "action", "other target"],
)
def test_some_messages_cost_nothing_and_always_go_out(delivery: NewDelivery, event: dict[str, Any]) -> None:
    spent = Spent(times=(NOON, NOON), open={"open": NOON}, lanes=frozenset({"begun"}))

    left = spending(delivery, spent=spent, **event)

    assert left.deliveries == (delivery,)
    assert left.facts.spent["chat"] == spent


def test_a_new_group_costs_one_and_what_joins_it_nothing() -> None:
    group = {"group_key": "g", "due_at": NOON + MINUTE, "latest_at": NOON + 5 * MINUTE}

    left = spending(owed(id="d1", **group), owed(id="d2", **group))

    assert [each.spends for each in left.deliveries] == [True, False]
    assert left.facts.spent["chat"].times == (NOON + 5 * MINUTE,)


def test_the_first_of_a_conversation_costs_one_and_what_changes_its_card_nothing() -> None:
    left = spending(owed(id="d1", lane="l"), owed(id="d2", lane="l"))

    assert [each.spends for each in left.deliveries] == [True, False]


def test_where_each_message_is_new_each_costs_one() -> None:
    terms = Terms(budgets={"chat": replace(TWO_AN_HOUR, has_cards=False)})
    spent = {"chat": Spent(lanes=frozenset({"l"}))}

    left = quieted(make_event(), [owed(lane="l")], terms, Facts(spent=spent), NOON, STATE)

    assert left.deliveries[0].spends


def test_a_digest_of_a_route_costs_nothing() -> None:
    (delivery,) = spending(owed(settings=WEEKLY), spent=sent(1, 1)).deliveries

    assert (delivery.due_at, delivery.spends) == (MONDAY, False)


def test_of_failed_attempts_of_one_run_the_last_is_told_as_the_first_and_a_pass_stays_what_it_is() -> None:
    run = Pipeline(id="p-9")
    first = make_event(id="1", change=Change.BROKE, status=Status.FAILED, pipeline=run)
    second = make_event(id="2", change=Change.STILL_FAILING, status=Status.FAILED, pipeline=run)
    passed = make_event(id="3", change=Change.PASSED_ON_RETRY, status=Status.SUCCESS, pipeline=run)

    told = worth_telling([first, second, passed], {"1": "k", "2": "k", "3": "k"}, green=())

    assert [(each.id, each.change) for each in told] == [("2", Change.BROKE), ("3", Change.PASSED_ON_RETRY)]
