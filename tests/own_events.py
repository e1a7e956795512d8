"""Histories for the tests of the relay's own events: stored as they would have been at the time."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from relay.ids import id_at, new_id
from relay.model import Event, EventKind, Generation, Status, Workflow
from relay.notices import What, event_of
from relay.store import Store
from tests.factories import make_event, make_project
from tests.store.parts import claim_plans, make_arrival, make_planned

SLUG = "gh/acme/api"


def id_of(at: datetime) -> str:
    """An id as it is made at that time."""
    return id_at(at.timestamp())[:10] + new_id()[10:]


def finished(store: Store, *times: datetime, **overrides: Any) -> None:
    """Runs that finished and were told at these times."""
    fields: dict[str, Any] = {"project": make_project(slug=SLUG), "workflow": Workflow(name="nightly")}
    record(
        store,
        [
            make_event(**{**fields, "finished_at": at, "received_at": at, "id": id_of(at), **overrides})
            for at in times
        ],
    )


def record(store: Store, events: Sequence[Event]) -> None:
    store.accept(
        [
            make_arrival(
                id=event.id, received_at=event.received_at, kind=event.kind, generation=event.generation
            )
            for event in events
        ]
    )
    known = {event.id: event for event in events}
    with store.turn() as turn:
        held = [claim for claim in claim_plans(turn, room=1000) if claim.ref in known]
        turn.record_plans(
            [(claim, make_planned(claim.ref, event=known[claim.ref])) for claim in held], store.now()
        )


def told(store: Store) -> list[Event]:
    """The relay's own events, the oldest first."""
    rows = [row for row in store.events(limit=1000) if row.type in set(What)]
    details = [store.event(row.id) for row in reversed(rows)]
    return [
        event_of(detail.body, id=detail.row.id, received_at=detail.row.received_at)
        for detail in details
        if detail
    ]


def texts(store: Store) -> list[str]:
    return [str(event.notes["text"]) for event in told(store)]


def make_notice_event(**notes: Any) -> Event:
    """As planning sees one."""
    fields = {
        "what": "run_missing",
        "level": "bad",
        "text": "misses nightly",
        "about": "nightly",
        "avoid": [],
    }
    return make_event(
        kind=EventKind.RELAY,
        generation=Generation.OURS,
        status=Status.UNKNOWN,
        notes=json.loads(json.dumps({**fields, **notes})),
    )
