"""One webhook that goes the real way through the store, for its rows to be multiplied."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from benchmarks.filling import accept_batch
from benchmarks.webhooks import bodies
from relay import pipeline
from relay.ids import new_id
from relay.model import Answer, AttemptOutcome
from relay.pipeline import Relay
from relay.store import Claim, Finish, Planned, Store

SHUT = "a place that takes nothing"  # the destination of a backlog
FAR = timedelta(days=30)
LEASE_S = 600.0


class Mass(StrEnum):
    """What there is a great deal of."""

    YOUNG = "young"  # events that were delivered, no more than judging the next ones looks at
    HISTORY = "history"  # events that were delivered
    BACKLOG = "backlog"  # deliveries that are due, for a place that is paused
    TIMERS = "timers"  # deliveries that are due in a month, for the place that the measured ones go to

    @property
    def is_delivered(self) -> bool:
        return self in (Mass.YOUNG, Mass.HISTORY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """The ids of its rows, and the branch it is about."""

    event: str
    delivery: str
    branch: str


def lay(store: Store, relay: Relay, mass: Mass) -> Pattern:
    """Take one webhook as far as the mass wants it. The store must be empty."""
    accept_batch(store, tuple(bodies(1)))
    now, worker = datetime.now(UTC), new_id()
    with store.turn() as turn:
        (claim,) = turn.claim_plans(now, worker, LEASE_S, 1)
        event = pipeline.normalise(turn.load([claim]).events[claim.ref], relay)
        plan = _redirected(pipeline.plan(event, (), relay, now), mass, now)
        turn.record_plan(claim, plan, now)
    if mass.is_delivered:
        _deliver(store, now, worker)
    (delivery,) = plan.deliveries
    return Pattern(event=event.id, delivery=delivery.id, branch=event.branch or "")


def _redirected(plan: Planned, mass: Mass, now: datetime) -> Planned:
    (delivery,) = plan.deliveries
    if mass is Mass.BACKLOG:
        return replace(plan, deliveries=[replace(delivery, destination=SHUT)])
    if mass is Mass.TIMERS:
        return replace(plan, deliveries=[replace(delivery, due_at=now + FAR)])
    return plan


def _deliver(store: Store, now: datetime, worker: str) -> None:
    with store.turn() as turn:
        (claim,) = turn.claim(now, worker, LEASE_S, 1)
        turn.finish([_delivered(claim, now)])


def _delivered(claim: Claim, now: datetime) -> Finish:
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.DELIVERED,
        started_at=now,
        ended_at=now,
        answer=Answer(status=200, excerpt="ok"),
        title="build-and-test broke on main",
    )
