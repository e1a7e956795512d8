"""Opening the database, beginning and ending transactions, and saying which errors may pass."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from relay.errors import StoreBusy, StoreError

PATIENCE_S = 5.0  # for SQLite's one writer, a PostgreSQL lock, or a connection
LOOK_S = 0.0003  # between looks at a taken write lock, at first
LONGEST_LOOK_S = 0.003  # a slow disk is not worth looking more often
POOL = 5
POOL_MORE = 15

PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-2000",  # KiB
    "mmap_size=0",
    "temp_store=MEMORY",
    "wal_autocheckpoint=4000",  # pages: 16 MB between the slow commits
    "journal_size_limit=67108864",
)
# Classes of SQLSTATE: connection, resources, operator intervention, rollback (deadlock), lock not available.
_CLASSES_MAY_PASS = ("08", "53", "57", "40", "55")


def database_url(text: str) -> URL:
    """The URL as SQLAlchemy wants it. Takes sqlite:///file, postgresql:// and postgres://."""
    try:
        url = make_url(text)
    except exc.ArgumentError:
        raise StoreError("the store is not a database URL; try sqlite:///relay.db") from None
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url
    if url.drivername == "postgresql+psycopg":
        return url
    raise StoreError(f"cannot store in {url.drivername!r}; use a sqlite:/// file or postgresql://")


def open_engine(text: str) -> Engine:
    """An engine with its pool. Open it in the process that uses it, after any fork. Connects on first use."""
    url = database_url(text)
    return _open_sqlite(url) if url.drivername == "sqlite" else _open_postgresql(url)


def locks_folder(engine: Engine) -> Path:
    """Where SQLite's processes keep the files they hold locks on."""
    return Path(f"{engine.url.database}-locks")


def _open_sqlite(url: URL) -> Engine:
    file = Path(str(url.database)).absolute()
    engine = create_engine(
        url.set(database=str(file)),
        connect_args={"timeout": PATIENCE_S, "isolation_level": None, "check_same_thread": False},
        pool_size=POOL,
        max_overflow=POOL_MORE,
        pool_timeout=PATIENCE_S,
        hide_parameters=True,
    )
    event.listen(engine, "connect", lambda connection, _: _set_up_sqlite(engine, connection))
    return engine


def _set_up_sqlite(engine: Engine, connection: Any) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with write_turn(engine):
            connection.execute("PRAGMA journal_mode=WAL")


def _open_postgresql(url: URL) -> Engine:
    patience = f"{int(PATIENCE_S * 1000)}"
    return create_engine(
        url,
        connect_args={
            "connect_timeout": int(PATIENCE_S),
            "application_name": "relay",
            "options": f"-c lock_timeout={patience} -c timezone=UTC",
        },
        pool_size=POOL,
        max_overflow=POOL_MORE,
        pool_timeout=PATIENCE_S,
        hide_parameters=True,
    )


@contextmanager
def writing(engine: Engine, committed: Callable[[], object] = bool) -> Iterator[Connection]:
    """One write transaction: committed at the end, undone by any exception. Raises StoreBusy, StoreError.

    committed: called after the commit, on SQLite before anyone else can write.
    """
    with translated(), transaction(engine, committed) as conn:
        yield conn


@contextmanager
def transaction(engine: Engine, committed: Callable[[], object] = bool) -> Iterator[Connection]:
    """As `writing`, with the database's own errors."""
    on_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as conn, write_turn(engine) if on_sqlite else nullcontext():
        if on_sqlite:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield conn
            conn.commit()
            committed()
        except BaseException:
            conn.rollback()
            _discard(conn)
            raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """For reading. On SQLite everything is of one instant; on PostgreSQL each statement is, in a transaction
    or not, so none is begun and ended around them.
    """
    with translated(), engine.connect() as conn:
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql("BEGIN")
        else:
            conn.execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield conn
        except BaseException:
            _discard(conn)
            raise


def _discard(conn: Connection) -> None:
    """SQLite: never use it again. A result that was read half way keeps its old view of the database alive,
    rollback or not, and whoever got the connection next would read the past and write nothing.
    """
    if conn.dialect.name == "sqlite":
        conn.invalidate()


@contextmanager
def write_turn(engine: Engine) -> Iterator[None]:
    """SQLite: this process writes next, in the order of asking.

    SQLite itself makes those who find its lock taken sleep up to 100 ms between looks, and whoever just
    wrote wins again. Two files make it fair: who waits holds the gate, so the last writer queues behind.
    """
    folder = locks_folder(engine)
    deadline = time.monotonic() + PATIENCE_S
    with _held(folder / "gate", deadline) as gate, _held(folder / "write", deadline):
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@contextmanager
def _held(file: Path, deadline: float) -> Iterator[int]:
    number = _open_lock(file)
    try:
        pause = LOOK_S
        while not try_lock(number):
            if time.monotonic() > deadline:
                raise StoreBusy("the database is locked by another process")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_LOOK_S)
        yield number
    finally:
        os.close(number)


def _open_lock(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        pass
    try:
        file.parent.mkdir(exist_ok=True)
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"cannot write beside the database: {error.strerror}: {file.parent}") from error


def try_lock(number: int) -> bool:
    """Whether the open file could be locked at once."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def translated() -> Iterator[None]:
    """Turns the database's errors into StoreBusy, when they may pass, or StoreError."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreBusy("all database connections are in use") from error
    except exc.DBAPIError as error:
        raise as_store_error(error) from error


def as_store_error(error: exc.DBAPIError) -> StoreError:
    text = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    return StoreBusy(text) if may_pass(error) else StoreError(text)


def may_pass(error: exc.DBAPIError) -> bool:
    """Whether the same statement may succeed later."""
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return True
    if type(error.orig).__module__ == "sqlite3":
        return _sqlite_may_pass(error.orig)
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is None:
        return isinstance(error, exc.OperationalError)
    return str(sqlstate).startswith(_CLASSES_MAY_PASS)


def _sqlite_may_pass(error: BaseException | None) -> bool:
    import sqlite3  # 1 MB that a process on PostgreSQL does without

    passing = {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in passing
