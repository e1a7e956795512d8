"""What is known when something is decided: the configuration's say about quiet, and what the store knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from relay.model import Event, EventKind, Outcome, Status
from relay.routing import Match, MatchError, Reading, asks_for, compile_match
from relay.schedules import Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """A time in which nothing is said about events that match. Without `until` it lasts as long as the
    configuration says so. As with routes, the relay's own events are meant only where `event` is named."""

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
        if self.match is None or not self.is_active(now) or not self.match.passes(reading):
            return False
        return reading.event.kind is not EventKind.RELAY or asks_for(self.match, "event")

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
class Trunk:
    """The branches whose failures explain those of others. key, ignore: what `defaults.state` says."""

    branches: tuple[str, ...]
    key: tuple[str, ...]
    ignore: tuple[Status, ...]
    zone: ZoneInfo  # of the times that people read


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """At most so many messages in any such time. has_cards: its conversations go on in one message."""

    messages: int
    per: float  # seconds
    has_cards: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a configuration says about quiet, ready to be used."""

    silences: tuple[Silence, ...] = ()
    keys: Mapping[str, Callable[[Event], str]] = field(default_factory=dict)  # compiled, by their texts
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    trunk: Trunk | None = None  # None: nothing is inhibited
    holding: frozenset[str] = frozenset()  # whom routes with `hold` notify, by the names they use
    dedupe: timedelta = timedelta()  # how long a result is told only once; 0 is never
    zone: tzinfo = UTC  # in which times are meant that do not say so
    budgets: Mapping[str, Budget] = field(default_factory=dict)  # by the names of notifiers
    apart: frozenset[str] = frozenset()  # notifiers whose messages cannot be gathered in one


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
class Wanted:
    """What the store has to be asked before something is decided."""

    slots: tuple[str, ...] = ()  # by their names
    states: tuple[str, ...] = ()  # state keys whose outcomes are needed
    waiting: tuple[str, ...] = ()  # slots of messages that may wait for a verdict
    unsaid: tuple[str, ...] = ()  # events of which it matters whether somebody was told
    told: tuple[str, ...] = ()  # events, by their ids: whether somebody was told of them
    targets: Mapping[str, Budget] = field(default_factory=dict)  # that have budgets, by their names
    groups: tuple[str, ...] = ()  # keys of groups that messages to those targets may join
    lanes: tuple[str, ...] = ()  # conversations that messages to those targets may go on with

    def __or__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            slots=tuple(dict.fromkeys((*self.slots, *other.slots))),
            states=tuple(dict.fromkeys((*self.states, *other.states))),
            waiting=tuple(dict.fromkeys((*self.waiting, *other.waiting))),
            unsaid=tuple(dict.fromkeys((*self.unsaid, *other.unsaid))),
            told=tuple(dict.fromkeys((*self.told, *other.told))),
            targets={**self.targets, **other.targets},
            groups=tuple(dict.fromkeys((*self.groups, *other.groups))),
            lanes=tuple(dict.fromkeys((*self.lanes, *other.lanes))),
        )

    def __sub__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            slots=tuple(name for name in self.slots if name not in other.slots),
            states=tuple(key for key in self.states if key not in other.states),
            waiting=tuple(name for name in self.waiting if name not in other.waiting),
            unsaid=tuple(id for id in self.unsaid if id not in other.unsaid),
            told=tuple(id for id in self.told if id not in other.told),
            targets={name: each for name, each in self.targets.items() if name not in other.targets},
            groups=tuple(key for key in self.groups if key not in other.groups),
            lanes=tuple(lane for lane in self.lanes if lane not in other.lanes),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a notifier spent of its budget. times: when messages went out, or will at the latest. open: groups
    that may be joined and when they are due, by their keys. lanes: conversations that have begun."""

    times: tuple[datetime, ...] = ()
    open: Mapping[str, datetime] = field(default_factory=dict)
    lanes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the store knows when something is decided."""

    silences: tuple[Silence, ...] = ()
    slots: Mapping[str, Slot] = field(default_factory=dict)
    histories: Mapping[str, Sequence[Outcome]] = field(default_factory=dict)  # by state key
    waiting: Mapping[str, datetime] = field(default_factory=dict)  # when what waits goes out, by its slot
    unsaid: frozenset[str] = frozenset()  # events whose messages all wait for a verdict
    spent: Mapping[str, Spent] = field(default_factory=dict)  # by the names of notifiers

    def __or__(self, other: "Facts") -> "Facts":
        return Facts(
            silences=self.silences or other.silences,
            slots={**self.slots, **other.slots},
            histories={**self.histories, **other.histories},
            waiting={**self.waiting, **other.waiting},
            unsaid=self.unsaid | other.unsaid,
            spent={**self.spent, **other.spent},
        )


NO_TERMS = Terms()
NOTHING_KNOWN = Facts()
