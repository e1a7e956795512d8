"""What would happen to one webhook, worked out without writing anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from relay import changes, pipeline
from relay.model import EventKind, Outcome, Status
from relay.pipeline import Decided, Relay
from relay.quieting import Facts, Wanted
from relay.routing import TraceLine
from relay.store import EventFilter, Store, StoredEvent

LOOKED_AT = 200  # newest events of the project, among which ignored results are found


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """Earlier outcomes of the event's state key, ignored ones included; `missing` says why there are none."""

    outcomes: tuple[Outcome, ...] = ()
    missing: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """A decision with the reasons of all routes, at an instant."""

    decided: Decided
    trace: tuple[TraceLine, ...]
    relay: Relay
    now: datetime
    past: Past
    cards: Mapping[str, bool] = field(default_factory=dict)  # by lane, whether its conversation has a message


def explain(hook: StoredEvent, store: Store | None, past: Past, relay: Relay, now: datetime) -> Explained:
    """Raises PayloadError. With a store, its history counts; else `past` does."""
    event = pipeline.normalise(hook, relay)
    if store is not None and event.kind in changes.RESULTS:
        key = pipeline.key_of(event, relay)
        known = [outcome for outcome in store.history(key) if outcome.event_id < hook.id]
        ignored = _ignored(store, EventFilter(project=event.project.slug), key, hook.id, relay)
        past = Past(outcomes=(*known, *ignored))
    look_up = partial(_facts, store, now) if store else pipeline.know_nothing
    decided = pipeline.decide(event, past.outcomes, relay, now, look_up)
    if event.kind is EventKind.PING:
        decided = replace(decided, deliveries=(), quiet=())
    lanes = [delivery.lane for delivery in decided.deliveries if delivery.lane]
    return Explained(
        decided=decided,
        trace=relay.router.explain(decided.event),
        relay=relay,
        now=now,
        past=past,
        cards={lane: store.has_card(lane) for lane in lanes} if store else {},
    )


def _facts(store: Store, now: datetime, wanted: Wanted) -> Facts:
    """As far as they were so at `now`: what happened to a slot since is not asked for."""
    known = {name: slot for name, slot in store.slots(wanted.slots).items() if slot.at <= now}
    return Facts(silences=store.silences(now), slots=known, spent=store.spent(wanted, now))


def _ignored(store: Store, wanted: EventFilter, key: str, before: str, relay: Relay) -> tuple[Outcome, ...]:
    """Results that say nothing; the history does not keep them, the list of events does."""
    silent = {*relay.config.defaults.state.ignore_status, Status.UNKNOWN}
    rows = store.events(limit=LOOKED_AT, before=before, wanted=wanted)
    found = (store.event(row.id) for row in rows if row.state_key == key and row.status in silent)
    judged = (detail.event for detail in found if detail and detail.event)
    outcomes = (changes.judge(event, (), ()).outcome for event in judged)
    return tuple(replace(outcome, red=None) for outcome in outcomes if outcome is not None)
