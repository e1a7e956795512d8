"""Who was told of an event: what keeps a result that comes again from being told again."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, literal_column, select

from relay.model import Event
from relay.planning import INSTEAD_OF, SHADOW
from relay.quieting import NOTIFY, Slot, SlotState, told_slot
from relay.store.blobs import unpack_json
from relay.store.loads import load_judged
from relay.store.portable import among
from relay.store.slots import FAILED, LIVE
from relay.store.tables import deliveries, delivery_events


def known(conn: Connection, event_ids: Collection[str]) -> dict[str, Slot]:
    """By the slots of the events' results, those that a message stands for: it is under way or was sent.

    One that failed for good is left out; one in its place counts for both targets.
    """
    if not event_ids:
        return {}
    rows = conn.execute(_MESSAGES, {"ids": sorted(event_ids)}).all()
    judged = load_judged(conn, {row.event_id for row in rows})
    named = [(name, _slot(row)) for row in rows for name in _names(row, judged[row.event_id])]
    return dict(sorted(named, key=lambda each: (each[1].state is SlotState.SENT, each[1].at)))


def _names(row: Any, event: Event) -> Iterator[str]:
    terms = unpack_json(row.terms)
    is_shadow = bool(terms["settings"].get(SHADOW))
    for target in (row.target, *terms["settings"].get(INSTEAD_OF, ())):
        name = told_slot(event, target, terms.get("direct"), is_shadow=is_shadow)
        if name is not None:
            yield name


def _slot(row: Any) -> Slot:
    if row.state in LIVE:
        return Slot(state=SlotState.UNDER_WAY, at=row.created_at)
    return Slot(state=SlotState.SENT, at=row.finished_at or row.created_at)


_MESSAGES = (
    select(
        delivery_events.c.event_id,
        deliveries.c.target,
        deliveries.c.state,
        deliveries.c.terms,
        deliveries.c.created_at,
        deliveries.c.finished_at,
    )
    .join(deliveries, deliveries.c.id == delivery_events.c.delivery_id)
    .where(
        among(delivery_events.c.event_id, "ids"),
        deliveries.c.kind == literal_column(f"'{NOTIFY}'"),
        deliveries.c.state.not_in([literal_column(f"'{state.value}'") for state in FAILED]),
    )
)
