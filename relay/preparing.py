"""Between claiming an event and planning it: what the relay itself knows of it, and what CircleCI does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from relay import changes
from relay.changes import RESULTS
from relay.enriching import FAILED_ONLY, PROBLEM
from relay.model import Event, Generation, Outcome
from relay.pipeline import Relay
from relay.retrying import fetched_for
from relay.runs import Run, RunKind, keys_of
from relay.secret import Masker
from relay.store import Store

BROKE_DOWN = "details could not be had"

log = structlog.get_logger()


def recognised(events: Sequence[Event], relay: Relay, store: Store) -> tuple[Event, ...]:
    """The events, those of runs that an action started with a note about it. Raises StoreError."""
    if not relay.recognises_runs:
        return tuple(events)
    keys = {event.id: keys_of(event) for event in events if event.kind in RESULTS}
    runs = store.runs.started(key for each in keys.values() for key in each)
    return tuple(_recognised(event, keys.get(event.id, ()), runs) for event in events)


def _recognised(event: Event, keys: Sequence[str], runs: Mapping[str, Run]) -> Event:
    run = next((runs[key] for key in keys if key in runs), None)
    return event if run is None else replace(event, notes={**event.notes, "run": _note(run)})


def _note(run: Run) -> dict[str, Any]:
    """What templates find below `notes.run`."""
    verb = "run again" if run.kind is RunKind.RETRY else "started"
    return {
        "action": run.action,
        "kind": run.kind.value,
        "root": run.root,
        "of": run.origin,
        "requested_at": run.requested_at.isoformat(),
        "text": f"{verb} by {run.action}",
    }


def may_be_enriched(event: Event, relay: Relay) -> bool:
    """Whether CircleCI may have to be asked about it; the quick part of the answer."""
    if relay.needs is None or relay.enricher is None or event.kind not in RESULTS:
        return False
    wanted = relay.needs.anything | fetched_for(relay.retry)
    return bool(_sensible(wanted, event)) and event.generation is not Generation.LOOKALIKE


def enriched(event: Event, relay: Relay, history: Callable[[], Sequence[Outcome]], seconds: float) -> Event:
    """With the fetched fields that a rule or template needs if it applies. Never raises.

    Whether one applies hangs on the change, so the event is judged here too, by what is known now.
    """
    try:
        notes = _fetched(event, relay, history, seconds)
    except Exception:  # a poorer message is better than none
        log.exception("an event could not be enriched", event_id=event.id)
        return poorer(event)
    return replace(event, notes={**event.notes, **notes}) if notes else event


def poorer(event: Event) -> Event:
    """The event as it goes on when asking took too long."""
    return replace(event, notes={**event.notes, PROBLEM: BROKE_DOWN})


def _fetched(
    event: Event, relay: Relay, history: Callable[[], Sequence[Outcome]], seconds: float
) -> dict[str, Any]:
    if relay.needs is None or relay.enricher is None:
        return {}
    judged = changes.judge(event, history(), relay.config.defaults.state.ignore_status).event
    wanted = _sensible(relay.needs.of(judged) | fetched_for(relay.retry), event)
    notes: dict[str, Any] = _masked(relay.enricher.fetch(judged, wanted, seconds), relay.config.masker)
    return notes


def _sensible(wanted: frozenset[str], event: Event) -> frozenset[str]:
    """What passed has no failed jobs."""
    return wanted if event.status.is_bad else wanted - FAILED_ONLY


def _masked(value: Any, mask: Masker) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(inner, mask) for key, inner in value.items()}
    return [_masked(inner, mask) for inner in value] if isinstance(value, list) else value
