"""Slots follow their deliveries, on both databases."""

from datetime import timedelta

import pytest

from relay.model import AttemptOutcome
from relay.planning import NewDelivery, Reservation
from relay.quieting import Slot, SlotState
from relay.store import Store
from tests.factories import MINUTE, NOON
from tests.store.parts import (
    accept_one,
    claim,
    claim_plans,
    done,
    failed,
    finish,
    make_delivery,
    make_planned,
    owe,
)

NAME = '["throttle","chat","trunk","gh/acme/api | main"]'
HOUR = 60 * MINUTE


def holding(**overrides: object) -> NewDelivery:
    return make_delivery(slots=(Reservation(slot=NAME),), **overrides)


def miss(store: Store, *names: str, now: object = NOON) -> None:
    """Record an event whose messages were kept back."""
    event_id = accept_one(store)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        assert turn.record_plan(held, make_planned(event_id, missed=names), now) is True  # type: ignore[arg-type]


def known(store: Store) -> Slot:
    return store.slots([NAME])[NAME]


def test_a_slot_nobody_reserved_is_not_known(store: Store) -> None:
    assert store.slots([NAME]) == {}


def test_a_slot_is_under_way_until_its_delivery_is_sent(store: Store) -> None:
    owe(store, holding())
    before = known(store)
    (held,) = claim(store)
    finish(store, done(held, ended_at=NOON + MINUTE))

    assert before == Slot(state=SlotState.UNDER_WAY, at=NOON)
    assert known(store) == Slot(state=SlotState.SENT, at=NOON + MINUTE)


def test_a_try_that_failed_keeps_the_slot_and_the_last_one_gives_it_back(store: Store) -> None:
    owe(store, holding())
    (held,) = claim(store)
    finish(store, failed(held, again_at=NOON + MINUTE))
    assert known(store).state is SlotState.UNDER_WAY

    (held,) = claim(store, NOON + MINUTE)
    finish(store, failed(held, outcome=AttemptOutcome.PERMANENT))

    assert known(store) == Slot(state=SlotState.FREE, at=NOON, missed=1, missed_since=NOON)


def test_what_is_kept_back_is_counted(store: Store) -> None:
    owe(store, holding())
    miss(store, NAME, NAME, now=NOON + MINUTE)
    miss(store, NAME, now=NOON + 2 * MINUTE)

    assert known(store) == Slot(state=SlotState.UNDER_WAY, at=NOON, missed=3, missed_since=NOON + MINUTE)


def test_what_a_failed_message_would_have_told_is_told_by_the_next(store: Store) -> None:
    owe(store, make_delivery(slots=(Reservation(slot=NAME, missed=3, missed_since=NOON - HOUR),)))
    miss(store, NAME)
    (held,) = claim(store)
    finish(store, failed(held, outcome=AttemptOutcome.PERMANENT))

    assert known(store) == Slot(state=SlotState.FREE, at=NOON, missed=5, missed_since=NOON - HOUR)


def test_a_sent_message_has_told_what_it_carried(store: Store) -> None:
    owe(store, make_delivery(slots=(Reservation(slot=NAME, missed=3, missed_since=NOON),)))
    (held,) = claim(store)
    finish(store, done(held))

    assert known(store).missed == 0


def test_what_joins_a_group_leaves_the_count_to_the_next_message(store: Store) -> None:
    group = {"group_key": "g", "due_at": NOON + HOUR, "latest_at": NOON + HOUR}
    owe(store, make_delivery(**group))
    owe(store, make_delivery(**group, slots=(Reservation(slot=NAME, missed=2, missed_since=NOON),)))

    assert known(store) == Slot(state=SlotState.UNDER_WAY, at=NOON, missed=2, missed_since=NOON)


def test_a_later_delivery_takes_the_slot_over(store: Store) -> None:
    owe(store, holding())
    (held,) = claim(store)
    finish(store, done(held))
    owe(store, holding(), now=NOON + HOUR)

    assert known(store) == Slot(state=SlotState.UNDER_WAY, at=NOON + HOUR)


def test_a_fallback_keeps_the_slot_of_what_it_stands_in_for(store: Store) -> None:
    owe(store, holding())
    (held,) = claim(store)
    instead = make_delivery(target="ops-mail")
    finish(store, failed(held, outcome=AttemptOutcome.PERMANENT, instead=(instead,)))
    assert known(store).state is SlotState.UNDER_WAY

    (held,) = claim(store)
    finish(store, done(held))

    assert known(store).state is SlotState.SENT


def test_a_message_that_had_nothing_to_tell_gives_its_slot_back(store: Store) -> None:
    owe(store, holding())
    (held,) = claim(store)
    finish(store, done(held, is_told=False))

    assert store.slots([NAME]) == {}


def test_a_replayed_message_has_its_slot_again(store: Store) -> None:
    owe(store, holding())
    (held,) = claim(store)
    finish(store, failed(held, outcome=AttemptOutcome.PERMANENT))
    store.replay([held.ref])

    assert known(store).state is SlotState.UNDER_WAY


ONCE = '["once_per","chat","{{ tag }}","v1"]'
LATER = NOON + 2 * HOUR


def test_what_is_told_once_is_remembered_for_ever(store: Store) -> None:
    names = [ONCE, ONCE.replace("v1", "v" * 5000)]
    owe(store, make_delivery(slots=tuple(Reservation(slot=name) for name in names)))
    (held,) = claim(store)
    finish(store, done(held))

    store.prune(LATER)

    assert store.events() == ()
    assert {slot.state for slot in store.slots(names).values()} == {SlotState.SENT}
    assert len(store.slots(names)) == 2


def test_what_failed_is_not_taken_for_sent_when_it_is_forgotten(store: Store) -> None:
    owe(store, make_delivery(slots=(Reservation(slot=ONCE),)))
    (held,) = claim(store)
    finish(store, failed(held, outcome=AttemptOutcome.PERMANENT))

    store.prune(LATER)

    assert store.slots([ONCE]) == {}


def test_the_slot_of_what_still_waits_stays(store: Store) -> None:
    owe(store, holding())

    store.prune(LATER)

    assert known(store).state is SlotState.UNDER_WAY


def test_slots_may_be_kept_longer_than_events(store: Store) -> None:
    owe(store, holding())
    (held,) = claim(store)
    finish(store, done(held))

    store.prune(LATER, slots_before=NOON)

    assert store.events() == ()
    assert known(store).state is SlotState.SENT


def test_a_slot_is_forgotten_when_it_is_old(store: Store) -> None:
    owe(store, holding())
    (held,) = claim(store)
    finish(store, done(held))
    store.prune(NOON + timedelta(seconds=1))

    assert store.slots([NAME]) == {}


@pytest.mark.parametrize("name", ["x" * 5000, "é" * 300, 'a\0"\ud800'], ids=["long", "wide", "odd"])
def test_any_name_is_a_slot(store: Store, name: str) -> None:
    owe(store, make_delivery(slots=(Reservation(slot=name),)))

    assert store.slots([name, "other"])[name].state is SlotState.UNDER_WAY
