"""The noise controls: whether a message that the routes want is sent now, or kept back, and why.

They are asked in this order, and the first that objects decides: silences, `once_per`, `throttle`,
`during`. Only messages are quieted; actions are done whatever is said here.

`once_per` and `throttle` take slots: a message that goes on reserves its slot, and whether that counts hangs
on whether it was sent; see `relay.store.slots`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from relay import durations
from relay.errors import TemplateError
from relay.model import Change, Event
from relay.planning import DIRECT, SHADOW, NewDelivery, Reservation
from relay.routing import Match, MatchError, Reading, compile_match
from relay.schedules import Schedule

NOTIFY = "notify"  # the kind of a delivery that tells somebody
ONCE_PER = "once_per"  # among the settings of a route
THROTTLE = "throttle"
DURING = "during"
OUTSIDE = "outside"
DROP, SILENT = "drop", "silent"  # what `outside` may say beside "hold"
HELD = "held"  # among a delivery's settings: it waits for this schedule
MISSED = "missed"  # among a delivery's settings: what was kept back before it
NO_KEY = "its key could not be worked out, so it was sent all the same"
ONCE_SENT = "a message with this key was sent before"
IN_SHADOW = "recorded, and not sent"
UNDER_WAY = "a message is under way"


class Control(StrEnum):
    """What keeps a message back."""

    SILENCE = "silence"
    ONCE_PER = "once_per"
    THROTTLE = "throttle"
    DURING = "during"
    SHADOW = "shadow"


class Fate(StrEnum):
    """What becomes of a message that a control objects to."""

    SUPPRESSED = "suppressed"
    LATER = "later"
    RECORDED = "recorded"  # as a delivery that is not sent
    SENT = "sent"  # all the same, or silently


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """A time in which nothing is said about events that match. Without `until` it lasts as long as the
    configuration says so."""

    name: str  # the end of its id, or its place in the configuration
    id: str | None = None  # of one in the ledger
    written: Mapping[str, Any]  # the match as somebody wrote it
    match: Match | None  # None: it can no longer be read, and so quiets nothing
    starts_at: datetime | None = None
    until: datetime | None = None
    who: str | None = None
    why: str | None = None

    def is_active(self, now: datetime) -> bool:
        return (self.starts_at is None or self.starts_at <= now) and (self.until is None or now < self.until)

    def covers(self, reading: Reading, now: datetime) -> bool:
        return self.match is not None and self.is_active(now) and self.match.passes(reading)

    @property
    def reason(self) -> str:
        """Which it is, whose and why."""
        by = f" by {self.who}" if self.who else ""
        return f"{self.name}{by}{f': {self.why}' if self.why else ''}"


def make_silence(written: Mapping[str, Any], **its: Any) -> Silence:
    """A silence with its match compiled, if it can be."""
    try:
        match = compile_match(written)
    except MatchError:
        match = None
    return Silence(written=written, match=match, **its)


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a configuration says about quiet, ready to be used."""

    silences: tuple[Silence, ...] = ()
    keys: Mapping[str, Callable[[Event], str]] = field(default_factory=dict)  # compiled, by their texts
    schedules: Mapping[str, Schedule] = field(default_factory=dict)


class SlotState(StrEnum):
    UNDER_WAY = "under way"
    SENT = "sent"
    FREE = "free"  # its delivery failed for good


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A slot that was reserved before. at: when it was sent, or else reserved. missed: messages kept back
    of which nobody was told."""

    state: SlotState
    at: datetime
    missed: int = 0
    missed_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the store knows when something is decided."""

    silences: tuple[Silence, ...] = ()
    slots: Mapping[str, Slot] = field(default_factory=dict)


NO_TERMS = Terms()
NOTHING_KNOWN = Facts()


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """A message that is kept back, by what and until when; without `until` nobody knows."""

    target: str
    route: str
    control: Control
    reason: str
    until: datetime | None = None
    fate: Fate = Fate.SUPPRESSED


@dataclass(frozen=True, kw_only=True, slots=True)
class Quieted:
    """What is sent and what is not, the slots for which something was kept back, and what is known now."""

    deliveries: tuple[NewDelivery, ...]
    quiet: tuple[Quiet, ...] = ()
    missed: tuple[str, ...] = ()
    facts: Facts = NOTHING_KNOWN


def slots_wanted(
    event: Event, deliveries: Iterable[NewDelivery], state_key: str, terms: Terms
) -> tuple[str, ...]:
    """The slots that the deliveries may take: what to ask the store before deciding."""
    messages = [each for each in deliveries if each.kind == NOTIFY]
    names = [_throttle_slot(each, state_key) for each in messages if each.settings.get(THROTTLE)]
    for each in messages:
        if each.settings.get(ONCE_PER) and (slot := _once_slot(each, event, terms)):
            names.append(slot)
    return tuple(names)


@dataclass(kw_only=True)
class _Scene:
    """One event on its way through the controls, and what was found so far."""

    event: Event
    state_key: str
    terms: Terms
    now: datetime
    silence: Silence | None
    slots: dict[str, Slot]
    sent: list[NewDelivery] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def quieted(
    event: Event,
    deliveries: Sequence[NewDelivery],
    terms: Terms,
    facts: Facts,
    now: datetime,
    state_key: str = "",
) -> Quieted:
    """The deliveries that go on, and what is said of the others."""
    scene = _Scene(
        event=event,
        state_key=state_key,
        terms=terms,
        now=now,
        silence=_silence(event, terms, facts, now) if deliveries else None,
        slots=dict(facts.slots),
    )
    for delivery in deliveries:
        _judge(delivery, scene)
    return Quieted(
        deliveries=tuple(scene.sent),
        quiet=tuple(scene.quiet),
        missed=tuple(scene.missed),
        facts=replace(facts, slots=scene.slots),
    )


def _judge(delivery: NewDelivery, scene: _Scene) -> None:
    """Ask each control in turn."""
    if delivery.kind != NOTIFY:
        scene.sent.append(delivery)
        return
    for control in _CONTROLS:
        answer = control(delivery, scene)
        if answer is None:
            return
        delivery = answer
    for taken in delivery.slots:
        scene.slots[taken.slot] = Slot(state=SlotState.UNDER_WAY, at=scene.now)
    scene.sent.append(delivery)


def _heed_silence(delivery: NewDelivery, scene: _Scene) -> NewDelivery | None:
    if scene.silence is None:
        return delivery
    silence = scene.silence
    scene.quiet.append(_kept_back(delivery, Control.SILENCE, silence.reason, silence.until))
    return None


def _once_per(delivery: NewDelivery, scene: _Scene) -> NewDelivery | None:
    if not delivery.settings.get(ONCE_PER):
        return delivery
    name = _once_slot(delivery, scene.event, scene.terms)
    if name is None:
        sent = _kept_back(delivery, Control.ONCE_PER, NO_KEY, None)
        scene.quiet.append(replace(sent, fate=Fate.SENT))
        return delivery
    slot = scene.slots.get(name)
    if slot is None or slot.state is SlotState.FREE:
        return _reserving(delivery, Reservation(slot=name))
    why = ONCE_SENT if slot.state is SlotState.SENT else UNDER_WAY
    scene.quiet.append(_kept_back(delivery, Control.ONCE_PER, why, None))
    return None


def _throttle(delivery: NewDelivery, scene: _Scene) -> NewDelivery | None:
    length = delivery.settings.get(THROTTLE)
    if not length:
        return delivery
    name = _throttle_slot(delivery, scene.state_key)
    slot = scene.slots.get(name)
    until = _busy_until(slot, timedelta(seconds=length))
    if slot is None or (until is not None and until <= scene.now):
        return _telling_missed(delivery, name, slot)
    why = UNDER_WAY if until is None else f"at most one message in {durations.spell(length)}"
    scene.quiet.append(_kept_back(delivery, Control.THROTTLE, why, until))
    scene.missed.append(name)
    scene.slots[name] = _one_more(slot, scene.now)
    return None


def _busy_until(slot: Slot | None, length: timedelta) -> datetime | None:
    """None while nobody knows."""
    if slot is None or slot.state is SlotState.UNDER_WAY:
        return None
    return slot.at if slot.state is SlotState.FREE else slot.at + length


def _telling_missed(delivery: NewDelivery, name: str, slot: Slot | None) -> NewDelivery:
    if slot is None or not slot.missed:
        return _reserving(delivery, Reservation(slot=name))
    since = slot.missed_since or slot.at
    told = {MISSED: {"count": slot.missed, "since": since.isoformat()}}
    taken = Reservation(slot=name, missed=slot.missed, missed_since=since)
    return _reserving(replace(delivery, settings={**delivery.settings, **told}), taken)


def _one_more(slot: Slot, now: datetime) -> Slot:
    return replace(slot, missed=slot.missed + 1, missed_since=slot.missed_since or now)


def _reserving(delivery: NewDelivery, taken: Reservation) -> NewDelivery:
    return replace(delivery, slots=(*delivery.slots, taken))


def _window(delivery: NewDelivery, scene: _Scene) -> NewDelivery | None:
    name = delivery.settings.get(DURING)
    schedule = scene.terms.schedules.get(name) if name else None
    if schedule is None or schedule.is_open(scene.now):
        return delivery
    opening, outside = schedule.next_opening(scene.now), delivery.settings.get(OUTSIDE)
    told = _kept_back(delivery, Control.DURING, f"outside {name}", opening)
    if outside == SILENT:
        scene.quiet.append(replace(told, fate=Fate.SENT, reason=f"outside {name}: sent without mentions"))
        return replace(delivery, mention=(), settings={**delivery.settings, SILENT: True})
    if outside == DROP or opening is None:
        scene.quiet.append(told)
        return None
    scene.quiet.append(replace(told, fate=Fate.LATER, reason=f"outside {name}: held for a summary"))
    return _held(delivery, str(name), opening)


def _held(delivery: NewDelivery, name: str, opening: datetime) -> NewDelivery:
    """Part of the one message to its target that goes out when the hours begin."""
    key = _slot_name(Control.DURING, delivery, name, opening.isoformat())
    settings = {**delivery.settings, HELD: name}
    return replace(delivery, group_key=key, lane=None, due_at=opening, latest_at=opening, settings=settings)


def _shadow(delivery: NewDelivery, scene: _Scene) -> NewDelivery | None:
    """It goes on like any other, and is not sent in the end."""
    if delivery.settings.get(SHADOW):
        told = _kept_back(delivery, Control.SHADOW, IN_SHADOW, None)
        scene.quiet.append(replace(told, fate=Fate.RECORDED))
    return delivery


def worth_telling(
    events: Sequence[Event], state_keys: Mapping[str, str], green: Collection[str]
) -> tuple[Event, ...]:
    """What of a held message is still news: no failures that were fixed meanwhile, nor that they were fixed,
    when nobody had been told of them. `state_keys` are by the events' ids, `green` those that pass now."""
    fixed = {event.id for event in events if event.status.is_bad and state_keys.get(event.id) in green}
    untold = {state_keys[event.id] for event in events if event.id in fixed and event.change in _TURNED_BAD}
    good = {event.id for event in events if event.change in _TURNED_GOOD}
    stale = fixed | {id for id in good if state_keys.get(id) in untold}
    return tuple(event for event in events if event.id not in stale)


def _once_slot(delivery: NewDelivery, event: Event, terms: Terms) -> str | None:
    """Routes with the same `once_per` share it, children of one parent among them. None: it has no value."""
    text = str(delivery.settings[ONCE_PER])
    try:
        value = terms.keys[text](event)
    except (KeyError, TemplateError):
        return None
    return _slot_name(Control.ONCE_PER, delivery, text, value)


def _throttle_slot(delivery: NewDelivery, state_key: str) -> str:
    """Each route by itself, so that `still_failing` does not keep `fixed` back; each branch by itself."""
    return _slot_name(Control.THROTTLE, delivery, delivery.route, state_key)


def _slot_name(control: Control, delivery: NewDelivery, *key: str) -> str:
    person = (f"{DIRECT}{delivery.direct}",) if delivery.direct else ()
    apart = (SHADOW,) if delivery.settings.get(SHADOW) else ()
    return json.dumps([control.value, delivery.target, *apart, *person, *key], separators=(",", ":"))


def _silence(event: Event, terms: Terms, facts: Facts, now: datetime) -> Silence | None:
    """Of the silences that cover the event the one that lasts longest."""
    every, reading = (*terms.silences, *facts.silences), Reading(event)
    return _longest([silence for silence in every if silence.covers(reading, now)])


def _longest(silences: Iterable[Silence]) -> Silence | None:
    def length(silence: Silence) -> tuple[bool, float]:
        return silence.until is None, silence.until.timestamp() if silence.until else 0.0

    return max(silences, key=length, default=None)


def _kept_back(delivery: NewDelivery, control: Control, reason: str, until: datetime | None) -> Quiet:
    return Quiet(target=delivery.target, route=delivery.route, control=control, reason=reason, until=until)


def as_records(quiet: Iterable[Quiet]) -> list[dict[str, Any]]:
    """What is kept of it in the record of a decision, as JSON."""
    return [
        {
            "target": each.target,
            "route": each.route,
            "control": each.control.value,
            "reason": each.reason,
            "until": each.until.isoformat() if each.until else None,
            "fate": each.fate.value,
        }
        for each in quiet
    ]


_CONTROLS: tuple[Callable[[NewDelivery, _Scene], NewDelivery | None], ...] = (
    _heed_silence,
    _once_per,
    _throttle,
    _window,
    _shadow,
)
_TURNED_BAD = frozenset({Change.BROKE, Change.FIRST_FAILURE})
_TURNED_GOOD = frozenset({Change.FIXED, Change.PASSED_ON_RETRY})
