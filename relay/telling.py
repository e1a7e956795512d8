"""Stores a notice as an event, to be planned and delivered like any other."""

from datetime import datetime

from relay.ids import new_id
from relay.model import EventKind, Generation
from relay.notices import CONTENT_TYPE, Notice, body_of
from relay.store import Arrival, Mark, Store


def tell(store: Store, notice: Notice, now: datetime, mark: Mark | None = None) -> bool:
    """False when it was told already, or the mark has changed meanwhile. Raises StoreError."""
    arrival = Arrival(
        id=new_id(),
        dedupe_key=f"relay:{notice.key}",
        received_at=now,
        kind=EventKind.RELAY,
        generation=Generation.OURS,
        type=notice.what,
        content_type=CONTENT_TYPE,
        body=body_of(notice),
    )
    return store.signs.tell(arrival, mark)
