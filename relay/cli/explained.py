"""What would happen to one webhook, worked out without writing anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from relay import changes, payloads, pipeline
from relay.fields import is_fetched
from relay.judging import Known
from relay.model import Event, EventKind, Generation, Outcome, Status
from relay.pipeline import Decided, Relay
from relay.policy import Memory
from relay.quieting import Facts, Slot, SlotState, Wanted
from relay.routing import TraceLine
from relay.store import EventFilter, EventRow, OpenGroup, Store, StoredEvent

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
    groups: Mapping[str, OpenGroup] = field(
        default_factory=dict
    )  # by delivery, the open one that it would join
    received: EventRow | None = None  # the same webhook, when it is in the ledger


def explain(hook: StoredEvent, store: Store | None, past: Past, relay: Relay, now: datetime) -> Explained:
    """Raises PayloadError. With a store, its history counts; else `past` does."""
    event = _with_fetched(pipeline.normalise(hook, relay), store)
    if store is not None and event.kind in changes.RESULTS:
        key = pipeline.key_of(event, relay)
        known = [outcome for outcome in store.history(key) if outcome.event_id < hook.id]
        ignored = _ignored(store, EventFilter(project=event.project.slug), key, hook.id, relay)
        past = Past(outcomes=(*known, *ignored))
    look_up = partial(_facts, store, hook.id, now) if store else pipeline.know_nothing
    judged_by = _known(store, event, relay, now) if store else {}
    decided = pipeline.decide(event, past.outcomes, relay, now, look_up, judged_by)
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
        groups=_groups(store, decided, hook.id) if store else {},
        received=_received(store, hook) if store else None,
    )


def _known(store: Store, event: Event, relay: Relay, now: datetime) -> Mapping[str, Known]:
    """What judging it needs, as far as that came before the event."""
    found = pipeline.known_of(store, [event], relay, now)
    return {
        name: replace(known, memory=_before(known.memory, event.id, now)) for name, known in found.items()
    }


def _before(memory: Memory, event_id: str, now: datetime) -> Memory:
    runs = {key: tuple(run for run in found if run.event_id < event_id) for key, found in memory.runs.items()}
    return replace(memory, runs=runs, retries=tuple(each for each in memory.retries if each.ended_at <= now))


def _with_fetched(event: Event, store: Store | None) -> Event:
    """With what was fetched about it when it was planned: to explain asks nobody."""
    detail = store.event(event.id) if store else None
    known = detail.event.notes if detail and detail.event else {}
    return replace(event, notes={**event.notes, **{name: known[name] for name in known if is_fetched(name)}})


def _received(store: Store, hook: StoredEvent) -> EventRow | None:
    if hook.generation is Generation.OURS:
        return None
    return store.received(payloads.peek(hook.body, hook.content_type).dedupe_key)


def _groups(store: Store, decided: Decided, before: str) -> dict[str, OpenGroup]:
    keys = {each.id: (each.target, each.group_key) for each in decided.deliveries if each.group_key}
    found = {id: store.open_group(target, key, before) for id, (target, key) in keys.items() if key}
    return {id: group for id, group in found.items() if group}


def _facts(store: Store, before: str, now: datetime, wanted: Wanted) -> Facts:
    """As far as they were so at `now`, with the results that came before the event of this id."""
    told = {name: _as_of(slot, now) for name, slot in store.told(wanted.told).items()}
    reserved = {name: slot for name, slot in store.slots(wanted.slots).items() if slot.at <= now}
    histories = {
        key: tuple(each for each in store.history(key) if each.event_id < before) for key in wanted.states
    }
    return Facts(
        silences=store.silences(now),
        slots={**told, **reserved},
        histories=histories,
        waiting=store.waiting(wanted.waiting, now) if wanted.waiting else {},
        unsaid=store.unsaid(wanted.unsaid, now) if wanted.unsaid else frozenset(),
        spent=store.spent(wanted, now),
    )


def _as_of(slot: Slot, now: datetime) -> Slot:
    """Only events that came before are asked about, so what was sent later was under way."""
    return slot if slot.at <= now else Slot(state=SlotState.UNDER_WAY, at=now)


def _ignored(store: Store, wanted: EventFilter, key: str, before: str, relay: Relay) -> tuple[Outcome, ...]:
    """Results that say nothing; the history does not keep them, the list of events does."""
    silent = {*relay.config.defaults.state.ignore_status, Status.UNKNOWN}
    rows = store.events(limit=LOOKED_AT, before=before, wanted=wanted)
    found = (store.event(row.id) for row in rows if row.state_key == key and row.status in silent)
    judged = (detail.event for detail in found if detail and detail.event)
    outcomes = (changes.judge(event, (), ()).outcome for event in judged)
    return tuple(replace(outcome, red=None) for outcome in outcomes if outcome is not None)
