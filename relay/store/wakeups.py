"""Waiting for another process to commit something, without waiting for a timer.

On PostgreSQL a commit that adds work sends a NOTIFY. On SQLite the watcher looks at `PRAGMA data_version`,
a number in shared memory, every few milliseconds. A wait returns at once when something happened since
the one before it returned; now and then one returns for nothing.
"""

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine

from relay.store.portable import CHANNEL

if TYPE_CHECKING:
    import sqlite3

    from psycopg import Connection

LOOK_S = 0.004  # between looks at SQLite's version; one costs 60 microseconds, nearly all of it waking up
IDLE_LOOK_S = 0.010  # … once nothing has happened for a while
A_WHILE_S = 5.0
RECONNECT_S = 1.0


class Watcher(Protocol):
    """For one thread to wait on; any thread may wake it."""

    def wait(self, timeout_s: float) -> bool:
        """True when woken or something was committed, False when the time is up."""

    def wake(self) -> None: ...

    def overlook(self) -> None:
        """Take what was committed until now for one's own; nobody else may be committing meanwhile."""

    def close(self) -> None: ...


class _Bell:
    """Ends a wait on sockets from any thread."""

    def __init__(self) -> None:
        self._rings = False
        self._ear, self._rope = socket.socketpair()
        self._ear.setblocking(False)
        self._rope.setblocking(False)

    def fileno(self) -> int:
        return self._ear.fileno()

    def ring(self) -> None:
        if self._rings:
            return
        self._rings = True
        with suppress(OSError):  # full: it rings already; closed: nobody listens any more
            self._rope.send(b"!")

    def hush(self) -> bool:
        """Whether it rang since the last time."""
        try:
            return bool(self._ear.recv(4096))
        except BlockingIOError:
            return False
        finally:
            self._rings = False  # last, or a ring in between would be neither heard nor sent again

    def close(self) -> None:
        self._ear.close()
        self._rope.close()


class SqliteWatcher:
    def __init__(self, file: str) -> None:
        self._file = file
        self._bell = _Bell()
        self._conn: sqlite3.Connection | None = None
        self._version = self._look()
        self._happened = time.monotonic()

    def wait(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            now = time.monotonic()
            version = self._look()
            if version != self._version or self._bell.hush():
                self._version, self._happened = version, now
                return True
            if now >= deadline:
                return False
            pause_s = LOOK_S if now - self._happened < A_WHILE_S else IDLE_LOOK_S
            select.select([self._bell.fileno()], [], [], min(pause_s, deadline - now))

    def wake(self) -> None:
        self._bell.ring()

    def overlook(self) -> None:
        self._version = self._look()

    def close(self) -> None:
        self._bell.close()
        if self._conn is not None:
            self._conn.close()

    def _look(self) -> int | None:
        """None when the database cannot be read: a change too, once it can again."""
        import sqlite3

        try:
            if self._conn is None:
                self._conn = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            version: int = self._conn.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return None
        return version


class PostgresqlWatcher:
    """Listens on a connection of its own. While that is lost, waits end early and it is made anew."""

    def __init__(self, connect: Callable[[], "Connection[tuple[object, ...]]"], *, sender: str) -> None:
        self._connect = connect
        self._sender = sender
        self._bell = _Bell()
        self._conn: Connection[tuple[object, ...]] | None = None
        self._listen()

    def wait(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            if self._bell.hush() | self._heard():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if self._conn is None:
                select.select([self._bell.fileno()], [], [], min(RECONNECT_S, left))
                if self._listen():
                    return True
            else:
                select.select([self._bell.fileno(), self._conn.fileno()], [], [], left)

    def wake(self) -> None:
        self._bell.ring()

    def overlook(self) -> None:
        """What this store sends itself never counts."""

    def close(self) -> None:
        self._bell.close()
        if self._conn is not None:
            self._conn.close()

    def _heard(self) -> bool:
        """Whether others have sent a notification. What this store sent itself does not count."""
        import psycopg

        if self._conn is None:
            return False
        try:
            self._conn.pgconn.consume_input()
        except psycopg.Error:
            self._conn.close()
            self._conn = None
            return True
        heard = False
        while (note := self._conn.pgconn.notifies()) is not None:
            heard |= note.extra.decode() != self._sender
        return heard

    def _listen(self) -> bool:
        import psycopg

        try:
            conn = self._connect()
        except psycopg.Error:
            return False
        try:
            conn.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error:
            conn.close()
            return False
        self._conn = conn
        return True


def watch(engine: Engine, *, sender: str) -> Watcher:
    """A watcher with a connection of its own."""
    if engine.dialect.name == "sqlite":
        return SqliteWatcher(str(engine.url.database))
    words, options = engine.dialect.create_connect_args(engine.url)
    return PostgresqlWatcher(partial(_connect, *words, **options), sender=sender)


def _connect(*words: Any, **options: Any) -> "Connection[tuple[object, ...]]":
    import psycopg

    return psycopg.connect(*words, **options, autocommit=True, connect_timeout=5, application_name="relay")
