"""Messages that wait for a verdict: which there are, and making one due when the verdict has come.

A planner asks for those that its events may join, and by that holds them until its transaction ends: a
claim passes over them for a moment, so whoever decides by the answer decides rightly. Two planners never
want the same one, because both would hold its state key.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, bindparam, literal_column, select, update

from relay.planning import SHADOW
from relay.quieting import VERDICT
from relay.store.blobs import key_of, unpack_json
from relay.store.portable import among
from relay.store.tables import IS_READY, deliveries, delivery_events, slots, work


def waiting(conn: Connection, names: Collection[str], *, at: datetime | None = None) -> dict[str, datetime]:
    """By slot, when the message that holds it goes out unless a verdict comes. Without `at`, now, and they
    are held; else as it was then, as far as that can be told."""
    if not names:
        return {}
    stored = {key_of(name): name for name in names}
    if at is None:
        conn.execute(_LOCK_WAITING, {"names": sorted(stored)})
    rows = conn.execute(_WAITING, {"names": sorted(stored)})
    return {stored[row.name]: datetime.fromtimestamp(row.due_at, UTC) for row in rows if _is_waiting(row, at)}


def unsaid(conn: Connection, event_ids: Collection[str], *, at: datetime | None = None) -> frozenset[str]:
    """Those of these events that have messages, all of which wait for a verdict. `at` as in `waiting`."""
    if not event_ids:
        return frozenset()
    if at is None:
        conn.execute(_LOCK_MESSAGES, {"ids": list(event_ids)})
    found: dict[str, list[bool]] = defaultdict(list)
    for row in conn.execute(_MESSAGES, {"ids": list(event_ids)}):
        settings = unpack_json(row.terms)["settings"]
        if not settings.get(SHADOW):
            found[row.event_id].append(bool(settings.get(VERDICT)) and _is_waiting(row, at))
    return frozenset(event_id for event_id, each in found.items() if all(each))


def _is_waiting(row: Any, at: datetime | None) -> bool:
    if at is None or row.open:
        return bool(row.open) and (at is None or row.created_at <= at)
    return bool(row.created_at <= at and row.finished_at is not None and row.finished_at > at)


def release(conn: Connection, ids: Collection[str]) -> None:
    """Make them due."""
    if ids:
        conn.execute(_RELEASE, {"ids": sorted(ids)})


def end_in_vain(conn: Connection, retries: Collection[str], now: datetime) -> tuple[str, ...]:
    """No verdict comes of these deliveries: the open messages on their events, which then wait no longer.

    Release them in the same transaction.
    """
    rows = conn.execute(_ABOUT_THE_SAME, {"retries": sorted(retries)}).all()
    held = {row.id for row in rows if unpack_json(row.terms)["settings"].get(VERDICT)}
    if held:
        conn.execute(_END, {"ids": sorted(held), "now": now.timestamp()})
    return tuple(sorted(held))


_IS_OPEN: ColumnElement[bool] = literal_column("deliveries.open")
_OF_RETRY = delivery_events.alias("of_retry")
_COLUMNS = (
    deliveries.c.open,
    deliveries.c.due_at,
    deliveries.c.created_at,
    deliveries.c.finished_at,
    deliveries.c.terms,
)
_WAITING = (
    select(slots.c.name, *_COLUMNS)
    .join(deliveries, deliveries.c.id == slots.c.delivery_id)
    .where(among(slots.c.name, "names"))
)
_LOCK_WAITING = (
    select(deliveries.c.id)
    .join(slots, deliveries.c.id == slots.c.delivery_id)
    .where(among(slots.c.name, "names"), _IS_OPEN)
    .order_by(deliveries.c.id)
    .with_for_update(of=deliveries, key_share=True)
)
_MESSAGES = (
    select(delivery_events.c.event_id, *_COLUMNS)
    .join(deliveries, deliveries.c.id == delivery_events.c.delivery_id)
    .where(among(delivery_events.c.event_id, "ids"), deliveries.c.kind == literal_column("'notify'"))
)
_LOCK_MESSAGES = (
    select(deliveries.c.id)
    .join(delivery_events, deliveries.c.id == delivery_events.c.delivery_id)
    .where(among(delivery_events.c.event_id, "ids"), _IS_OPEN)
    .order_by(deliveries.c.id)
    .with_for_update(of=deliveries, key_share=True)
)
_ABOUT_THE_SAME = (
    select(deliveries.c.id, deliveries.c.terms)
    .join(delivery_events, deliveries.c.id == delivery_events.c.delivery_id)
    .where(
        delivery_events.c.event_id.in_(
            select(_OF_RETRY.c.event_id).where(among(_OF_RETRY.c.delivery_id, "retries"))
        ),
        _IS_OPEN,
        deliveries.c.kind == literal_column("'notify'"),
    )
    .order_by(deliveries.c.id)
    .with_for_update(of=deliveries, key_share=True)
)
_END = (
    update(deliveries)
    .where(among(deliveries.c.id, "ids"))
    .values(due_at=bindparam("now", type_=Double()), latest_at=bindparam("now", type_=Double()))
)
_RELEASE = (
    update(work)
    .where(among(work.c.ref, "ids"), IS_READY)
    .values(due_at=literal_column("0"), wait_s=literal_column("0"))
)
