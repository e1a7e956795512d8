"""Forgetting what is old, on both databases."""

from dataclasses import replace

from relay.store import Mark, Pruned, Store, mark_key
from tests.factories import MINUTE, NOON
from tests.store.parts import (
    KEY,
    accept_one,
    claim,
    claim_plans,
    done,
    failed,
    finish,
    make_arrival,
    make_delivery,
    make_outcome,
    make_planned,
    owe,
)

LATER = NOON + 60 * MINUTE


def test_old_events_go_with_their_finished_deliveries(store: Store) -> None:
    owe(store, make_delivery(), make_delivery())
    first, second = claim(store)
    finish(store, done(first), failed(second))

    assert store.prune(LATER) == Pruned(events=1, deliveries=2)
    assert store.events() == ()
    assert store.deliveries() == ()
    assert store.attempts(first.ref) == ()


def test_young_events_stay(store: Store) -> None:
    owe(store)

    assert store.prune(NOON) == Pruned()
    assert len(store.events()) == 1


def test_what_waits_stays_with_its_events(store: Store) -> None:
    waiting = owe(store, make_delivery())
    unplanned = accept_one(store)
    owe(store)

    assert store.prune(LATER) == Pruned(events=1)
    assert {row.id for row in store.events()} == {waiting, unplanned}
    assert len(claim(store)) == 1


def test_a_delivery_goes_with_the_last_of_its_events(store: Store) -> None:
    group = {"group_key": "g", "due_at": NOON, "latest_at": NOON}
    owe(store, make_delivery(**group))
    young = make_arrival(received_at=LATER)
    store.accept([young])
    with store.turn() as turn:
        (held,) = turn.claim_plans(NOON, "worker-one", 60, 10)
        turn.record_plan(held, make_planned(young.id, make_delivery(**group)), NOON)
    finish(store, *(done(held) for held in claim(store)))

    assert store.prune(LATER) == Pruned(events=1)
    (row,) = store.deliveries()
    found = store.delivery(row.id)
    assert found is not None
    assert found.event_ids == (young.id,)


def test_pruning_in_small_batches_goes_all_the_way(store: Store) -> None:
    live = {owe(store, make_delivery()) for _ in range(3)}
    for _ in range(7):
        owe(store)

    assert store.prune(LATER, batch=2) == Pruned(events=7)
    assert {row.id for row in store.events()} == live


def test_the_history_keeps_what_judging_needs(store: Store) -> None:
    for number, red in ((1, True), (2, False), (3, True), (4, None), (5, None)):
        owe(store, outcome=make_outcome(number=number, run=f"w-{number}", red=red))
    owe(store, outcome=make_outcome(), state_key="another")

    assert store.prune(LATER) == Pruned(events=6, outcomes=3)
    assert [outcome.number for outcome in store.history(KEY)] == [5, 3]
    assert len(store.history("another")) == 1


def test_a_pruned_key_is_accepted_as_new(store: Store) -> None:
    arrival = make_arrival()
    owe(store)
    store.accept([arrival])
    with store.turn() as turn:
        turn.finish([failed(held) for held in turn.claim_plans(NOON, "worker-one", 60, 10)])
    store.prune(LATER)

    assert store.accept([replace(arrival, id=make_arrival().id)]) == (True,)


def test_repeats_go_with_their_event(store: Store) -> None:
    accept_one(store, dedupe_key="event:1")
    store.accept([make_arrival(dedupe_key="event:1")])
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        turn.record_plan(held, make_planned(held.ref), NOON)
    store.prune(LATER)

    accept_one(store, dedupe_key="event:1")

    assert [(row.repeats, row.repeated_at) for row in store.events()] == [(0, None)]


def test_marks_of_the_last_telling_go_when_nobody_asks_any_more(store: Store) -> None:
    keys = [mark_key(kind, "x") for kind in ("dead", "rejected", "disabled", "watch")]
    for key in keys:
        store.signs.put(Mark(key=key, at=NOON))

    def left(kind: str) -> bool:
        return bool(store.signs.marks(kind))

    store.prune(LATER)
    assert all(map(left, ("dead", "rejected", "disabled", "watch")))

    store.prune(NOON + 8 * 24 * 60 * MINUTE)
    assert [kind for kind in ("dead", "rejected", "disabled", "watch") if left(kind)] == ["disabled", "watch"]
