"""Which workers live: each holds a lock and raises a counter, so nobody compares clocks.

A worker whose process dies lets go of its lock at once. On SQLite that is a file lock and proof enough.
On PostgreSQL the lock belongs to a session, which a restart of the server ends too, so there the worker
must also have missed a beat or two. A counter that stands still for long is proof by itself, which covers
a worker that hangs.
"""

import fcntl
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import (
    BigInteger,
    Connection,
    Double,
    Engine,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy import exc as sql_errors

from relay.store.engine import locks_folder, reading, translated, try_lock, writing
from relay.store.portable import among, lock_number
from relay.store.tables import IS_LEASED, Moment, work, workers

SILENT_S = 15.0  # without a beat
UNLOCKED_S = 3.0  # without a beat, and without its lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A row of the workers' table."""

    id: str
    host: str
    pid: int
    beat: int
    started_at: datetime
    seen_at: datetime


class Roster:
    """Remembers when each counter last moved, by the observer's own monotonic clock."""

    def __init__(self, *, silent_s: float = SILENT_S, unlocked_s: float = UNLOCKED_S) -> None:
        self._silent_s = silent_s
        self._unlocked_s = unlocked_s
        self._beats: dict[str, tuple[int, float]] = {}

    def dead(self, beats: Mapping[str, int], unlocked: Sequence[str], monotonic_s: float) -> tuple[str, ...]:
        """Those of the workers that are dead. unlocked: whose lock nobody holds."""
        self._beats = {worker: self._moved(worker, beat, monotonic_s) for worker, beat in beats.items()}
        still = {worker: monotonic_s - since for worker, (_, since) in self._beats.items()}
        return tuple(
            worker for worker, quiet_s in still.items() if quiet_s >= self._silence(worker in unlocked)
        )

    def _moved(self, worker: str, beat: int, monotonic_s: float) -> tuple[int, float]:
        before = self._beats.get(worker)
        return before if before and before[0] == beat else (beat, monotonic_s)

    def _silence(self, unlocked: bool) -> float:
        return self._unlocked_s if unlocked else self._silent_s


class Presence(Protocol):
    """A worker's lock, held until it is let go or the process dies."""

    worker: str

    def renew(self) -> None:
        """Take the lock again if a lost connection let go of it."""

    def let_go(self) -> None: ...


def enlist(engine: Engine, worker: str, now: datetime) -> Presence:
    """Take a worker's lock, then enter it."""
    on_sqlite = engine.dialect.name == "sqlite"
    presence = _File(engine, worker) if on_sqlite else _Session(engine, worker)
    with writing(engine) as conn:
        _enter(conn, worker, now)
    return presence


def beat(conn: Connection, worker: str, now: datetime, lease_s: float) -> None:
    """Raise the worker's counter and extend its leases. One struck off by mistake is entered again."""
    if not conn.execute(_BEAT, {"wanted": worker, "now": now}).rowcount:
        _enter(conn, worker, now)
    until = now.timestamp() + lease_s
    conn.execute(_EXTEND, {"wanted": worker, "until": until, "length_s": lease_s})


def listed(conn: Connection) -> tuple[Worker, ...]:
    return tuple(Worker(**row) for row in conn.execute(_WORKERS).mappings())


def strike(conn: Connection, ids: Sequence[str]) -> None:
    """Take workers off the list: ended ones, or dead ones whose rows were taken over."""
    conn.execute(delete(workers).where(among(workers.c.id, "ids")), {"ids": sorted(ids)})


def unlocked(engine: Engine, ids: Sequence[str]) -> tuple[str, ...]:
    """Those whose lock nobody holds."""
    if engine.dialect.name == "sqlite":
        return tuple(worker for worker in ids if _is_free(_file(engine, worker)))
    if not ids:
        return ()
    with reading(engine) as conn:
        return tuple(worker for worker in ids if conn.execute(_TRY, {"key": _key(worker)}).scalar_one())


def _enter(conn: Connection, worker: str, now: datetime) -> None:
    row = {"id": worker, "host": os.uname().nodename, "pid": os.getpid(), "beat": 0}
    conn.execute(insert(workers), row | {"started_at": now, "seen_at": now})


class _File:
    """A lock on a file of its own beside the database."""

    def __init__(self, engine: Engine, worker: str) -> None:
        self.worker = worker
        self._path = _file(engine, worker)
        self._path.parent.mkdir(exist_ok=True)
        self._number = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._number, fcntl.LOCK_EX)

    def renew(self) -> None:
        pass  # a file stays locked as long as the process has it open

    def let_go(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._number)


class _Session:
    """An advisory lock that lives as long as a connection of its own."""

    def __init__(self, engine: Engine, worker: str) -> None:
        self.worker = worker
        self._engine = engine
        self._key = _key(worker)
        self._conn = self._take()

    def renew(self) -> None:
        with suppress(sql_errors.DBAPIError):
            self._conn.execute(select(literal_column("1")))
            return
        self.let_go()
        self._conn = self._take()

    def let_go(self) -> None:
        with suppress(sql_errors.SQLAlchemyError):
            self._conn.invalidate()  # closed, not given back to the pool: that ends the session
        self._conn.close()

    def _take(self) -> Connection:
        with translated():
            conn = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            conn.execute(select(func.pg_advisory_lock(self._key)))
        return conn


def _file(engine: Engine, worker: str) -> Path:
    return locks_folder(engine) / f"worker-{worker}"


def _key(worker: str) -> int:
    return lock_number(f"worker {worker}")


def _is_free(file: Path) -> bool:
    try:
        number = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        free = try_lock(number)
        if free:
            file.unlink(missing_ok=True)  # its worker died without leaving
        return free
    finally:
        os.close(number)


_WORKERS = select(workers).order_by(workers.c.started_at, workers.c.id)
_BEAT = (
    update(workers)
    .where(workers.c.id == bindparam("wanted"))
    .values(beat=workers.c.beat + 1, seen_at=bindparam("now", type_=Moment()))
)
_EXTEND = (
    update(work)
    .where(IS_LEASED, work.c.worker == bindparam("wanted"))
    .values(
        lease_until=bindparam("until", type_=Double()),
        wait_s=bindparam("length_s", type_=Double()),
    )
)
_TRY = select(func.pg_try_advisory_xact_lock(bindparam("key", type_=BigInteger())))
