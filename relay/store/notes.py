"""Adding to an event's notes after it was planned: what an action found out, for messages still to come."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, LargeBinary, bindparam, select, update

from relay.store.blobs import pack_json, unpack_event
from relay.store.engine import writing
from relay.store.tables import events


def add(engine: Engine, event_id: str, notes: Mapping[str, Any]) -> None:
    """Adds to the notes, or replaces those of the same name; mappings are merged. An event that is gone
    stays so."""
    with writing(engine) as conn:
        row = conn.execute(_LOCK, {"wanted": event_id}).one_or_none()
        if row is None or row.facts is None:
            return
        event = unpack_event(row.facts)
        facts = pack_json(replace(event, notes=merged(event.notes, notes)))
        conn.execute(_UPDATE, {"wanted": event_id, "new_facts": facts})


def merged(notes: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both together; the values of a name that is in both are merged when they are mappings."""
    together = dict(notes)
    for name, value in more.items():
        known = together.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        together[name] = {**known, **value} if both and known else value
    return together


_LOCK = select(events.c.facts).where(events.c.id == bindparam("wanted")).with_for_update()
_UPDATE = (
    update(events)
    .where(events.c.id == bindparam("wanted"))
    .values(facts=bindparam("new_facts", type_=LargeBinary()))
)
