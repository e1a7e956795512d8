"""What is left of a held message when its hours begin, on both databases."""

from typing import Any

from relay.model import Change, Pipeline, Status
from relay.store import Store, StoredDelivery
from tests.factories import MINUTE, NOON, make_event
from tests.store.parts import accept_one, claim, claim_plans, make_delivery, make_outcome, make_planned

OPENING = NOON + 60 * MINUTE
HELD = {"group_key": "held", "due_at": OPENING, "latest_at": OPENING, "settings": {"held": "office"}}


def hold(store: Store, key: str, status: Status, change: Change, number: int) -> str:
    """One result of a state key, whose message is held."""
    return result(store, key, status, change, number, make_delivery(**HELD))


def result(store: Store, key: str, status: Status, change: Change, number: int, *owed: Any) -> str:
    event_id = accept_one(store)
    pipeline = Pipeline(id=f"p-{number}", number=number)
    event = make_event(id=event_id, status=status, change=change, pipeline=pipeline)
    outcome = make_outcome(
        event_id=event_id, status=status, number=number, run=f"w-{number}", red=status.is_bad
    )
    planned = make_planned(event_id, *owed, state_key=key, outcome=outcome, event=event)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        assert turn.record_plan(held, planned, NOON) is True
    return event_id


def opened(store: Store) -> StoredDelivery:
    (held,) = claim(store, OPENING)
    return store.load([held]).deliveries[held.ref]


def test_what_is_still_broken_is_told(store: Store) -> None:
    first = hold(store, "a", Status.FAILED, Change.BROKE, 1)
    second = hold(store, "b", Status.FAILED, Change.STILL_FAILING, 2)

    assert [event.id for event in opened(store).events] == sorted([first, second])


def test_what_was_fixed_meanwhile_is_left_out(store: Store) -> None:
    hold(store, "a", Status.FAILED, Change.BROKE, 1)
    red = hold(store, "b", Status.FAILED, Change.BROKE, 2)
    result(store, "a", Status.SUCCESS, Change.FIXED, 3)

    assert [event.id for event in opened(store).events] == [red]


def test_a_story_that_began_and_ended_outside_the_hours_is_left_out(store: Store) -> None:
    hold(store, "a", Status.FAILED, Change.BROKE, 1)
    hold(store, "a", Status.SUCCESS, Change.FIXED, 2)

    assert opened(store).events == ()


def test_that_something_told_before_is_fixed_is_news(store: Store) -> None:
    result(store, "a", Status.FAILED, Change.BROKE, 1)
    hold(store, "a", Status.FAILED, Change.STILL_FAILING, 2)
    fixed = hold(store, "a", Status.SUCCESS, Change.FIXED, 3)

    assert [event.id for event in opened(store).events] == [fixed]
