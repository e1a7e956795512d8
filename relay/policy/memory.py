"""What the store remembers of earlier runs, as statistics and verdicts are made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from relay.model import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class PastFailure:
    """One failed job of an earlier run. tests: ids of those that failed, at most 20."""

    job: str | None
    failure_class: str
    fingerprint: str
    tests: tuple[str, ...] = ()
    evidence: str | None = None  # the decisive line


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRun:
    """One result of a state key. failures: None when nobody looked at what failed."""

    event_id: str
    number: int | None
    at: datetime  # when it began
    commit: str | None
    status: Status
    is_ours: bool = False  # started by the relay
    failures: tuple[PastFailure, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """The same fingerprint somewhere else, lately."""

    fingerprint: str
    project: str
    branch: str | None
    author: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRetry:
    """A failure of which a later attempt is known."""

    project: str
    job: str | None
    failure_class: str
    passed: bool
    is_ours: bool
    failed_at: datetime
    ended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """runs: by state key, the newest first."""

    runs: Mapping[str, tuple[PastRun, ...]] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = ()
    retries: tuple[PastRetry, ...] = ()
