"""Slots: which delivery stands for all messages of a key, so that no second one is sent in its time.

A slot is reserved in the transaction that records its delivery. It is worth what its delivery is: under way
while that waits, sent when that was delivered, free again when that failed for good. So a message that
failed uses nothing up, and nothing has to be written when one was sent.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    bindparam,
    delete,
    func,
    literal_column,
    not_,
    select,
    update,
)

from relay.model import DeliveryState
from relay.quieting import Control, Slot, SlotState
from relay.store import portable
from relay.store.blobs import key_of
from relay.store.portable import among, lock_names
from relay.store.tables import Moment, deliveries, slots

if TYPE_CHECKING:
    from relay.planning import Reservation

_BEGINNINGS = tuple(f'["{control}",' for control in Control)
_FOR_EVER = f'["{Control.ONCE_PER}",'  # how the names of slots that hold for ever begin
LIVE = (DeliveryState.OPEN, DeliveryState.WAITING)
FAILED = (DeliveryState.DEAD, DeliveryState.UNKNOWN)


def known(conn: Connection, names: Collection[str], *, hold: bool = True) -> dict[str, Slot]:
    """Those of these slots that were ever reserved. Holds all of them until the transaction ends.

    Ask for all slots of a turn at once: then two workers never wait for each other in a circle.
    """
    if not names:
        return {}
    stored = {stored_name(name): name for name in names}
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
    return {
        "name": stored_name(reservation.slot),
        "delivery_id": joined,
        "reserved_at": now,
        **nothing,
        **told,
    }


def miss(conn: Connection, names: Sequence[str], now: datetime) -> None:
    """One more message was kept back for each of these slots."""
    counted: Mapping[str, int] = {name: names.count(name) for name in sorted(set(names))}
    rows = [{"wanted": stored_name(name), "more": more, "at": now} for name, more in counted.items()]
    if rows:
        conn.execute(_MISS, rows)


def _with_state(states: Collection[DeliveryState]) -> Select[Any]:
    """The delivery of a slot, if it is in one of these states."""
    values: list[ColumnElement[str]] = [literal_column(f"'{state.value}'") for state in states]
    return select(deliveries.c.id).where(
        deliveries.c.id == slots.c.delivery_id, deliveries.c.state.in_(values)
    )


def stored_name(name: str) -> str:
    """Fit to be a key; one that is shortened still tells its control."""
    key = key_of(name)
    control = next((each for each in _BEGINNINGS if name.startswith(each)), "")
    return key if key == name else f"{control}{key}"


def hand_over(conn: Connection, failed: str, instead: str) -> None:
    """What stands in for a delivery that failed keeps its slots."""
    conn.execute(_HAND_OVER, {"failed": failed, "instead": instead})


def give_back(conn: Connection, delivery_ids: Sequence[str]) -> None:
    """What turned out to have nothing to tell uses nothing up."""
    if delivery_ids:
        conn.execute(_GIVE_BACK, {"ids": sorted(delivery_ids)})


def forget(conn: Connection, older_than: datetime) -> None:
    """Those that are too old to keep anything back. A key of `once_per` is never, nor what is under way."""
    conn.execute(_FORGET, {"older_than": older_than})


def forget_failed(conn: Connection, delivery_ids: Collection[str]) -> None:
    """Those of deliveries that are forgotten and were never sent; without them they would count as sent."""
    conn.execute(_FORGET_FAILED, {"ids": list(delivery_ids)})


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
_FORGET = delete(slots).where(
    slots.c.reserved_at < bindparam("older_than", type_=Moment()),
    not_(slots.c.name.startswith(_FOR_EVER, autoescape=True)),
    not_(_with_state(LIVE).exists()),
)
_FORGET_FAILED = delete(slots).where(among(slots.c.delivery_id, "ids"), _with_state(FAILED).exists())
_HAND_OVER = (
    update(slots)
    .where(slots.c.delivery_id == bindparam("failed"))
    .values(delivery_id=bindparam("instead", type_=Text()))
)
