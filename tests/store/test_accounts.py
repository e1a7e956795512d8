"""What is loaded of a message that gathers many events, on both databases."""

import time
from typing import Any

from relay.model import Change, Count, EventKind, Status
from relay.planning import GATHERED, NewDelivery
from relay.store import Store, StoredDelivery
from tests.factories import MINUTE, NOON, make_event
from tests.store.parts import accept_one, claim, claim_plans, make_arrival, make_delivery, make_planned

MONDAY = NOON + 60 * MINUTE
TOLD = {"by": "digest", "since": NOON.isoformat(), "until": MONDAY.isoformat()}


def part(**overrides: Any) -> NewDelivery:
    fields = {"group_key": "d", "due_at": MONDAY, "latest_at": MONDAY, "settings": {GATHERED: TOLD}}
    return make_delivery(**{**fields, **overrides})


def gather(store: Store, branch: str, change: Change, owed: NewDelivery | None = None) -> str:
    """One result of a branch, in the digest."""
    event_id = accept_one(store)
    is_bad = change in (Change.BROKE, Change.STILL_FAILING)
    status = Status.FAILED if is_bad else Status.SUCCESS
    event = make_event(id=event_id, branch=branch, change=change, status=status)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        assert turn.record_plan(held, make_planned(event_id, owed or part(), event=event), NOON) is True
    return event_id


def due(store: Store) -> StoredDelivery:
    (held,) = claim(store, MONDAY)
    return store.load([held]).deliveries[held.ref]


def counted(change: Change, status: Status, count: int) -> Count:
    return Count(kind=EventKind.WORKFLOW, change=change, status=status, count=count)


def test_each_branch_is_told_by_its_worst_event_and_its_counts(store: Store) -> None:
    gather(store, "topic", Change.STILL_PASSING)
    gather(store, "main", Change.BROKE)
    worst = gather(store, "main", Change.BROKE)
    newest = gather(store, "topic", Change.STILL_PASSING)
    gather(store, "main", Change.FIXED)

    delivery = due(store)

    account = delivery.account
    assert account is not None
    assert [event.id for event in delivery.events] == [worst, newest]
    assert (account.count, account.branches) == (5, 2)
    assert [place.counts for place in account.places] == [
        (counted(Change.BROKE, Status.FAILED, 2), counted(Change.FIXED, Status.SUCCESS, 1)),
        (counted(Change.STILL_PASSING, Status.SUCCESS, 2),),
    ]


def test_what_broke_and_was_fixed_is_part_of_the_account(store: Store) -> None:
    gather(store, "main", Change.BROKE)
    gather(store, "main", Change.FIXED)

    assert [event.change for event in due(store).events] == [Change.BROKE]


def test_all_who_would_have_been_mentioned_are(store: Store) -> None:
    gather(store, "main", Change.BROKE, part(mention=("alice",)))
    gather(store, "main", Change.STILL_FAILING, part(mention=("bob", "alice")))

    assert due(store).mention == ("alice", "bob")


def test_at_most_twenty_are_added_to_the_mentions(store: Store) -> None:
    for number in range(25):
        gather(store, "main", Change.BROKE, part(mention=(f"person-{number}",)))

    assert len(due(store).mention) == 20


def test_five_thousand_events_are_told_by_fifty_within_a_second(store: Store) -> None:
    fill(store, 5_000)
    (held,) = claim(store, MONDAY)

    start = time.monotonic()
    delivery = store.load([held]).deliveries[held.ref]
    took = time.monotonic() - start

    assert delivery.account is not None
    assert (delivery.account.count, delivery.account.branches, len(delivery.events)) == (5_000, 2_000, 50)
    assert {event.status for event in delivery.events} == {Status.FAILED}
    assert took < 1


def fill(store: Store, count: int) -> None:
    """Many results of two thousand branches, every tenth of them bad."""
    arrivals = [make_arrival() for _ in range(count)]
    store.accept(arrivals)
    with store.turn() as turn:
        held = claim_plans(turn, room=count)
    planned = []
    for number, one in enumerate(held):
        bad = number % 10 == 0
        event = make_event(
            id=one.ref,
            branch=f"topic-{number % 2000}",
            change=Change.BROKE if bad else Change.STILL_PASSING,
            status=Status.FAILED if bad else Status.SUCCESS,
        )
        planned.append((one, make_planned(one.ref, part(), event=event)))
    with store.turn() as turn:
        turn.record_plans(planned, NOON)
