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

from relay import cards, durations, fields
from relay.errors import UsageError
from relay.ids import new_id
from relay.model import Conversation, Event
from relay.people import AUTHOR
from relay.routing import Decision, Resolution, Result, TraceLine

DIRECT = "dm:"  # before a name under `people`, or `author`: a message to that person alone
SUM_UP_WAIT_S = 30.0  # a message that cannot be changed waits so long for more of its pipeline
SUM_UP_LONGEST_S = 300.0
MAX_WAIT_FACTOR = 5  # a group waits at most this many times its `wait`, unless it says `max_wait`
KEY_LIMIT = 400  # characters; longer keys end in a digest, because databases index them
SHADOW = "shadow"  # among a delivery's settings: everything is done but the sending
INSTEAD_OF = "instead_of"  # … the notifiers that failed before
GATHERED = "gathered"  # among a delivery's settings: it is an account of all events since, and why
NEAREST_KEPT = 20  # lines a decision record keeps for routes that did not fire


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetSpec:
    """A wired notifier or action.

    conversation: which of its messages belong together. sums_up: they are one message, because it cannot
    change one that was sent. reaches: the people it can write to directly.
    """

    name: str
    kind: str  # "notify" | "act"
    destination: str
    conversation: Conversation = Conversation.NONE
    sums_up: bool = False
    reaches: frozenset[str] = frozenset()
    delay: float = 0.0  # seconds an action waits before it is done
    shadow: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """A slot that a delivery takes: nothing else may go out in its place until it was sent or has failed.

    missed: what was kept back since the message before, and is told now.
    """

    slot: str
    missed: int = 0
    missed_since: datetime | None = None


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
    direct: str | None = None  # the person it goes to alone
    mention: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    slots: tuple[Reservation, ...] = ()
    is_verdict: bool = False  # joins its group as the newest, whose settings count, and makes it due
    spends: bool = False  # whether it costs one of its notifier's budget


def plan(
    event: Event,
    resolution: Resolution,
    targets: Mapping[str, TargetSpec],
    now: datetime,
    *,
    state_key: str = "",
    substitute: str | None = None,
    unmatched: Decision | None = None,
    make_id: Callable[[], str] = new_id,
) -> tuple[NewDelivery, ...]:
    """Deliveries in the order in which the routes reach their targets.

    `unmatched` is what to do for an event that no route wants, `substitute` who stands in for an author
    that is not among the people. UsageError for a target that does not exist.
    """
    decisions = resolution.decisions or ((unmatched,) if unmatched else ())
    reached: dict[tuple[str, str, bool], list[Decision]] = {}
    for decision in decisions:
        for name in (*decision.notify, *decision.act):
            reached.setdefault((name, *_message_key(decision)), []).append(decision)
    found = (
        (_target(name, by, event, targets, substitute), _person(name, event, substitute), by)
        for (name, *_), by in reached.items()
    )
    return tuple(
        _delivery(make_id(), event, target, person, by, now, state_key)
        for target, person, by in found
        if target is not None
    )


def _message_key(decision: Decision) -> tuple[str, bool]:
    """What tells messages to one target apart; a route in shadow takes no message from another."""
    return str(decision.settings.get("key", "")), bool(decision.settings.get(SHADOW))


def unreached(
    event: Event, resolution: Resolution, targets: Mapping[str, TargetSpec], substitute: str | None
) -> tuple[str, ...]:
    """Why direct messages that the routes want cannot be sent, in words."""
    wanted = {
        name for decision in resolution.decisions for name in decision.notify if name.startswith(DIRECT)
    }
    problems = {name: _problem(_person(name, event, substitute), targets) for name in sorted(wanted)}
    return tuple(f"{name}: {problem}" for name, problem in problems.items() if problem)


def _problem(person: str | None, targets: Mapping[str, TargetSpec]) -> str | None:
    if person is None:
        return "the author is not among `people`"
    if not any(person in target.reaches for target in targets.values()):
        return f"no notifier can write to {person} directly; add an id for one under `people.{person}`"
    return None


def _person(name: str, event: Event, substitute: str | None) -> str | None:
    """Whom a direct message goes to; None for other targets and for an author nobody knows."""
    if not name.startswith(DIRECT):
        return None
    wanted = name.removeprefix(DIRECT)
    return (event.author.known or substitute) if wanted == AUTHOR else wanted


def _target(
    name: str,
    by: list[Decision],
    event: Event,
    targets: Mapping[str, TargetSpec],
    substitute: str | None,
) -> TargetSpec | None:
    if name.startswith(DIRECT):
        person = _person(name, event, substitute)
        return next((target for target in targets.values() if person in target.reaches), None)
    if name not in targets:
        raise UsageError(f"route {by[0].route}: no notifier or action is called {name}")
    return targets[name]


def _delivery(
    id: str,
    event: Event,
    target: TargetSpec,
    person: str | None,
    by: list[Decision],
    now: datetime,
    state_key: str,
) -> NewDelivery:
    first = by[0]
    about = None if person else cards.subject(event, target.conversation, state_key)
    key, due_at, latest_at = _grouping(event, target, first, now, about)
    is_shadow = target.shadow or bool(first.settings.get(SHADOW))
    own_lane = None if about is None or target.sums_up else lane(target.name, about)
    return NewDelivery(
        id=id,
        target=target.name,
        kind=target.kind,
        destination=target.destination,
        lane=_apart(own_lane, is_shadow),
        group_key=None if person else _apart(key, is_shadow),
        due_at=due_at,
        latest_at=latest_at,
        route=first.route,
        also=tuple(dict.fromkeys(d.route for d in by if d.route != first.route)),
        direct=person,
        mention=() if person else first.mention,
        settings={**first.settings, SHADOW: True} if is_shadow else first.settings,
    )


def _apart(key: str | None, is_shadow: bool) -> str | None:
    """What is sent and what is not are never parts of one message."""
    return f"{SHADOW} {key}" if key and is_shadow else key


def lane(target: str, about: str) -> str:
    """Names the target too: conversations of different targets never wait for each other."""
    return _key([target, about])


def _grouping(
    event: Event, target: TargetSpec, decision: Decision, now: datetime, about: str | None
) -> tuple[str | None, datetime | None, datetime | None]:
    """(group key, due, at the latest) of a message; actions are never grouped."""
    group = decision.settings.get("group")
    if target.kind != "notify":
        return None, now + timedelta(seconds=target.delay) if target.delay else None, None
    if group:
        wait = _seconds(group.get("wait", 0))
        longest = _seconds(group.get("max_wait", wait * MAX_WAIT_FACTOR))
        values = [[name, fields.lookup(event, name)] for name in group.get("by", ())]
    elif target.sums_up and about is not None:
        wait, longest, values = SUM_UP_WAIT_S, SUM_UP_LONGEST_S, [["subject", about]]
    else:
        return None, None, None
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


def decision_record(
    resolution: Resolution, deliveries: Iterable[NewDelivery], unreached: Iterable[str] = ()
) -> dict[str, Any]:
    """What was decided for an event and why, as JSON: kept with it and shown on its page."""
    return {
        "decisions": [asdict(decision) for decision in resolution.decisions],
        "trace": [_line_record(line) for line in _worth_keeping(resolution.trace)],
        "deliveries": [_delivery_record(delivery) for delivery in deliveries],
        "unreached": list(unreached),
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
    record = {
        **asdict(delivery),
        **times,
        "slots": [_slot_record(slot) for slot in delivery.slots] or None,
        "is_verdict": delivery.is_verdict or None,
        "spends": delivery.spends or None,
    }
    return {name: value for name, value in record.items() if value is not None}


def _slot_record(slot: Reservation) -> dict[str, Any]:
    return {"slot": slot.slot, "missed": slot.missed, "missed_since": _as_text(slot.missed_since)}


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
    slots = tuple(map(_read_slot, record.get("slots", ())))
    return NewDelivery(**{**_with_tuples(record), **times, "slots": slots})


def _read_slot(record: Mapping[str, Any]) -> Reservation:
    since = record["missed_since"]
    return Reservation(**{**record, "missed_since": datetime.fromisoformat(since) if since else None})


def _with_tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) and name != "settings" else value
        for name, value in record.items()
    }
