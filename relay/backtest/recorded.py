"""What the record of a decision tells of the circumstances in which it was made."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay import planning
from relay.planning import NewDelivery
from relay.store import PastEvent

ADDED_LATER = frozenset({"actions"})  # notes that are never there when an event is planned


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """When an event was planned, its place among those planned together, and what was known then.

    silences, notes: None when an older release did not write it down.
    """

    at: datetime
    place: int = 0
    silences: tuple[str, ...] | None = None  # ids of those that people had asked for
    missed: tuple[str, ...] = ()  # slots for which a message was kept back
    notes: Collection[str] | None = None  # names


def circumstances_of(past: PastEvent) -> Circumstances:
    record = past.decision.get("planned")
    if record is None:
        return Circumstances(at=past.hook.received_at)
    return Circumstances(
        at=datetime.fromisoformat(record["at"]),
        place=record["place"],
        silences=tuple(record.get("silences", ())),
        missed=tuple(record.get("missed", ())),
        notes=record.get("notes", ()),
    )


def notes_of(past: PastEvent) -> Mapping[str, Any]:
    """The notes that the event had when it was planned."""
    names = circumstances_of(past).notes
    return {
        name: note
        for name, note in past.event.notes.items()
        if (name in names if names is not None else name not in ADDED_LATER)
    }


def deliveries_of(decision: Mapping[str, Any]) -> tuple[NewDelivery, ...]:
    return planning.read_record(decision)[1] if decision else ()
