"""The noise controls: whether a message that the routes want is sent now, or kept back, and why.

They are asked in this order, and the first that objects decides: silences. Only messages are quieted;
actions are done whatever is said here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from relay.model import Event
from relay.planning import NewDelivery
from relay.routing import Match, MatchError, Reading, compile_match

NOTIFY = "notify"  # the kind of a delivery that tells somebody


class Control(StrEnum):
    """What keeps a message back."""

    SILENCE = "silence"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the store knows when something is decided."""

    silences: tuple[Silence, ...] = ()


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Quieted:
    """What is sent and what is not."""

    deliveries: tuple[NewDelivery, ...]
    quiet: tuple[Quiet, ...] = ()


@dataclass(kw_only=True)
class _Scene:
    """One event on its way through the controls."""

    event: Event
    terms: Terms
    facts: Facts
    now: datetime
    reading: Reading = field(init=False)

    def __post_init__(self) -> None:
        self.reading = Reading(self.event)


def quieted(
    event: Event, deliveries: Sequence[NewDelivery], terms: Terms, facts: Facts, now: datetime
) -> Quieted:
    """The deliveries that go on, and what is said of the others."""
    scene = _Scene(event=event, terms=terms, facts=facts, now=now)
    sent: list[NewDelivery] = []
    quiet: list[Quiet] = []
    silence = _silence(scene) if deliveries else None
    for delivery in deliveries:
        objection = _silenced(delivery, silence) if delivery.kind == NOTIFY else None
        if objection is None:
            sent.append(delivery)
        else:
            quiet.append(objection)
    return Quieted(deliveries=tuple(sent), quiet=tuple(quiet))


def _silence(scene: _Scene) -> Silence | None:
    """Of the silences that cover the event the one that lasts longest."""
    every = (*scene.terms.silences, *scene.facts.silences)
    return _longest([silence for silence in every if silence.covers(scene.reading, scene.now)])


def _longest(silences: Iterable[Silence]) -> Silence | None:
    def length(silence: Silence) -> tuple[bool, float]:
        return silence.until is None, silence.until.timestamp() if silence.until else 0.0

    return max(silences, key=length, default=None)


def _silenced(delivery: NewDelivery, silence: Silence | None) -> Quiet | None:
    if silence is None:
        return None
    return _kept_back(delivery, Control.SILENCE, silence.reason, silence.until)


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
        }
        for each in quiet
    ]
