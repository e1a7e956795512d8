"""What turns of several workers on one PostgreSQL see of each other, and what of them waits for the disk."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from relay.store import Limit, Store
from relay.store.engine import open_engine, writing
from relay.store.queue import Turn
from tests.factories import NOON
from tests.store.parts import (
    MINUTE_S,
    WORKER,
    accept_one,
    claim_plans,
    done,
    make_delivery,
    make_planned,
    owe,
    refs,
)

OTHER = "worker-two"


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    with Store.open(postgres_url) as store:
        yield store


@pytest.fixture
def other(postgres_url: str) -> Iterator[Store]:
    with Store.open(postgres_url) as other:
        yield other


@pytest.fixture
def conn(postgres_url: str) -> Iterator[Connection]:
    engine = open_engine(postgres_url)
    with writing(engine) as conn:
        yield conn
    engine.dispose()


def two(limits: str) -> Limit:
    return Limit(in_flight=2)


def plan_in(turn: Turn, event_id: str) -> str:
    """Plan one delivery for an event; the delivery's id."""
    delivery = make_delivery()
    (held,) = claim_plans(turn)
    assert turn.record_plan(held, make_planned(event_id, delivery), NOON) is True
    return delivery.id


def waits_for_disk(conn: Connection) -> bool:
    return bool(conn.execute(text("SHOW synchronous_commit")).scalar_one() == "on")


def test_nobody_is_woken_for_what_a_turn_planned_and_claimed_itself(store: Store, other: Store) -> None:
    event_id = accept_one(store)
    watcher = other.watch()

    with store.turn() as turn:
        planned = plan_in(turn, event_id)
        assert refs(turn.claim(NOON, WORKER, MINUTE_S, 10)) == [planned]

    assert watcher.wait(0.3) is False
    watcher.close()


def test_others_are_woken_for_what_a_turn_planned_and_had_no_room_for(store: Store, other: Store) -> None:
    event_id = accept_one(store)
    watcher = other.watch()

    with store.turn() as turn:
        plan_in(turn, event_id)
        assert turn.claim(NOON, WORKER, MINUTE_S, 0) == ()

    assert watcher.wait(5) is True
    watcher.close()


def test_a_limited_destination_that_a_turn_plans_for_is_left_to_it(store: Store, other: Store) -> None:
    owe(store, make_delivery())
    owe(store, make_delivery())
    with store.turn() as before:  # the first claim enters the destination
        assert len(before.claim(NOON, WORKER, MINUTE_S, 1, two)) == 1
    event_id = accept_one(store)

    with store.turn() as turn:
        plan_in(turn, event_id)
        assert len(turn.claim(NOON, WORKER, MINUTE_S, 10, two)) == 1
        with other.turn() as second:
            assert second.claim(NOON, OTHER, MINUTE_S, 10, two) == ()
    with other.turn() as after:
        assert after.claim(NOON, OTHER, MINUTE_S, 10, two) == ()


def test_what_others_claimed_counts_for_a_turn_that_plans(store: Store, other: Store) -> None:
    owe(store, make_delivery())
    with other.turn() as first:
        assert len(first.claim(NOON, OTHER, MINUTE_S, 10, two)) == 1
    owe(store, make_delivery())
    event_id = accept_one(store)

    with store.turn() as turn:
        plan_in(turn, event_id)

        assert len(turn.claim(NOON, WORKER, MINUTE_S, 10, two)) == 1


def test_a_claim_of_an_event_to_plan_does_not_wait_for_the_disk(store: Store, conn: Connection) -> None:
    accept_one(store)
    turn = Turn(conn, sender="one")

    assert claim_plans(turn)
    turn.end()

    assert not waits_for_disk(conn)


def test_a_claim_of_a_delivery_waits_for_the_disk(store: Store, conn: Connection) -> None:
    owe(store, make_delivery())
    accept_one(store)
    turn = Turn(conn, sender="one")

    assert turn.claim(NOON, WORKER, MINUTE_S, 10)
    assert claim_plans(turn)
    turn.end()

    assert waits_for_disk(conn)


def test_a_plan_waits_for_the_disk(store: Store, conn: Connection) -> None:
    event_id = accept_one(store)
    turn = Turn(conn, sender="one")

    plan_in(turn, event_id)
    turn.end()

    assert waits_for_disk(conn)


def test_a_result_waits_for_the_disk(store: Store, conn: Connection) -> None:
    owe(store, make_delivery())
    with store.turn() as before:
        (held,) = before.claim(NOON, WORKER, MINUTE_S, 10)
    accept_one(store)
    turn = Turn(conn, sender="one")

    turn.finish([done(held)])
    assert claim_plans(turn)
    turn.end()

    assert waits_for_disk(conn)
