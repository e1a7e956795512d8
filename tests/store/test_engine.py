"""Opening databases, and telling errors that pass from those that do not."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from relay.errors import StoreBusy, StoreError
from relay.store import Store
from relay.store.engine import open_engine, reading
from tests.conftest import HANG_UP
from tests.store.parts import accept_one, make_arrival


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("relay.db", "the store is not a database URL; try sqlite:///relay.db"),
        ("mysql://host/db", "cannot store in 'mysql'; use a sqlite:/// file or postgresql://"),
        ("sqlite://", "cannot store in 'sqlite'; use a sqlite:/// file or postgresql://"),
        ("sqlite:///:memory:", "cannot store in 'sqlite'; use a sqlite:/// file or postgresql://"),
    ],
    ids=["no url", "another database", "no file", "in memory"],
)
def test_a_url_it_cannot_use_is_refused(url: str, problem: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(url)

    assert str(caught.value) == problem


def test_both_spellings_of_postgresql_are_taken(postgres_url: str) -> None:
    with Store.open(postgres_url.replace("postgresql://", "postgres://")) as store:
        store.ping()


def test_a_password_is_not_in_errors() -> None:
    with (
        Store.open("postgresql://relay:hunter22@127.0.0.1:1/relay") as store,
        pytest.raises(StoreBusy) as caught,
    ):
        store.ping()

    assert "hunter22" not in str(caught.value)
    assert "hunter22" not in repr(caught.value.__cause__)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/missing/relay.db") as store, pytest.raises(StoreError):
        store.upgrade()


def test_sqlite_writes_ahead_and_syncs_each_commit(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with reading(engine) as conn:
        pragmas = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_database_locked_by_others_is_busy(sqlite_url: str) -> None:
    foreign = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    try:
        with Store.open(sqlite_url) as store, pytest.raises(StoreBusy, match="database is locked"):
            store.accept([make_arrival()])
    finally:
        foreign.execute("ROLLBACK")
        foreign.close()


def test_a_full_disk_is_busy_and_nothing_is_half_stored(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        accept_one(store)
        with store._engine.connect() as conn:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
            conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StoreBusy, match="database or disk is full"):
            store.accept([make_arrival(body=bytes(range(256)) * 4000) for _ in range(20)])

        assert len(store.events()) == 1
        assert store.counts()["planning"] == 1


def test_a_server_that_hangs_up_is_busy_and_then_fine_again(postgres_url: str) -> None:
    import psycopg

    with Store.open(postgres_url) as store, psycopg.connect(postgres_url, autocommit=True) as admin:
        accept_one(store)
        admin.execute(HANG_UP)
        with pytest.raises(StoreBusy):
            store.accept([make_arrival()])

        accept_one(store)
        assert len(store.events()) == 2


def test_writers_take_turns(sqlite_url: str) -> None:
    """Six that write without pause: none is kept waiting for long by the others."""
    longest: list[float] = []
    deadline = time.monotonic() + 1.5

    def write() -> None:
        with Store.open(sqlite_url) as store:
            waits = [0.0]
            while time.monotonic() < deadline:
                started = time.monotonic()
                accept_one(store)
                waits.append(time.monotonic() - started)
            longest.append(max(waits))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(longest) < 1.0
