"""Lanes: of the rows of one conversation only the oldest may go, the others wait blocked."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, literal_column, select, update

from relay.store.portable import among, lock_names
from relay.store.tables import IS_BLOCKED, WorkState, work


def settle(conn: Connection, ended: Iterable[str], rows: Sequence[dict[str, Any]]) -> None:
    """Let the next row of each ended lane go, and put new rows behind the live ones of theirs.

    A lane is locked by name from here to the end of the transaction: without that, PostgreSQL would let
    one transaction end a lane's last row while another, not seeing this, waits behind it for ever.
    """
    freed = set(ended)
    lanes = freed | {row["lane"] for row in rows if row["lane"] is not None}
    lock_names(conn, (f"lane {lane}" for lane in lanes))
    if freed:
        conn.execute(_FREE, {"lanes": sorted(freed)})
    if rows:
        conn.execute(insert(work), _placed(conn, rows))


def _placed(conn: Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    lanes = {row["lane"] for row in rows if row["lane"] is not None}
    taken = set(conn.execute(_LIVE, {"lanes": sorted(lanes)}).scalars()) if lanes else set()
    placed = []
    for row in rows:
        state = WorkState.BLOCKED if row["lane"] in taken else WorkState.READY
        placed.append(row | {"state": state.value})
        if row["lane"] is not None:
            taken.add(row["lane"])
    return placed


_LIVE = select(work.c.lane).where(among(work.c.lane, "lanes")).distinct()
_OLDEST = select(func.min(work.c.id)).where(among(work.c.lane, "lanes")).group_by(work.c.lane)
_FREE = update(work).where(IS_BLOCKED, work.c.id.in_(_OLDEST)).values(state=literal_column("'ready'"))
