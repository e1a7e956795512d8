"""What of a held message is still news when it goes out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from relay.model import Change, Event, EventKind

_TURNED_BAD = frozenset({Change.BROKE, Change.FIRST_FAILURE})
_TURNED_GOOD = frozenset({Change.FIXED, Change.PASSED_ON_RETRY})


def worth_telling(
    events: Sequence[Event], state_keys: Mapping[str, str], green: Collection[str]
) -> tuple[Event, ...]:
    """What of a held message is still news: no failures that were fixed meanwhile, nor that they were fixed,
    when nobody had been told of them. `state_keys` are by the events' ids, `green` those that pass now."""
    fixed = {event.id for event in events if event.status.is_bad and state_keys.get(event.id) in green}
    untold = {state_keys[event.id] for event in events if event.id in fixed and event.change in _TURNED_BAD}
    good = {event.id for event in events if event.change in _TURNED_GOOD}
    stale = fixed | {id for id in good if state_keys.get(id) in untold}
    return _newest_attempts([event for event in events if event.id not in stale])


def _newest_attempts(events: Sequence[Event]) -> tuple[Event, ...]:
    """Of several failed attempts of one run the last, with the change of the first: that is what is news."""
    failed = [event for event in events if event.status.is_bad]
    first = {_run_of(event): event for event in reversed(failed)}
    last = {_run_of(event): event.id for event in failed}
    return tuple(
        _as_first(event, first[_run_of(event)]) if event.status.is_bad else event
        for event in events
        if not event.status.is_bad or last[_run_of(event)] == event.id
    )


def _as_first(event: Event, first: Event) -> Event:
    return replace(event, change=first.change, previous=first.previous)


def _run_of(event: Event) -> tuple[str | None, ...]:
    """What attempts of a run share: its pipeline, or what was run again first."""
    root = event.pipeline.id or _root_of(event) or event.id
    return (root, event.workflow.name, event.job.name)


def _root_of(event: Event) -> str | None:
    """Written as `relay.runs` writes it."""
    run, first = event.notes.get("run"), event.build.retry_of or event.number
    if isinstance(run, Mapping) and run.get("kind") == "retry":
        return str(run.get("root"))
    if event.workflow.id is not None or event.kind is not EventKind.BUILD:
        return event.workflow.id
    return f"{event.project.slug}#{first}" if first else None
