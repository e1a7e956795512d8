"""Repeats: webhooks that were stored already when they came, counted beside their events.

They have a table of their own because a row of `events` is busy while its event is planned, and taking in
webhooks must not wait for that.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from relay.store import portable
from relay.store.portable import among
from relay.store.tables import events, repeats


def count(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """One more of each of these rows of `events`. Sorted by key, so that batches do not deadlock."""
    if not rows:
        return
    statement = portable.insert(conn, repeats)
    more = {"times": repeats.c.times + statement.excluded.times, "last_at": statement.excluded.last_at}
    upsert = statement.on_conflict_do_update(index_elements=["dedupe_key"], set_=more)
    conn.execute(upsert, sorted(map(_row, rows), key=lambda row: str(row["dedupe_key"])))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dedupe_key": row["dedupe_key"],
        "times": 1,
        "last_at": datetime.fromtimestamp(row["received_at"], UTC),
    }


def forget(conn: Connection, event_ids: Collection[str]) -> None:
    """Those of events that are forgotten."""
    keys = conn.execute(_OF_EVENTS, {"ids": list(event_ids)}).scalars().all()
    if keys:
        conn.execute(_FORGET, {"keys": keys})


_OF_EVENTS = (
    select(repeats.c.dedupe_key)
    .join(events, events.c.dedupe_key == repeats.c.dedupe_key)
    .where(among(events.c.id, "ids"))
    .order_by(repeats.c.dedupe_key)
    .with_for_update(of=repeats)
)
_FORGET = delete(repeats).where(among(repeats.c.dedupe_key, "keys"))
