"""What the store's tests are made of: webhooks, plans and results, named by what differs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from relay.ids import new_id
from relay.model import AttemptOutcome, EventKind, Generation, Outcome, Status
from relay.planning import NewDelivery
from relay.store import Arrival, Claim, Finish, Planned, Store, Turn
from tests.factories import NOON, make_event

SECOND = timedelta(seconds=1)
MINUTE_S = 60.0
WORKER = "worker-one"
OTHER = "worker-two"
KEY = "gh/acme/api | main | build-and-deploy"


def make_arrival(**overrides: Any) -> Arrival:
    ident = overrides.get("id") or new_id()
    fields: dict[str, Any] = {
        "id": ident,
        "dedupe_key": f"event:{ident}",
        "received_at": NOON,
        "kind": EventKind.WORKFLOW,
        "generation": Generation.MODERN,
        "type": "workflow-completed",
        "source_id": f"source-{ident}",
        "content_type": "application/json",
        "body": b'{"type": "workflow-completed"}',
    }
    return Arrival(**{**fields, **overrides})


def make_delivery(**overrides: Any) -> NewDelivery:
    fields: dict[str, Any] = {
        "id": new_id(),
        "target": "team-slack",
        "kind": "notify",
        "destination": "team-slack",
        "route": "trunk",
    }
    return NewDelivery(**{**fields, **overrides})


def make_outcome(**overrides: Any) -> Outcome:
    fields: dict[str, Any] = {
        "event_id": new_id(),
        "status": Status.FAILED,
        "number": 7812,
        "started_at": NOON,
        "commit": "a1b2c3d4",
        "run": "w-7812",
        "red": True,
        "finished_at": NOON,
    }
    return Outcome(**{**fields, **overrides})


def make_planned(event_id: str, *deliveries: NewDelivery, **overrides: Any) -> Planned:
    fields: dict[str, Any] = {
        "event": make_event(id=event_id),
        "state_key": KEY,
        "outcome": None,
        "deliveries": deliveries,
        "decision": {"trace": []},
        "config": "9f21c0d4",
    }
    return Planned(**{**fields, **overrides})


def done(claim: Claim, **overrides: Any) -> Finish:
    fields: dict[str, Any] = {
        "claim": claim,
        "outcome": AttemptOutcome.DELIVERED,
        "started_at": NOON,
        "ended_at": NOON,
    }
    return Finish(**{**fields, **overrides})


def failed(claim: Claim, again_at: datetime | None = None, **overrides: Any) -> Finish:
    fields: dict[str, Any] = {"outcome": AttemptOutcome.TEMPORARY, "error": "HTTP 503", "again_at": again_at}
    return done(claim, **{**fields, **overrides})


def accept_one(store: Store, **overrides: Any) -> str:
    arrival = make_arrival(**overrides)
    assert store.accept([arrival]) == (True,)
    return arrival.id


def claim_plans(turn: Turn, now: datetime = NOON, room: int = 100) -> tuple[Claim, ...]:
    return turn.claim_plans(now, WORKER, MINUTE_S, room)


def owe(store: Store, *deliveries: NewDelivery, now: datetime = NOON, **overrides: Any) -> str:
    """Accept one event and plan these deliveries for it."""
    event_id = accept_one(store)
    with store.turn() as turn:
        (held,) = (claim for claim in claim_plans(turn, now) if claim.ref == event_id)
        assert turn.record_plan(held, make_planned(event_id, *deliveries, **overrides), now) is True
    return event_id


def claim(store: Store, now: datetime = NOON, worker: str = WORKER, **options: Any) -> tuple[Claim, ...]:
    """As a worker does with a beat: what was leased beyond its time comes back first."""
    with store.turn() as turn:
        turn.take_over(now)
        return turn.claim(now, worker, MINUTE_S, options.pop("room", 100), **options)


def finish(store: Store, *ended: Finish) -> tuple[Finish, ...]:
    with store.turn() as turn:
        return turn.finish(ended)


def refs(claims: Sequence[Claim]) -> list[str]:
    return [held.ref for held in claims]
