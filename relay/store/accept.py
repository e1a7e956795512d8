"""Taking in webhooks: one transaction for a whole batch, because the sender waits for the commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Engine, Text, exc, false, insert, literal, select
from sqlalchemy.sql.dml import ReturningInsert

from relay.errors import StoreError
from relay.model import EventKind, Generation
from relay.store import portable, repeats
from relay.store.blobs import clean, key_of, pack
from relay.store.driver import DriverStatement
from relay.store.engine import as_store_error, may_pass, transaction, translated
from relay.store.portable import ListOf, among
from relay.store.tables import PLANNING, EventState, Step, WorkState, events, work


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A verified webhook on its way into the store."""

    id: str
    dedupe_key: str
    received_at: datetime
    kind: EventKind
    generation: Generation
    type: str | None = None
    source_id: str | None = None
    content_type: str | None = None
    body: bytes


def accept(engine: Engine, arrivals: Sequence[Arrival]) -> tuple[bool | StoreError, ...]:
    """True for each arrival that is new and now committed, False for each that was there already.

    All in one transaction. When one of them is such that the database refuses it, each goes alone and the
    refused one gets its StoreError in place of an answer. Raises StoreBusy or StoreError when none can.
    """
    rows = [_row(arrival) for arrival in arrivals]
    if not rows:
        return ()
    try:
        return _commit(engine, rows)
    except exc.DBAPIError as error:
        if may_pass(error) or len(rows) < 2:
            raise as_store_error(error) from error
    return tuple(_commit_alone(engine, row) for row in rows)


def insert_one(conn: Connection, arrival: Arrival) -> bool:
    """Inside the caller's transaction; False when it was there already."""
    return arrival.id in _insert(conn, (_row(arrival),))


def _row(arrival: Arrival) -> dict[str, Any]:
    return {
        "id": arrival.id,
        "dedupe_key": key_of(arrival.dedupe_key),
        "received_at": arrival.received_at.timestamp(),
        "kind": arrival.kind.value,
        "generation": arrival.generation.value,
        "type": clean(arrival.type),
        "source_id": clean(arrival.source_id),
        "content_type": clean(arrival.content_type),
        "body": pack(arrival.body),
        "state": EventState.NEW.value,
    }


def _commit(engine: Engine, rows: Sequence[Mapping[str, Any]]) -> tuple[bool, ...]:
    with transaction(engine) as conn:
        new = _insert(conn, rows)
        repeats.count(conn, [row for row in rows if row["id"] not in new])
    return tuple(row["id"] in new for row in rows)


def _commit_alone(engine: Engine, row: Mapping[str, Any]) -> bool | StoreError:
    try:
        with translated():
            return _commit(engine, (row,))[0]
    except StoreError as error:
        return error


def _insert(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The ids that went in. Sorted by key, so that batches with the same duplicates do not deadlock."""
    in_order = sorted(rows, key=lambda row: str(row["dedupe_key"]))
    into_events, into_work = _statements(conn.dialect)
    into_events.run_many(conn, in_order)
    ids = _IDS.process_bind_param([row["id"] for row in rows], conn.dialect)
    new = frozenset(into_work.run(conn, {"ids": ids}).scalars())
    if new:
        portable.notify(conn)
    return new


@lru_cache(maxsize=8)
def _statements(dialect: Dialect) -> tuple[DriverStatement, DriverStatement]:
    """Into events, and into work."""
    statement = portable.insert_for(portable.is_postgresql(dialect), events)
    into_events = statement.on_conflict_do_nothing(index_elements=["dedupe_key"])
    return DriverStatement(dialect, into_events, _COLUMNS), DriverStatement(dialect, _INTO_WORK)


def plan_rows(chosen: ColumnElement[bool]) -> ReturningInsert[Any]:
    """Puts the chosen events up for planning, in the order they came."""
    row = {
        "step": literal(Step.PLAN.value),
        "ref": events.c.id,
        "destination": literal(PLANNING),
        "state": literal(WorkState.READY.value),
        "grouped": false(),
        "due_at": literal(0.0),
        "wait_s": literal(0.0),
        "attempt": events.c.tries,
        "lost": false(),
    }
    chosen_events = select(*row.values()).where(chosen).order_by(events.c.id)
    return insert(work).from_select(list(row), chosen_events).returning(work.c.ref)


_COLUMNS = (
    "id",
    "dedupe_key",
    "received_at",
    "kind",
    "generation",
    "type",
    "source_id",
    "content_type",
    "body",
    "state",
)
_IDS = ListOf(Text())
_INTO_WORK = plan_rows(among(events.c.id, "ids"))
