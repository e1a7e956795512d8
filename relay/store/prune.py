"""Pruning: forgetting what is old, except what is still owed and what judging the next result needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Table,
    and_,
    delete,
    exists,
    not_,
    or_,
    select,
    tuple_,
)

from relay.store import marks, portable, repeats, rulings, runs, slots
from relay.store.engine import reading, writing
from relay.store.portable import among
from relay.store.tables import (
    attempts,
    cards,
    deliveries,
    delivery_events,
    events,
    outcomes,
    silences,
    work,
)

BATCH = 500  # rows in one transaction, so that nobody waits long for it


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """How much was forgotten."""

    events: int = 0
    deliveries: int = 0
    outcomes: int = 0

    def plus(self, more: "Pruned") -> "Pruned":
        return Pruned(
            events=self.events + more.events,
            deliveries=self.deliveries + more.deliveries,
            outcomes=self.outcomes + more.outcomes,
        )


def prune(
    engine: Engine, older_than: datetime, batch: int = BATCH, slots_before: datetime | None = None
) -> Pruned:
    """Forget events received before, with their finished deliveries, in transactions of `batch` events."""
    total = Pruned()
    for step in steps(engine, older_than, batch, slots_before):
        total = total.plus(step)
    return total


def steps(
    engine: Engine, older_than: datetime, batch: int, slots_before: datetime | None = None
) -> Iterator[Pruned]:
    """As `prune`, one short transaction for each step. `slots_before`: if slots stay longer than events."""
    after = ""
    while ids := _old_ids(engine, events, events.c.received_at, older_than, after, batch):
        after = str(ids[-1])
        with writing(engine) as conn:
            step = _forget(conn, ids)
        yield step
    yield from _outcome_steps(engine, older_than, batch)
    with writing(engine) as conn:
        conn.execute(delete(cards).where(cards.c.changed_at < older_than))
        slots.forget(conn, slots_before or older_than)
        conn.execute(delete(silences).where(silences.c.until_at < older_than))
        marks.forget(conn, older_than)


def _forget(conn: Connection, ids: list[str | int]) -> Pruned:
    portable.lock_names(conn, ("prune",))  # two that forget the same rows could deadlock
    free = list(conn.execute(_NOT_LIVE, {"ids": ids}).scalars())
    gone_deliveries = _forget_deliveries(conn, free)
    conn.execute(_FORGET_ATTEMPTS, {"ids": free})
    rulings.forget(conn, free)
    repeats.forget(conn, free)
    return Pruned(events=conn.execute(_FORGET_EVENTS, {"ids": free}).rowcount, deliveries=gone_deliveries)


def _outcome_steps(engine: Engine, older_than: datetime, batch: int) -> Iterator[Pruned]:
    after = 0
    while ids := _old_ids(engine, outcomes, outcomes.c.recorded_at, older_than, after, batch):
        after = int(ids[-1])
        with writing(engine) as conn:
            portable.lock_names(conn, ("prune",))
            gone = conn.execute(_FORGET_OUTCOMES, {"ids": ids}).rowcount
        yield Pruned(outcomes=gone)


def _old_ids(
    engine: Engine, table: Table, made_at: Column[datetime], older_than: datetime, after: object, batch: int
) -> list[str | int]:
    """The next ids. They are in order of time, so the walk ends at the first that is young enough."""
    query = select(table.c.id, made_at.label("made_at")).where(table.c.id > after)
    with reading(engine) as conn:
        rows = conn.execute(query.order_by(table.c.id).limit(batch)).all()
    young = next((place for place, row in enumerate(rows) if row.made_at >= older_than), len(rows))
    return [row.id for row in rows[:young]]


def _forget_deliveries(conn: Connection, free: list[str]) -> int:
    """Those about nothing but these events."""
    ids = list(conn.execute(_ONLY_ABOUT, {"ids": free}).scalars())
    slots.forget_failed(conn, ids)
    conn.execute(_FORGET_ATTEMPTS, {"ids": ids})
    runs.forget(conn, ids)
    return conn.execute(_FORGET_DELIVERIES, {"ids": ids}).rowcount


def _is_newer(newer: FromClause, older: FromClause) -> ColumnElement[bool]:
    order = ("number", "started_at", "event_id")
    return and_(
        newer.c.state_key == older.c.state_key,
        tuple_(*(newer.c[name] for name in order)) > tuple_(*(older.c[name] for name in order)),
    )


_LIVE_DELIVERY = (
    select(work.c.id)
    .join(delivery_events, delivery_events.c.delivery_id == work.c.ref)
    .where(delivery_events.c.event_id == events.c.id)
)
_NOT_LIVE = select(events.c.id).where(
    among(events.c.id, "ids"),
    not_(exists().where(work.c.ref == events.c.id)),
    not_(_LIVE_DELIVERY.exists()),
)
_OTHER = delivery_events.alias("other")
_ONLY_ABOUT = (
    select(delivery_events.c.delivery_id)
    .where(
        among(delivery_events.c.event_id, "ids"),
        not_(
            exists().where(
                _OTHER.c.delivery_id == delivery_events.c.delivery_id, not_(among(_OTHER.c.event_id, "ids"))
            )
        ),
    )
    .distinct()
)
_FORGET_ATTEMPTS = delete(attempts).where(among(attempts.c.ref, "ids"))
_FORGET_DELIVERIES = delete(deliveries).where(among(deliveries.c.id, "ids"))
_FORGET_EVENTS = delete(events).where(among(events.c.id, "ids"))
_NEWER = outcomes.alias("newer")
_NEWER_KNOWN = outcomes.alias("newer_known")
# Of each state key the newest outcome stays, and the newest that says whether the branch is red.
_FORGET_OUTCOMES = delete(outcomes).where(
    among(outcomes.c.id, "ids"),
    exists().where(_is_newer(_NEWER, outcomes)),
    or_(
        outcomes.c.red.is_(None),
        exists().where(_is_newer(_NEWER_KNOWN, outcomes), _NEWER_KNOWN.c.red.is_not(None)),
    ),
)
