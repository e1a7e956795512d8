"""What is known when something is decided: the configuration's say about quiet, and what the store knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any

from relay.model import Event
from relay.routing import Match, MatchError, Reading, compile_match
from relay.schedules import Schedule


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
    targets: Mapping[str, Budget] = field(default_factory=dict)  # that have budgets, by their names
    groups: tuple[str, ...] = ()  # keys of groups that messages to those targets may join
    lanes: tuple[str, ...] = ()  # conversations that messages to those targets may go on with

    def __or__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            slots=tuple(dict.fromkeys((*self.slots, *other.slots))),
            targets={**self.targets, **other.targets},
            groups=tuple(dict.fromkeys((*self.groups, *other.groups))),
            lanes=tuple(dict.fromkeys((*self.lanes, *other.lanes))),
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
    spent: Mapping[str, Spent] = field(default_factory=dict)  # by the names of notifiers


NO_TERMS = Terms()
NOTHING_KNOWN = Facts()
