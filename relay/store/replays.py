"""Replaying: putting failed deliveries, or events whose planning failed, back into the queue."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, literal_column, select, update

from relay.errors import UsageError
from relay.model import DeliveryState
from relay.store import lanes, portable
from relay.store.accept import plan_rows
from relay.store.ledger import find_id
from relay.store.portable import among
from relay.store.tables import Moment, Step, deliveries, destinations, events

FAILED = (DeliveryState.DEAD, DeliveryState.UNKNOWN)
MOST = 1000  # deliveries put back by one call that names a state


def replay(conn: Connection, texts: Iterable[str], now: datetime, *, force: bool = False) -> tuple[str, ...]:
    """Put back these deliveries and stuck events, given by their ids or unique parts of them.

    They begin anew: the first attempt comes at once, and giving up is counted from now.

    Only dead and unknown deliveries, unless forced: then delivered ones are sent again too. UsageError
    names the first that does not exist or cannot go; nothing is put back then.
    """
    found = [_find(conn, text) for text in texts]
    stuck = [ref for ref, step in found if step is Step.PLAN]
    failed = [ref for ref, step in found if step is Step.DELIVER]
    back = _replan(conn, stuck) | _requeue(conn, failed, now, force=force)
    missed = [ref for ref, _ in found if ref not in back]
    if missed:
        raise UsageError(f"{missed[0]} has not failed; only what is dead, unknown or stuck is replayed")
    return tuple(dict.fromkeys(ref for ref, _ in found))


def replay_state(
    conn: Connection, state: DeliveryState, now: datetime, *, target: str | None = None, most: int = MOST
) -> tuple[str, ...]:
    """Put back the oldest deliveries in this state."""
    query = select(deliveries.c.id).where(deliveries.c.state == literal_column(f"'{state.value}'"))
    if target is not None:
        query = query.where(deliveries.c.target == target)
    ids = conn.execute(query.order_by(deliveries.c.id).limit(most)).scalars().all()
    return tuple(sorted(_requeue(conn, ids, now, force=state is DeliveryState.DELIVERED)))


def replay_stuck(conn: Connection, most: int = MOST) -> tuple[str, ...]:
    """Plan the oldest stuck events again."""
    query = select(events.c.id).where(events.c.state == literal_column("'stuck'"))
    ids = conn.execute(query.order_by(events.c.id).limit(most)).scalars().all()
    return tuple(sorted(_replan(conn, ids)))


def _find(conn: Connection, text: str) -> tuple[str, Step]:
    for table, step in ((deliveries, Step.DELIVER), (events, Step.PLAN)):
        ref = find_id(conn, table, text)
        if ref is not None:
            return ref, step
    raise UsageError(f"there is no delivery or event {text}")


def _replan(conn: Connection, ids: Sequence[str]) -> set[str]:
    back = set(conn.execute(_UNSTICK, {"ids": list(ids)}).scalars()) if ids else set()
    if back:
        conn.execute(_QUEUE_EVENTS, {"ids": sorted(back)}).close()
        portable.notify(conn)
    return back


def _requeue(conn: Connection, ids: Sequence[str], now: datetime, *, force: bool) -> set[str]:
    if not ids:
        return set()
    states = [*FAILED, *((DeliveryState.DELIVERED,) if force else ())]
    values = {"ids": list(ids), "states": [state.value for state in states], "now": now}
    rows = sorted(conn.execute(_REOPEN, values).mappings(), key=lambda row: str(row["ref"]))
    lanes.settle(conn, (), [dict(row) | _FRESH for row in rows])
    if rows:
        revive(conn, sorted({row["destination"] for row in rows}))
        portable.notify(conn)
    return {row["ref"] for row in rows}


def revive(conn: Connection, keys: Sequence[str]) -> None:
    """Try dead destinations again: somebody says that they are mended."""
    conn.execute(_REVIVE, {"keys": keys})


_FRESH: dict[str, Any] = {
    "step": Step.DELIVER.value,
    "grouped": False,
    "due_at": 0.0,
    "wait_s": 0.0,
}
_REVIVE = (
    update(destinations)
    .where(among(destinations.c.key, "keys"), destinations.c.dead_since.is_not(None))
    .values(dead_since=None, dead_why=None)
)
_UNSTICK = (
    update(events)
    .where(among(events.c.id, "ids"), events.c.state == literal_column("'stuck'"))
    .values(state=literal_column("'new'"))
    .returning(events.c.id)
)
_QUEUE_EVENTS = plan_rows(among(events.c.id, "ids"))
_REOPEN = (
    update(deliveries)
    .where(among(deliveries.c.id, "ids"), among(deliveries.c.state, "states"))
    .values(
        state=literal_column("'waiting'"),
        finished_at=None,
        due_at=0.0,
        queued_at=bindparam("now", type_=Moment()),
    )
    .returning(
        deliveries.c.id.label("ref"),
        deliveries.c.destination,
        deliveries.c.lane,
        literal_column("0").label("attempt"),
        literal_column("false").label("lost"),
    )
)
