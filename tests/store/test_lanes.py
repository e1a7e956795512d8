"""Deliveries of one conversation go one after the other, on both databases."""

from relay.store import Store
from tests.factories import MINUTE, NOON
from tests.store.parts import claim, done, failed, finish, make_delivery, owe, refs


def test_only_the_oldest_of_a_lane_goes(store: Store) -> None:
    first, second, other = (make_delivery(lane=lane) for lane in ("card 1", "card 1", "card 2"))
    owe(store, first)
    owe(store, second, other)

    assert sorted(refs(claim(store))) == sorted([first.id, other.id])
    assert store.counts()["blocked"] == 1


def test_the_end_of_the_oldest_lets_the_next_go(store: Store) -> None:
    first, second, third = (make_delivery(lane="card 1") for _ in range(3))
    owe(store, first, second, third)

    (held,) = claim(store)
    finish(store, done(held))
    (after,) = claim(store)
    finish(store, failed(after))

    assert [held.ref, after.ref, *refs(claim(store))] == [first.id, second.id, third.id]


def test_a_lane_waits_while_its_oldest_is_tried_again(store: Store) -> None:
    first, second = (make_delivery(lane="card 1") for _ in range(2))
    owe(store, first, second)
    (held,) = claim(store)

    finish(store, failed(held, again_at=NOON + MINUTE))

    assert claim(store) == ()
    assert refs(claim(store, NOON + MINUTE)) == [first.id]


def test_a_lane_goes_on_in_the_turn_that_ended_its_oldest(store: Store) -> None:
    first, second = (make_delivery(lane="card 1") for _ in range(2))
    owe(store, first, second)
    (held,) = claim(store)

    with store.turn() as turn:
        turn.finish([done(held)])
        assert refs(turn.claim(NOON, "worker-one", 60.0, 10)) == [second.id]


def test_an_ended_lane_takes_new_deliveries_at_once(store: Store) -> None:
    owe(store, make_delivery(lane="card 1"))
    finish(store, *(done(held) for held in claim(store)))
    late = make_delivery(lane="card 1")
    owe(store, late)

    assert refs(claim(store)) == [late.id]
