"""How much may be claimed for a destination now: rows in flight, token bucket, pauses, circuit breaker."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

FAILURES_TO_OPEN = 3
LONGEST_PAUSE_S = 60.0
PLENTY = 1_000_000  # rows; stands for "no limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """What a destination bears. None means as much as there is."""

    in_flight: int | None = None  # claimed and not finished, over all workers
    rate: float | None = None  # a second
    burst: int = 1  # how many may go at once after a quiet time

    @property
    def is_none(self) -> bool:
        return self.in_flight is None and self.rate is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """What the store remembers of a destination. Times are seconds since 1970."""

    key: str
    first_due: float = 0.0  # of its ready rows
    in_flight: int = 0
    arrival_at: float = 0.0  # GCRA's theoretical arrival time
    paused_until: float = 0.0
    pause_s: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    dead_since: float | None = None
    dead_why: str | None = None


def allowed(destination: Destination, limit: Limit, now: float) -> int:
    """How many rows may be claimed now."""
    if destination.paused_until > now:
        return 0
    return max(0, min(_free(destination, limit), _tokens(destination, limit, now)))


def opens_at(destination: Destination, limit: Limit, now: float) -> float:
    """When the next row may go, as far as the clock decides; infinity when an unfinished one does."""
    if _free(destination, limit) <= 0:
        return math.inf
    ready = max(destination.first_due, destination.paused_until)
    if limit.rate is None:
        return ready
    return max(ready, _arrival(destination, limit, now) - (limit.burst - 1) / limit.rate)


def charged(destination: Destination, limit: Limit, taken: int, now: float) -> float:
    """The theoretical arrival time after `taken` more rows. See ITU-T I.371, generic cell rate algorithm."""
    if limit.rate is None:
        return destination.arrival_at
    return max(_arrival(destination, limit, now), now) + taken / limit.rate


def after_failure(destination: Destination, started: float, ended: float) -> Destination:
    """After a temporary failure. Tries that ran side by side tell one thing together, so they count once.

    From the third failure in a row the circuit is open: one row in flight, and a pause between probes that
    doubles from two seconds to a minute.
    """
    if destination.failures and started < destination.failed_at:
        return destination
    failures = destination.failures + 1
    failed = replace(destination, failures=failures, failed_at=ended)
    if failures < FAILURES_TO_OPEN:
        return failed
    return paused(failed, ended, min(2.0 ** min(failures - FAILURES_TO_OPEN + 1, 10), LONGEST_PAUSE_S))


def paused(destination: Destination, now: float, pause_s: float) -> Destination:
    """Paused for so long, or longer if it already was."""
    if now + pause_s <= destination.paused_until:
        return destination
    return replace(destination, paused_until=now + pause_s, pause_s=pause_s)


def share(room: int, capacities: Mapping[str, int]) -> dict[str, int]:
    """Divide room evenly; what one cannot use goes to others. With too little for all, the first get one."""
    if room < len(capacities):
        return dict.fromkeys(list(capacities)[:room], 1)
    shares: dict[str, int] = {}
    smallest_first = sorted(capacities, key=lambda key: capacities[key])
    for place, key in enumerate(smallest_first):
        fair = math.ceil(room / (len(smallest_first) - place))
        shares[key] = min(capacities[key], fair)
        room -= shares[key]
    return shares


def rotate(keys: Sequence[str], after: str) -> list[str]:
    """The keys in order, starting with the one behind `after`, so that everyone comes first in turn."""
    in_order = sorted(keys)
    cut = next((place for place, key in enumerate(in_order) if key > after), 0)
    return in_order[cut:] + in_order[:cut]


def _free(destination: Destination, limit: Limit) -> int:
    most = PLENTY if limit.in_flight is None else limit.in_flight
    if destination.failures >= FAILURES_TO_OPEN:
        most = min(most, 1)
    return most - destination.in_flight


def _tokens(destination: Destination, limit: Limit, now: float) -> int:
    if limit.rate is None:
        return PLENTY
    room = now - max(_arrival(destination, limit, now), now) + limit.burst / limit.rate
    return math.floor(room * limit.rate + 1e-6)


def _arrival(destination: Destination, limit: Limit, now: float) -> float:
    """Never further ahead than a full burst: beyond that only a clock set back can have put it."""
    return min(destination.arrival_at, now + limit.burst / (limit.rate or 1.0))
