"""Silences that people ask for: kept after they ended, so that a decision of then can be understood."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from relay.errors import UsageError
from relay.quieting import Silence, make_silence
from relay.store.blobs import clean, pack_json, unpack_json
from relay.store.ledger import find_id
from relay.store.tables import silences

SHORT_ID = 8  # characters of its end, by which messages call it


def add(
    conn: Connection,
    id: str,
    match: Mapping[str, Sequence[str]],
    now: datetime,
    until: datetime,
    who: str | None,
    why: str | None,
) -> None:
    row = {
        "id": id,
        "created_at": now,
        "until_at": until,
        "match": pack_json(match),
        "who": clean(who),
        "why": clean(why),
    }
    conn.execute(insert(silences), row)


def active(conn: Connection, now: datetime) -> tuple[Silence, ...]:
    """Those that hold at this time, the oldest first."""
    query = select(silences).where(
        silences.c.until_at > now,
        silences.c.created_at <= now,
        or_(silences.c.removed_at.is_(None), silences.c.removed_at > now),
    )
    return tuple(map(_silence, conn.execute(query.order_by(silences.c.id))))


def between(conn: Connection, start: datetime, end: datetime) -> tuple[tuple[Silence, datetime | None], ...]:
    """Those that held at some time between, the oldest first, and when each was taken back."""
    query = select(silences).where(silences.c.until_at > start, silences.c.created_at <= end)
    rows = conn.execute(query.order_by(silences.c.id))
    return tuple((_silence(row), row.removed_at) for row in rows)


def remove(conn: Connection, text: str, now: datetime) -> str:
    """End one, given by its id or a unique part of it; which it was. UsageError when it does not hold."""
    found = find_id(conn, silences, text)
    ended = (
        update(silences)
        .where(silences.c.id == found, silences.c.removed_at.is_(None), silences.c.until_at > now)
        .values(removed_at=now)
    )
    if found is None or not conn.execute(ended).rowcount:
        raise UsageError(f"there is no silence {text}; `relay silence list` shows those that hold")
    return found


def _silence(row: Row[Any]) -> Silence:
    return make_silence(
        unpack_json(row.match),
        name=row.id[-SHORT_ID:],
        id=row.id,
        starts_at=row.created_at,
        until=row.until_at,
        who=row.who,
        why=row.why,
    )
