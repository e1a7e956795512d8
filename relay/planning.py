"""From decisions to deliveries: one for each target that the routes of an event reach.

A target reached by several routes with the same message key gets one delivery: the first route's settings
win, the others are listed. The message key is the setting `key`, empty unless a route sets it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from relay import durations, fields
from relay.errors import UsageError
from relay.ids import new_id
from relay.model import Event
from relay.routing import Decision, Resolution, Result, TraceLine

MAX_WAIT_FACTOR = 5  # a group waits at most this many times its `wait`, unless it says `max_wait`
KEY_LIMIT = 400  # characters; longer keys end in a digest, because databases index them
NEAREST_KEPT = 20  # lines a decision record keeps for routes that did not fire


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetSpec:
    """A wired notifier or action. lane_by is the field that tells its conversations apart, if any."""

    name: str
    kind: str  # "notify" | "act"
    destination: str
    lane_by: str | None = None
    delay: float = 0.0  # seconds an action waits before it is done


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """A delivery to record. Without due_at it is due now; with a group_key it may join an open one."""

    id: str
    target: str
    kind: str
    destination: str
    lane: str | None = None
    group_key: str | None = None
    due_at: datetime | None = None
    latest_at: datetime | None = None
    route: str
    also: tuple[str, ...] = ()  # other routes that reached it
    mention: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def plan(
    event: Event,
    resolution: Resolution,
    targets: Mapping[str, TargetSpec],
    now: datetime,
    *,
    unmatched: Decision | None = None,
    make_id: Callable[[], str] = new_id,
) -> tuple[NewDelivery, ...]:
    """Deliveries in the order in which the routes reach their targets.

    `unmatched` is what to do for an event that no route wants. UsageError for a target that does not exist.
    """
    decisions = resolution.decisions or ((unmatched,) if unmatched else ())
    reached: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        for name in (*decision.notify, *decision.act):
            reached.setdefault((name, str(decision.settings.get("key", ""))), []).append(decision)
    return tuple(
        _delivery(make_id(), event, _target(name, by, targets), by, now) for (name, _), by in reached.items()
    )


def _target(name: str, by: list[Decision], targets: Mapping[str, TargetSpec]) -> TargetSpec:
    if name not in targets:
        raise UsageError(f"route {by[0].route}: no notifier or action is called {name}")
    return targets[name]


def _delivery(
    id: str,
    event: Event,
    target: TargetSpec,
    by: list[Decision],
    now: datetime,
) -> NewDelivery:
    first = by[0]
    key, due_at, latest_at = _grouping(event, target, first, now)
    return NewDelivery(
        id=id,
        target=target.name,
        kind=target.kind,
        destination=target.destination,
        lane=_lane(event, target),
        group_key=key,
        due_at=due_at,
        latest_at=latest_at,
        route=first.route,
        also=tuple(dict.fromkeys(d.route for d in by if d.route != first.route)),
        mention=first.mention,
        settings=first.settings,
    )


def _lane(event: Event, target: TargetSpec) -> str | None:
    """Names the target too: conversations of different targets never wait for each other."""
    value = fields.lookup(event, target.lane_by) if target.lane_by else None
    return None if value is None else _key([target.name, value])


def _grouping(
    event: Event, target: TargetSpec, decision: Decision, now: datetime
) -> tuple[str | None, datetime | None, datetime | None]:
    """(group key, due, at the latest) of a message; actions are never grouped."""
    group = decision.settings.get("group")
    if not group or target.kind != "notify":
        return None, now + timedelta(seconds=target.delay) if target.delay else None, None
    wait = _seconds(group.get("wait", 0))
    longest = _seconds(group.get("max_wait", wait * MAX_WAIT_FACTOR))
    values = [[name, fields.lookup(event, name)] for name in group.get("by", ())]
    return (
        _key([target.name, *values]),
        now + timedelta(seconds=wait),
        now + timedelta(seconds=max(wait, longest)),
    )


def _seconds(value: object) -> float:
    return durations.parse(str(value)) if not isinstance(value, (int, float)) else float(value)


def _key(parts: Iterable[object]) -> str:
    """Stable text without control characters, short enough to index."""
    text = json.dumps(list(parts), default=str, sort_keys=True, separators=(",", ":"))
    return text if len(text) <= KEY_LIMIT else f"{text[:KEY_LIMIT]}…{sha256(text.encode()).hexdigest()}"


def decision_record(resolution: Resolution, deliveries: Iterable[NewDelivery]) -> dict[str, Any]:
    """What was decided for an event and why, as JSON: kept with it and shown on its page."""
    return {
        "decisions": [asdict(decision) for decision in resolution.decisions],
        "trace": [_line_record(line) for line in _worth_keeping(resolution.trace)],
        "deliveries": [_delivery_record(delivery) for delivery in deliveries],
    }


def _worth_keeping(trace: Iterable[TraceLine]) -> list[TraceLine]:
    """All lines of routes that did something, and the nearest misses."""
    lines = list(trace)
    misses = [at for at, line in enumerate(lines) if line.result is Result.NO]
    near = sorted(misses, key=lambda at: lines[at].wanted - lines[at].passed)[:NEAREST_KEPT]
    dropped = {*misses}.difference(near)
    return [line for at, line in enumerate(lines) if at not in dropped]


def _line_record(line: TraceLine) -> list[Any]:
    return [line.route, line.depth, line.result.value, line.because, line.passed, line.wanted]


def _delivery_record(delivery: NewDelivery) -> dict[str, Any]:
    times = {name: _as_text(getattr(delivery, name)) for name in ("due_at", "latest_at")}
    return {name: value for name, value in {**asdict(delivery), **times}.items() if value is not None}


def _as_text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def read_record(record: Mapping[str, Any]) -> tuple[Resolution, tuple[NewDelivery, ...]]:
    """The record, read back."""
    trace = tuple(map(_read_line, record["trace"]))
    resolution = Resolution(
        decisions=tuple(Decision(**_with_tuples(decision)) for decision in record["decisions"]),
        trace=trace,
        errors=tuple(line for line in trace if line.result is Result.ERROR),
    )
    return resolution, tuple(map(_read_delivery, record["deliveries"]))


def _read_line(record: list[Any]) -> TraceLine:
    route, depth, result, because, passed, wanted = record
    return TraceLine(
        route=route, depth=depth, result=Result(result), because=because, passed=passed, wanted=wanted
    )


def _read_delivery(record: Mapping[str, Any]) -> NewDelivery:
    times = {name: datetime.fromisoformat(record[name]) for name in ("due_at", "latest_at") if name in record}
    return NewDelivery(**{**_with_tuples(record), **times})


def _with_tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) and name != "settings" else value
        for name, value in record.items()
    }
