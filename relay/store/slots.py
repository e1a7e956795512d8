"""Slots: which delivery stands for all messages of a key, so that no second one is sent in its time.

A slot is reserved in the transaction that records its delivery. It is worth what its delivery is: under way
while that waits, sent when that was delivered, free again when that failed for good. So a message that
failed uses nothing up, and nothing has to be written when one was sent.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Integer, Row, Text, bindparam, delete, func, select, update

from relay.model import DeliveryState
from relay.quieting import Slot, SlotState
from relay.store import portable
from relay.store.blobs import key_of
from relay.store.portable import among, lock_names
from relay.store.tables import Moment, deliveries, slots

if TYPE_CHECKING:
    from relay.planning import Reservation

LIVE = (DeliveryState.OPEN, DeliveryState.WAITING)
FAILED = (DeliveryState.DEAD, DeliveryState.UNKNOWN)


def known(conn: Connection, names: Collection[str], *, hold: bool = True) -> dict[str, Slot]:
    """Those of these slots that were ever reserved. Holds all of them until the transaction ends.

    Ask for all slots of a turn at once: then two workers never wait for each other in a circle.
    """
    if not names:
        return {}
    stored = {key_of(name): name for name in names}
    if hold:
        lock_names(conn, (f"slot {name}" for name in stored))
    rows = conn.execute(_KNOWN, {"names": sorted(stored)})
    return {stored[row.name]: _slot(row) for row in rows}


def _slot(row: Row[Any]) -> Slot:
    if row.state in LIVE:
        return Slot(
            state=SlotState.UNDER_WAY, at=row.reserved_at, missed=row.missed, missed_since=row.missed_since
        )
    if row.state in FAILED:
        since = row.carried_since or row.reserved_at
        lost = row.missed + row.carried + 1
        return Slot(state=SlotState.FREE, at=row.reserved_at, missed=lost, missed_since=since)
    at = row.finished_at or row.reserved_at  # a delivery that was forgotten was sent long ago
    return Slot(state=SlotState.SENT, at=at, missed=row.missed, missed_since=row.missed_since)


def reserve(conn: Connection, taken: "Iterable[tuple[str, str, Reservation]]", now: datetime) -> None:
    """Give slots to deliveries. Each is (meant for, taken in by, the slot)."""
    rows = [_row(meant, joined, reservation, now) for meant, joined, reservation in taken]
    if not rows:
        return
    statement = portable.insert(conn, slots)
    columns = ("delivery_id", "reserved_at", "missed", "missed_since", "carried", "carried_since")
    kept = {name: statement.excluded[name] for name in columns}
    upsert = statement.on_conflict_do_update(index_elements=["name"], set_=kept)
    conn.execute(upsert, sorted(rows, key=lambda row: str(row["name"])))


def _row(meant: str, joined: str, reservation: "Reservation", now: datetime) -> dict[str, Any]:
    """A delivery that is part of another one's message cannot tell what was missed; the next one does."""
    missed = {"missed": reservation.missed, "missed_since": reservation.missed_since}
    carried = {"carried": reservation.missed, "carried_since": reservation.missed_since}
    nothing = {"missed": 0, "missed_since": None, "carried": 0, "carried_since": None}
    told = carried if joined == meant else missed
    return {"name": key_of(reservation.slot), "delivery_id": joined, "reserved_at": now, **nothing, **told}


def miss(conn: Connection, names: Sequence[str], now: datetime) -> None:
    """One more message was kept back for each of these slots."""
    counted: Mapping[str, int] = {name: names.count(name) for name in sorted(set(names))}
    rows = [{"wanted": key_of(name), "more": more, "at": now} for name, more in counted.items()]
    if rows:
        conn.execute(_MISS, rows)


def hand_over(conn: Connection, failed: str, instead: str) -> None:
    """What stands in for a delivery that failed keeps its slots."""
    conn.execute(_HAND_OVER, {"failed": failed, "instead": instead})


def give_back(conn: Connection, delivery_ids: Sequence[str]) -> None:
    """What turned out to have nothing to tell uses nothing up."""
    if delivery_ids:
        conn.execute(_GIVE_BACK, {"ids": sorted(delivery_ids)})


_KNOWN = (
    select(slots, deliveries.c.state, deliveries.c.finished_at)
    .outerjoin(deliveries, deliveries.c.id == slots.c.delivery_id)
    .where(among(slots.c.name, "names"))
)
_MISS = (
    update(slots)
    .where(slots.c.name == bindparam("wanted"))
    .values(
        missed=slots.c.missed + bindparam("more", type_=Integer()),
        missed_since=func.coalesce(slots.c.missed_since, bindparam("at", type_=Moment())),
    )
)
_GIVE_BACK = delete(slots).where(among(slots.c.delivery_id, "ids"))
_HAND_OVER = (
    update(slots)
    .where(slots.c.delivery_id == bindparam("failed"))
    .values(delivery_id=bindparam("instead", type_=Text()))
)
