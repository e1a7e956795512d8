"""Hours of the week: when they are open, and when they open next. Local times, whatever the clocks do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 24 * 60  # minutes
FAR = 3 * 366  # days looked ahead
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MOMENTS_FAR = 10  # days looked at for the next moment of a week; one may be skipped by a calendar


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Open from `start` to `end`, in minutes after midnight, on the days that begin so. When `end` is not
    after `start` it means the day after."""

    days: frozenset[int]  # 0 is Monday
    start: int
    end: int
    exceptions: frozenset[date]
    zone: tzinfo

    def is_open(self, now: datetime) -> bool:
        today = now.astimezone(self.zone).date()
        return any(self._opens(day) <= now < self._closes(day) for day in self._days(today - DAY, 2))

    def next_opening(self, now: datetime) -> datetime | None:
        """The first one after `now`, or None when it stays shut for years."""
        today = now.astimezone(self.zone).date()
        openings = (self._opens(day) for day in self._days(today, FAR))
        return next((opening for opening in openings if opening > now), None)

    def _days(self, first: date, count: int) -> Iterator[date]:
        """Those on which it opens."""
        every = (first + number * DAY for number in range(count))
        return (day for day in every if day.weekday() in self.days and day not in self.exceptions)

    def _opens(self, day: date) -> datetime:
        return _at(day, self.start, self.zone)

    def _closes(self, day: date) -> datetime:
        return _at(day if self.end > self.start else day + DAY, self.end, self.zone)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """A time of day, in minutes after midnight, on some days of the week. One that the clocks skip is the
    first instant after that; one that they have twice is the first of the two."""

    days: frozenset[int]  # 0 is Monday; at least one
    minutes: int
    zone: tzinfo

    def next_after(self, now: datetime) -> datetime:
        return next(found for found in self._from(now, 1) if found > now)

    def last_until(self, now: datetime) -> datetime:
        return next(found for found in self._from(now, -1) if found <= now)

    def _from(self, now: datetime, step: int) -> Iterator[datetime]:
        """From the day before or after, in either direction."""
        today = now.astimezone(self.zone).date()
        days = (today + number * step * DAY for number in range(-1, MOMENTS_FAR))
        return (_first_at(day, self.minutes, self.zone) for day in days if day.weekday() in self.days)


def _first_at(day: date, minutes: int, zone: tzinfo) -> datetime:
    found = _at(day, minutes, zone)
    wanted = datetime.combine(day, time()) + timedelta(minutes=minutes)
    skipped = found.astimezone(zone).replace(tzinfo=None) - wanted
    return _end_of_gap(found - skipped, found, zone) if skipped else found


def _end_of_gap(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The instant at which the clocks went forward, which lies between these."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) / 2
        is_before = middle.astimezone(zone).utcoffset() == offset
        before, after = (middle, after) if is_before else (before, middle)
    return after.replace(microsecond=0)


def _at(day: date, minutes: int, zone: tzinfo) -> datetime:
    if minutes == MIDNIGHT:
        day, minutes = day + DAY, 0
    return datetime.combine(day, time(minutes // 60, minutes % 60), zone).astimezone(UTC)


def parse_days(text: str) -> frozenset[int]:
    """Of "mon-fri", "sat,sun" or "fri-mon". Else ValueError."""
    return frozenset(day for part in text.lower().split(",") for day in _range(part.strip(), text))


def _range(part: str, text: str) -> Iterator[int]:
    first, dash, last = (word.strip() for word in part.partition("-"))
    if first not in WEEK or (dash and last not in WEEK):
        raise ValueError(f'"{text}" is not days of the week; write mon-fri or sat,sun')
    begin, end = WEEK.index(first), WEEK.index(last or first)
    return (day % len(WEEK) for day in range(begin, end + 1 if end >= begin else end + len(WEEK) + 1))


def parse_time(text: str) -> int:
    """Minutes after midnight of "09:00"; "24:00" is the end of the day. Else ValueError."""
    hours, colon, minutes = text.strip().partition(":")
    is_written = bool(colon) and all(part.isascii() and part.isdigit() for part in (hours, minutes))
    if not is_written or len(hours) > 2 or len(minutes) != 2:
        raise ValueError(f'"{text}" is not a time of day; write "09:00"')
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > MIDNIGHT:
        raise ValueError(f'"{text}" is not a time of day; write "09:00"')
    return found


def parse_date(text: str) -> date:
    """Of "2026-12-25". Else ValueError."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f'"{text}" is not a date; write "2026-12-25"') from None
