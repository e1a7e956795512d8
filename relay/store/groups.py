"""Groups that are still open: messages that wait for more events."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, literal_column, select

from relay.store.blobs import key_of
from relay.store.tables import deliveries, delivery_events


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenGroup:
    """A message that waits for more events, at most until `latest_at`; `events` are those it has."""

    delivery_id: str
    latest_at: datetime
    events: int


def open_group(conn: Connection, target: str, group_key: str, before: str) -> OpenGroup | None:
    """With the events that came before the one with this id."""
    query = (
        select(deliveries.c.id, deliveries.c.latest_at, func.count().label("number"))
        .join(delivery_events, delivery_events.c.delivery_id == deliveries.c.id)
        .where(
            deliveries.c.target == target,
            deliveries.c.group_key == key_of(group_key),
            literal_column("open"),
            deliveries.c.latest_at.is_not(None),
            delivery_events.c.event_id < before,
        )
        .group_by(deliveries.c.id, deliveries.c.latest_at)
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    latest_at = datetime.fromtimestamp(row.latest_at, UTC)
    return OpenGroup(delivery_id=row.id, latest_at=latest_at, events=row.number)
