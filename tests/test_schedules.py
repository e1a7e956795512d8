"""Hours of the week, with the clocks that change and the days that are missing."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay.schedules import Moments, Schedule, parse_date, parse_days, parse_time

PARIS = ZoneInfo("Europe/Paris")


def make(days: str = "mon-fri", start: str = "09:00", end: str = "19:00", **its: Any) -> Schedule:
    fields = {"exceptions": frozenset(), "zone": PARIS, **its}
    return Schedule(days=parse_days(days), start=parse_time(start), end=parse_time(end), **fields)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


OFFICE = make()
NIGHT = make("fri", "22:00", "06:00")
ALWAYS = make("mon-sun", "00:00", "24:00")
CHRISTMAS = make(exceptions=frozenset({date(2026, 12, 25)}))


@pytest.mark.parametrize(
    ("schedule", "now", "is_open"),
    [
        (OFFICE, "2026-11-23 08:59:59", False),
        (OFFICE, "2026-11-23 09:00", True),
        (OFFICE, "2026-11-23 18:59:59", True),
        (OFFICE, "2026-11-23 19:00", False),
        (OFFICE, "2026-11-28 12:00", False),
        (NIGHT, "2026-11-27 21:59", False),
        (NIGHT, "2026-11-27 22:00", True),
        (NIGHT, "2026-11-28 05:59", True),
        (NIGHT, "2026-11-28 06:00", False),
        (NIGHT, "2026-11-27 05:00", False),
        (ALWAYS, "2026-03-29 02:30", True),
        (ALWAYS, "2028-02-29 23:59:59", True),
        (CHRISTMAS, "2026-12-24 12:00", True),
        (CHRISTMAS, "2026-12-25 12:00", False),
    ],
)
def test_hours_are_open_from_their_start_until_before_their_end(
    schedule: Schedule, now: str, is_open: bool
) -> None:
    assert schedule.is_open(at(now)) is is_open


@pytest.mark.parametrize(
    ("schedule", "now", "opening"),
    [
        (OFFICE, "2026-11-23 03:00", "2026-11-23 09:00"),
        (OFFICE, "2026-11-23 09:00", "2026-11-24 09:00"),
        (OFFICE, "2026-11-27 20:00", "2026-11-30 09:00"),
        (OFFICE, "2026-03-27 20:00", "2026-03-30 09:00"),
        (OFFICE, "2026-10-23 20:00", "2026-10-26 09:00"),
        (CHRISTMAS, "2026-12-24 20:00", "2026-12-28 09:00"),
        (make("mon-sun", "02:30", "04:00"), "2026-03-29 00:00", "2026-03-29 03:30"),
        (
            make("tue", "09:00", exceptions=frozenset({date(2028, 2, 29)})),
            "2028-02-28 12:00",
            "2028-03-07 09:00",
        ),
    ],
)
def test_the_next_opening_is_by_the_clock_on_the_wall(schedule: Schedule, now: str, opening: str) -> None:
    assert schedule.next_opening(at(now)) == at(opening)


def test_hours_without_a_day_never_open() -> None:
    assert make(days="mon", exceptions=frozenset()).next_opening(at("2026-11-23 10:00")) is not None
    assert (
        Schedule(days=frozenset(), start=0, end=1, exceptions=frozenset(), zone=PARIS).next_opening(
            at("2026-11-23 10:00")
        )
        is None
    )


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat, sun", {5, 6}),
        ("fri-mon", {4, 5, 6, 0}),
        ("Mon,wed-thu", {0, 2, 3}),
        ("mon-sun", set(range(7))),
    ],
)
def test_days_are_read(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "-fri", "mon,,tue", "1-5"])
def test_what_is_no_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not days of the week; write mon-fri or sat,sun"):
        parse_days(text)


@pytest.mark.parametrize("text", ["", "9", "9:0", "24:01", "12:60", "-1:00", "012:00", "1²:00", "a:bc"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of day"):
        parse_time(text)


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(ValueError, match=r'^"2027-02-29" is not a date; write "2026-12-25"$'):
        parse_date("2027-02-29")


MONDAYS = Moments(days=parse_days("mon"), minutes=parse_time("09:00"), zone=PARIS)
IN_THE_GAP = Moments(days=parse_days("mon-sun"), minutes=parse_time("02:30"), zone=PARIS)


@pytest.mark.parametrize(
    ("moments", "now", "last", "following"),
    [
        (MONDAYS, "2026-11-23 08:59:59", "2026-11-16 09:00", "2026-11-23 09:00"),
        (MONDAYS, "2026-11-23 09:00", "2026-11-23 09:00", "2026-11-30 09:00"),
        (MONDAYS, "2026-10-25 12:00", "2026-10-19 09:00", "2026-10-26 09:00"),
        (IN_THE_GAP, "2026-03-29 01:59", "2026-03-28 02:30", "2026-03-29 03:00"),
        (IN_THE_GAP, "2026-03-29 03:00", "2026-03-29 03:00", "2026-03-30 02:30"),
        (IN_THE_GAP, "2026-10-25 00:00", "2026-10-24 02:30", "2026-10-25 02:30"),
        (IN_THE_GAP, "2026-10-25 02:30", "2026-10-25 02:30", "2026-10-26 02:30"),
        (IN_THE_GAP, "2028-02-28 12:00", "2028-02-28 02:30", "2028-02-29 02:30"),
    ],
)
def test_a_moment_of_the_week_is_by_the_clock_on_the_wall_and_happens_once(
    moments: Moments, now: str, last: str, following: str
) -> None:
    assert (moments.last_until(at(now)), moments.next_after(at(now))) == (at(last), at(following))


def test_a_moment_on_a_day_that_a_country_skipped_is_the_first_instant_after_it() -> None:
    apia = Moments(days=frozenset(range(7)), minutes=9 * 60, zone=ZoneInfo("Pacific/Apia"))
    thursday = datetime(2011, 12, 30, 0, tzinfo=UTC)

    assert apia.next_after(thursday) == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_a_moment_that_the_clocks_have_twice_is_not_repeated() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert IN_THE_GAP.last_until(second) == second.replace(hour=0)
    assert IN_THE_GAP.next_after(second) == at("2026-10-26 02:30")
