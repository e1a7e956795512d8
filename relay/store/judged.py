"""Events as they were judged, newest first, for looking at many: a page at a time, nothing else read."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from relay.model import Event
from relay.store.blobs import unpack_event
from relay.store.tables import events


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """An event that was planned."""

    id: str
    received_at: datetime
    event: Event


def page(conn: Connection, limit: int, before: str | None) -> tuple[Judged, ...]:
    query = select(events.c.id, events.c.received_at, events.c.facts).where(events.c.facts.is_not(None))
    if before is not None:
        query = query.where(events.c.id < before)
    rows = conn.execute(query.order_by(events.c.id.desc()).limit(limit))
    return tuple(
        Judged(id=row.id, received_at=row.received_at, event=unpack_event(row.facts)) for row in rows
    )
