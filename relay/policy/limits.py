"""Budgets, which bound how much is tried again, and breakers, which stop it for a while."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """So many in a time, given in seconds."""

    count: int
    per: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Budgets:
    """How many retries there may be, and how many minutes of CircleCI's time they may take.

    per_hour is a share of the runs that ended in the last hour, at least `floor` and at most `cap`.
    """

    per_build: int = 2
    per_commit: int = 2
    per_branch: Rate = Rate(count=6, per=DAY)
    hour_ratio: float = 0.10
    hour_floor: int = 2
    hour_cap: int = 20
    minutes_day: float = 240.0
    minutes_month: float = 3000.0

    def hourly(self, ended: int) -> int:
        """How many in an hour in which so many runs ended."""
        return min(self.hour_cap, max(self.hour_floor, int(self.hour_ratio * ended)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakers:
    """When trying again is pointless. Times are in seconds."""

    jobs: int = 5
    tests: int = 20
    outage_projects: int = 3
    outage_builds: int = 5
    outage_within: float = 30 * 60.0
    outage_pause: float = 45 * 60.0
    yield_window: int = 10
    yield_share: float = 0.2
    yield_open: float = 2 * HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What was used up, and what happened lately, as the store knows it.

    on_root counts the retries of this chain. minutes are those that retries took. hits: runs that failed by
    the same infrastructure signature within the outage's time. decided: how the last retries ended, newest
    first, True for a pass. probed_at: when the last retry was started while a breaker was open.
    """

    on_root: int = 0
    on_commit: int = 0
    on_branch: int = 0
    in_hour: int = 0
    ended_in_hour: int = 0
    minutes_day: float = 0.0
    minutes_month: float = 0.0
    hits_projects: int = 0
    hits_here: int = 0
    last_hit: datetime | None = None
    decided: tuple[bool, ...] = ()
    last_decided: datetime | None = None
    probed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """A limit that is reached: its name in the configuration, words, and when it may be over."""

    name: str
    why: str
    until: datetime | None = None


def exhausted(budgets: Budgets, spent: Used, limit: int, minutes: float, now: datetime) -> Stop | None:
    """The first budget that has no room for one more run of so many minutes."""
    return next(_exhausted(budgets, spent, limit, minutes, now), None)


def _exhausted(budgets: Budgets, spent: Used, limit: int, minutes: float, now: datetime) -> Iterator[Stop]:
    most = min(limit, budgets.per_build) if budgets.per_build else 0
    hourly = budgets.hourly(spent.ended_in_hour)
    if spent.on_root >= most:
        yield Stop(name="per_build", why=f"it was run again {_times(spent.on_root)} already")
    if spent.on_commit >= budgets.per_commit:
        yield Stop(name="per_commit", why=f"its commit was run again {_times(spent.on_commit)} already")
    if spent.on_branch >= budgets.per_branch.count:
        until = now + timedelta(seconds=budgets.per_branch.per)
        yield Stop(name="per_branch", why=f"its branch had {spent.on_branch} retries lately", until=until)
    if spent.in_hour >= hourly:
        why = f"{spent.in_hour} retries in the last hour, of {hourly} for {spent.ended_in_hour} runs"
        yield Stop(name="per_hour", why=why, until=now + timedelta(hours=1))
    for name, used, room in (
        ("minutes.day", spent.minutes_day, budgets.minutes_day),
        ("minutes.month", spent.minutes_month, budgets.minutes_month),
    ):
        if used + minutes > room:
            yield Stop(name=name, why=f"retries took {used:.0f} of {room:g} minutes")


def open_breaker(
    breakers: Breakers, spent: Used, jobs: int, tests: int, is_infra: bool, now: datetime
) -> Stop | None:
    """The first breaker that is open. `jobs` and `tests` failed in this run."""
    return next(open_breakers(breakers, spent, jobs, tests, is_infra, now), None)


def open_breakers(
    breakers: Breakers, spent: Used, jobs: int, tests: int, is_infra: bool, now: datetime
) -> Iterator[Stop]:
    if jobs > breakers.jobs:
        yield Stop(
            name="too_many_failures", why=f"{jobs} jobs failed; more than {breakers.jobs} are no flake"
        )
    if tests > breakers.tests:
        yield Stop(
            name="too_many_failures", why=f"{tests} tests failed; more than {breakers.tests} are no flake"
        )
    if is_infra and (stop := _outage(breakers, spent, now)):
        yield stop
    if stop := _low_yield(breakers, spent, now):
        yield stop


def _outage(breakers: Breakers, spent: Used, now: datetime) -> Stop | None:
    """Paused after the last build that hit it; then one probe at a time."""
    is_wide = spent.hits_projects >= breakers.outage_projects
    if not is_wide and spent.hits_here < breakers.outage_builds:
        return None
    until = (spent.last_hit or now) + timedelta(seconds=breakers.outage_pause)
    if until <= now and not _is_probing(spent, breakers.outage_pause, now):
        return None
    where = f"{spent.hits_projects} projects" if is_wide else f"{spent.hits_here} builds"
    return Stop(name="outage", why=f"{where} failed by the same signature: an outage", until=until)


def _low_yield(breakers: Breakers, spent: Used, now: datetime) -> Stop | None:
    """Open when the last retries hardly ever passed; after a while one probe is let through."""
    lately = spent.decided[: breakers.yield_window]
    if len(lately) < breakers.yield_window or sum(lately) > breakers.yield_share * len(lately):
        return None
    until = (spent.last_decided or now) + timedelta(seconds=breakers.yield_open)
    if until <= now and not _is_probing(spent, breakers.yield_open, now):
        return None
    return Stop(name="low_yield", why=f"of the last {len(lately)} retries {sum(lately)} passed", until=until)


def _is_probing(spent: Used, pause: float, now: datetime) -> bool:
    """Whether a probe is under way. One in the future is from before the clock was set back."""
    return spent.probed_at is not None and abs(now - spent.probed_at) < timedelta(seconds=pause)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
