"""Fills a store with a great many rows, by multiplying those of one real webhook in SQL.

Each copy has ids, branch and number of its own. What was sent and what was judged is not read again in a
measurement, so the copies carry next to nothing there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Double,
    Engine,
    Integer,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.sql.expression import CTE

from benchmarks.patterns import FAR, SHUT, Mass, Pattern, lay
from benchmarks.webhooks import BRANCHES
from relay.ids import LENGTH
from relay.pipeline import Relay
from relay.store import Store
from relay.store.blobs import pack, pack_json
from relay.store.claims import new_destination
from relay.store.engine import open_engine
from relay.store.tables import attempts, deliveries, delivery_events, destinations, events, outcomes, work

KEPT = 12  # characters of the pattern's id in front of a copy's number
APART_S = 0.01  # between the times of one copy and the next
BULK = {
    "sqlite": ("PRAGMA synchronous=OFF", "PRAGMA foreign_keys=OFF", "BEGIN"),
    "postgresql": ("SET synchronous_commit = off", "SET session_replication_role = replica"),
}
SETTLE = {"sqlite": ("PRAGMA wal_checkpoint(TRUNCATE)",), "postgresql": ("VACUUM ANALYZE", "CHECKPOINT")}

Values = Mapping[str, Any]  # by column; the rest is as in the pattern


def fill(url: str, relay: Relay, mass: Mass, rows: int) -> None:
    """So many events with a delivery each, in an empty store. Timers go to the relay's only target."""
    with Store.open(url) as store:
        pattern = lay(store, relay, mass)
    with _bulk(url) as conn:
        _multiply(conn, pattern, mass, _numbers(rows))
        if mass is Mass.BACKLOG:
            conn.execute(insert(destinations), _shut())


@contextmanager
def _bulk(url: str) -> Iterator[Connection]:
    """One transaction, fast and careless; afterwards the database is put to rest."""
    engine = open_engine(url)
    try:
        with engine.connect() as conn:
            for statement in BULK[engine.dialect.name]:
                conn.exec_driver_sql(statement)
            yield conn
            conn.commit()
            conn.invalidate()
        _settle(engine)
    finally:
        engine.dispose()


def _settle(engine: Engine) -> None:
    """What the database would do by itself sooner or later, and must not while something is measured."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        for statement in SETTLE[engine.dialect.name]:
            conn.exec_driver_sql(statement)


def _shut() -> dict[str, Any]:
    until = datetime.now(UTC) + FAR
    return new_destination(SHUT) | {"paused_until": until.timestamp(), "pause_s": FAR.total_seconds()}


def _multiply(conn: Connection, pattern: Pattern, mass: Mass, numbers: CTE) -> None:
    number = numbers.c.number
    event, delivery = _id(pattern.event, number), _id(pattern.delivery, number)
    key, due = _state_key(conn, pattern, number), _due(conn, pattern, number)

    def copy(table: Table, original: ColumnElement[bool], changed: Values) -> None:
        _copy(conn, table, original, changed, numbers)

    copy(events, events.c.id == pattern.event, _event(event, number, key))
    copy(outcomes, outcomes.c.event_id == pattern.event, _outcome(event, number, key))
    copy(deliveries, deliveries.c.id == pattern.delivery, {"id": delivery, "due_at": due})
    link = {"delivery_id": delivery, "event_id": event}
    copy(delivery_events, delivery_events.c.event_id == pattern.event, link)
    if mass.is_delivered:
        copy(attempts, attempts.c.ref == pattern.delivery, {"ref": delivery})
    else:
        copy(work, work.c.ref == pattern.delivery, {"ref": delivery, "due_at": due})


def _copy(conn: Connection, table: Table, chosen: ColumnElement[bool], changed: Values, numbers: CTE) -> None:
    row = conn.execute(select(table).where(chosen)).mappings().one()
    columns = [column for column in table.columns if not _is_counted(column)]
    values = [changed.get(column.name, literal(row[column.name], column.type)) for column in columns]
    names = [column.name for column in columns]
    conn.execute(insert(table).from_select(names, select(*values).select_from(numbers)))


def _is_counted(column: Column[Any]) -> bool:
    """Whether the database itself numbers it."""
    return column.primary_key and isinstance(column.type, Integer)


def _numbers(rows: int) -> CTE:
    first = select(literal(1).label("number")).cte("numbers", recursive=True)
    return first.union_all(select(first.c.number + 1).where(first.c.number < rows))


def _id(pattern: str, number: ColumnElement[int]) -> ColumnElement[str]:
    """As long as the pattern's, of the same millisecond, and in order."""
    digits = LENGTH - KEPT
    counted = func.substr(cast(literal(10**digits, BigInteger()) + number, Text), 2)
    return literal(pattern[:KEPT], Text()) + counted


def _state_key(conn: Connection, pattern: Pattern, number: ColumnElement[int]) -> ColumnElement[str]:
    """In turn of each of the branches that the measured webhooks are about."""
    key: str = conn.execute(select(events.c.state_key).where(events.c.id == pattern.event)).scalar_one()
    before, _, after = key.partition(pattern.branch)
    stem = pattern.branch.rstrip("0123456789")
    return literal(before + stem, Text()) + cast(number % BRANCHES, Text) + literal(after, Text())


def _due(conn: Connection, pattern: Pattern, number: ColumnElement[int]) -> ColumnElement[float]:
    """One after the other, the pattern's last."""
    due: float = conn.execute(
        select(deliveries.c.due_at).where(deliveries.c.id == pattern.delivery)
    ).scalar_one()
    return literal(due, Double()) - cast(number, Double) * APART_S


def _event(event: ColumnElement[str], number: ColumnElement[int], key: ColumnElement[str]) -> Values:
    return {
        "id": event,
        "dedupe_key": literal("event:", Text()) + event,
        "source_id": event,
        "number": number,
        "state_key": key,
        "body": literal(pack(b"{}")),
        "facts": literal(pack_json({})),
        "decision": literal(pack_json({})),
    }


def _outcome(event: ColumnElement[str], number: ColumnElement[int], key: ColumnElement[str]) -> Values:
    return {"state_key": key, "number": number, "event_id": event, "run": event}
