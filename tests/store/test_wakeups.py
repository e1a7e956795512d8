"""Waking up on commits of others, on both databases."""

import threading
import time
from collections.abc import Iterator

import pytest

from relay.store import Store, Watcher
from tests.conftest import HANG_UP
from tests.store.parts import accept_one, claim, failed, finish, make_delivery, owe


@pytest.fixture
def other(database_url: str) -> Iterator[Store]:
    """A second store on the same database, as another process has it."""
    with Store.open(database_url) as other:
        yield other


@pytest.fixture
def watcher(store: Store) -> Iterator[Watcher]:
    watcher = store.watch()
    drain(watcher)
    yield watcher
    watcher.close()


def drain(watcher: Watcher) -> None:
    while watcher.wait(0.05):
        pass


def test_nothing_happens_and_the_time_runs_out(watcher: Watcher) -> None:
    started = time.monotonic()

    assert watcher.wait(0.1) is False
    assert 0.09 < time.monotonic() - started < 1.0


def test_an_arrival_ends_the_wait(watcher: Watcher, other: Store) -> None:
    timer = threading.Timer(0.1, accept_one, (other,))
    started = time.monotonic()
    timer.start()

    assert watcher.wait(10) is True
    assert time.monotonic() - started < 5.0
    timer.join()


def test_a_commit_before_the_wait_is_not_missed(watcher: Watcher, other: Store) -> None:
    accept_one(other)

    assert watcher.wait(5) is True


def test_a_replay_ends_the_wait(store: Store, other: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    finish(store, failed(held))
    watcher = store.watch()
    drain(watcher)

    other.replay([held.ref])

    assert watcher.wait(5) is True
    watcher.close()


def test_any_thread_may_wake_the_watcher(watcher: Watcher) -> None:
    timer = threading.Timer(0.05, watcher.wake)
    timer.start()

    assert watcher.wait(10) is True
    assert watcher.wait(0.05) is False
    timer.join()


def test_many_wakes_end_one_wait(watcher: Watcher) -> None:
    for _ in range(100_000):
        watcher.wake()

    assert watcher.wait(1) is True


def test_a_lost_connection_is_made_anew(postgres_url: str) -> None:
    import psycopg

    with Store.open(postgres_url) as store, psycopg.connect(postgres_url, autocommit=True) as admin:
        watcher = store.watch()
        admin.execute(HANG_UP)
        assert watcher.wait(5) is True
        drain(watcher)
        time.sleep(0.1)
        with Store.open(postgres_url) as other:
            accept_one(other)
            assert watcher.wait(5) is True
        watcher.close()
