"""When a run is expected, and whether it is missing: given times, a rhythm, or what the history shows. Pure.

Times of day are minutes of the local week, Monday 00:00 being 0, and become instants day by day, so that
they stay what the clock on the wall says when daylight saving time begins or ends. A time that the wall
shows twice means the later one, a time that it skips as much after the skip.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
WEEK = timedelta(days=7)
WEEKS = 4  # that the usual times are learned from
ENOUGH_WEEKS = 3  # of these
TOLERANCE = timedelta(hours=2)  # runs that are no further apart are the same usual run
EARLY = timedelta(hours=12)  # a run counts for a time so long before it, if no other time is nearer
LOOK_BACK = timedelta(days=3)  # a time further back is not worth an alarm any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A run that should have finished `due` and had not by `deadline`.

    A run that finishes from `begins` on, and before `ends`, would be it.
    """

    due: datetime
    deadline: datetime
    begins: datetime
    ends: datetime | None = None


def learned(finishes: Iterable[datetime], timezone: ZoneInfo, until: datetime) -> tuple[int, ...]:
    """The minutes of the week by which a run has usually finished, from the four weeks before `until`."""
    offsets = sorted(
        (_minute_of_week(finished, timezone), (until - finished) // WEEK)
        for finished in finishes
        if until - WEEKS * WEEK < finished <= until
    )
    clusters = _clusters(offsets)
    return tuple(
        sorted(cluster[-1][0] for cluster in clusters if len({week for _, week in cluster}) >= ENOUGH_WEEKS)
    )


def times_between(
    minutes: Sequence[int], timezone: ZoneInfo, after: datetime, until: datetime
) -> tuple[datetime, ...]:
    """When these minutes of the week come, in order."""
    return tuple(sorted({at for at in _times(minutes, timezone, after, until) if after < at <= until}))


def missed_times(
    minutes: Sequence[int],
    timezone: ZoneInfo,
    late_after: timedelta,
    finishes: Sequence[datetime],
    after: datetime,
    now: datetime,
) -> tuple[Missed, ...]:
    """Those whose deadline came after `after` and until now without a run, the oldest first."""
    after = max(after, now - LOOK_BACK)
    around = WEEK + timedelta(days=1)  # so that each time has its neighbours
    times = times_between(minutes, timezone, after - late_after - around, now + around)
    slots = list(_slots(times, late_after))
    return tuple(slot for slot in slots if after < slot.deadline <= now and first_run(slot, finishes) is None)


def missed_rhythm(
    every: timedelta, late_after: timedelta, last: datetime, now: datetime
) -> tuple[Missed, ...]:
    """The run that should have come within `every` after the last one."""
    missed = Missed(due=last + every, deadline=last + every + late_after, begins=last)
    return (missed,) if missed.deadline <= now else ()


def first_run(missed: Missed, finishes: Iterable[datetime]) -> int | None:
    """Which of the runs is the one that was expected; the position of the first."""
    for at, finished in enumerate(finishes):
        if missed.begins < finished and (missed.ends is None or finished <= missed.ends):
            return at
    return None


def _slots(times: Sequence[datetime], late_after: timedelta) -> Iterator[Missed]:
    """Each time with the span whose runs are nearest to it; not the outermost ones."""
    begins = [max(at - (at - before) / 2, at - EARLY) for before, at in pairwise(times)]
    for at, start, end in zip(times[1:], begins, begins[1:], strict=False):
        yield Missed(due=at, deadline=at + late_after, begins=start, ends=end)


def _times(
    minutes: Sequence[int], timezone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[datetime]:
    day, last = after.astimezone(timezone).date(), until.astimezone(timezone).date()
    while day <= last:
        first = day.weekday() * DAY_MINUTES
        for minute in minutes:
            if first <= minute < first + DAY_MINUTES:
                yield _instant(day, minute - first, timezone)
        day += timedelta(days=1)


def _instant(day: date, minute: int, timezone: ZoneInfo) -> datetime:
    wall = datetime.combine(day, time(minute // 60, minute % 60), timezone)
    return max(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def _minute_of_week(at: datetime, timezone: ZoneInfo) -> int:
    local = at.astimezone(timezone)
    return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute


def _clusters(offsets: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Neighbours within the tolerance, also across the end of the week: the last ones first then."""
    clusters: list[list[tuple[int, int]]] = []
    for offset in offsets:
        if clusters and _is_near(clusters[-1][-1], offset):
            clusters[-1].append(offset)
        else:
            clusters.append([offset])
    week = WEEK_MINUTES
    if len(clusters) > 1 and _is_near((clusters[-1][-1][0] - week, 0), clusters[0][0]):
        clusters[0] = clusters.pop() + clusters[0]
    return clusters


def _is_near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return timedelta(minutes=other[0] - one[0]) <= TOLERANCE
