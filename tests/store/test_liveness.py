"""Seeing that a worker died, on both databases."""

import multiprocessing
import os
import signal
from datetime import timedelta
from multiprocessing.connection import Connection

import pytest

from relay.store import Store
from relay.store.liveness import Roster
from tests.factories import MINUTE, NOON
from tests.store.parts import MINUTE_S, OTHER, WORKER, claim, make_delivery, owe


def test_a_worker_that_beats_lives() -> None:
    roster = Roster()

    assert [roster.dead({WORKER: beat}, (), beat * 14.0) for beat in range(5)] == [()] * 5


def test_a_silent_worker_is_dead_after_a_while() -> None:
    roster = Roster(silent_s=15)

    assert [roster.dead({WORKER: 7}, (), s) for s in (100.0, 114.9, 115.0)] == [(), (), (WORKER,)]


def test_a_silent_worker_without_its_lock_is_dead_sooner() -> None:
    roster = Roster(unlocked_s=3)

    assert [roster.dead({WORKER: 7}, (WORKER,), s) for s in (100.0, 102.9, 103.0)] == [(), (), (WORKER,)]


def test_a_worker_is_listed_until_it_retires(store: Store) -> None:
    presence = store.enlist(WORKER, NOON)

    (listed,) = store.workers()
    store.retire(presence)

    assert (listed.id, listed.pid, listed.seen_at) == (WORKER, os.getpid(), NOON)
    assert store.workers() == ()


def test_workers_that_beat_lately_are_counted(store: Store) -> None:
    presence = store.enlist(WORKER, store.now() - timedelta(minutes=5))

    before = store.workers_seen(30)
    store.beat(presence, store.now(), MINUTE_S)

    assert (before, store.workers_seen(30)) == (0, 1)
    store.retire(presence)


def test_a_worker_that_holds_its_lock_is_not_dead(store: Store) -> None:
    presence = store.enlist(WORKER, NOON)

    assert store.dead_workers(monotonic_s=0.0) == ()
    assert store.dead_workers(monotonic_s=14.0) == ()
    store.retire(presence)


def test_beats_keep_leases_going(store: Store) -> None:
    owe(store, make_delivery())
    presence = store.enlist(WORKER, NOON)
    claim(store, NOON)

    store.beat(presence, NOON + MINUTE, MINUTE_S)

    store.retire(presence)

    assert claim(store, NOON + 1.9 * MINUTE, OTHER) == ()
    assert len(claim(store, NOON + 2.1 * MINUTE, OTHER)) == 1


def test_no_clock_takes_from_a_worker_on_the_list(store: Store) -> None:
    owe(store, make_delivery())
    presence = store.enlist(WORKER, NOON)
    claim(store, NOON)

    assert claim(store, NOON + 60 * MINUTE, OTHER) == ()
    store.retire(presence)


def test_a_worker_struck_off_by_mistake_comes_back_with_its_next_beat(store: Store) -> None:
    presence = store.enlist(WORKER, NOON)
    with store.turn() as turn:
        turn.take_over(NOON, [WORKER])
    assert store.workers() == ()

    store.beat(presence, NOON + MINUTE, MINUTE_S)

    assert [worker.id for worker in store.workers()] == [WORKER]
    store.retire(presence)


def test_rows_of_a_killed_worker_are_taken_over_at_once(database_url: str, store: Store) -> None:
    owe(store, make_delivery())
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=claim_and_hang, args=(database_url, theirs))
    process.start()
    assert ours.poll(30)
    held = ours.recv()
    first = store.dead_workers(monotonic_s=0.0)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()

    with store.turn() as turn:
        dead = store_dead(store)
        taken = turn.take_over(NOON, dead)
        (again,) = turn.claim(NOON, OTHER, MINUTE_S, 10)

    assert (first, dead, taken) == ((), (WORKER,), 1)
    assert (again.ref, again.lost) == (held, True)
    assert store.workers() == ()


def store_dead(store: Store) -> tuple[str, ...]:
    """A session's end may take the server a moment to notice."""
    for look in range(200):
        dead = store.dead_workers(monotonic_s=3.0 + look * 0.01)
        if dead:
            return dead
    pytest.fail("the death was not seen")


def claim_and_hang(url: str, pipe: Connection) -> None:
    with Store.open(url) as store:
        store.enlist(WORKER, NOON)
        (held,) = claim(store)
        pipe.send(held.ref)
        pipe.recv()
