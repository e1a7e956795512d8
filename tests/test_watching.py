"""When runs are expected, with daylight saving time and leap days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from relay.watching import Missed, first_run, learned, missed_rhythm, missed_times, times_between

PARIS = ZoneInfo("Europe/Paris")
NEW_YORK = ZoneInfo("America/New_York")
HALF_HOUR = timedelta(minutes=30)
DAILY_0230 = tuple(day * 1440 + 150 for day in range(7))
DAY = timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dues(missed: tuple[Missed, ...]) -> list[datetime]:
    return [each.due for each in missed]


@pytest.mark.parametrize(
    ("timezone", "after", "expected"),
    [
        (PARIS, "2026-11-23 00:00", ["2026-11-23 01:30"]),
        (PARIS, "2026-03-29 00:00", ["2026-03-29 01:30"]),  # 02:30 is skipped: 03:30 on the wall
        (PARIS, "2026-10-25 00:00", ["2026-10-25 01:30"]),  # 02:30 comes twice: the second time
        (NEW_YORK, "2026-03-08 00:00", ["2026-03-08 07:30"]),
        (NEW_YORK, "2026-11-01 00:00", ["2026-11-01 07:30"]),
        (PARIS, "2028-02-29 00:00", ["2028-02-29 01:30"]),
    ],
    ids=["winter", "skipped", "twice", "spring", "autumn", "leap-day"],
)
def test_a_time_of_day_comes_once_a_day(timezone: ZoneInfo, after: str, expected: list[str]) -> None:
    found = times_between(DAILY_0230, timezone, utc(after), utc(after) + timedelta(hours=23))

    assert found == tuple(map(utc, expected))


def test_a_year_has_each_time_as_often_as_days() -> None:
    start = utc("2026-01-01 12:00")

    assert len(times_between(DAILY_0230, PARIS, start, start + 365 * DAY)) == 365


def test_only_the_given_days_count() -> None:
    monday = (150,)

    found = times_between(monday, PARIS, utc("2026-11-16 12:00"), utc("2026-12-01 12:00"))

    assert found == (utc("2026-11-23 01:30"), utc("2026-11-30 01:30"))


def test_a_run_in_time_is_not_missed() -> None:
    missed = missed_times(
        DAILY_0230,
        PARIS,
        HALF_HOUR,
        [utc("2026-11-23 01:20")],
        utc("2026-11-22 12:00"),
        utc("2026-11-23 02:00"),
    )

    assert missed == ()


def test_a_run_is_missed_when_the_deadline_has_come_and_not_before() -> None:
    after = utc("2026-11-22 12:00")
    deadline = utc("2026-11-23 02:00")
    moment = timedelta(seconds=1)

    assert missed_times(DAILY_0230, PARIS, HALF_HOUR, [], after, deadline - moment) == ()
    assert dues(missed_times(DAILY_0230, PARIS, HALF_HOUR, [], after, deadline)) == [utc("2026-11-23 01:30")]


def test_yesterdays_run_that_came_late_is_not_todays() -> None:
    missed = missed_times(
        DAILY_0230,
        PARIS,
        HALF_HOUR,
        [utc("2026-11-22 13:00")],
        utc("2026-11-22 12:00"),
        utc("2026-11-23 03:00"),
    )

    assert dues(missed) == [utc("2026-11-23 01:30")]


def test_what_was_due_before_the_watch_began_is_not_missed() -> None:
    begun = utc("2026-11-23 05:00")

    assert missed_times(DAILY_0230, PARIS, HALF_HOUR, [], begun, begun + timedelta(hours=5)) == ()


def test_each_missed_run_is_told_after_a_night_without_the_relay() -> None:
    missed = missed_times(DAILY_0230, PARIS, HALF_HOUR, [], utc("2026-11-20 12:00"), utc("2026-11-22 12:00"))

    assert dues(missed) == [utc("2026-11-21 01:30"), utc("2026-11-22 01:30")]


def test_what_is_days_ago_is_not_worth_an_alarm() -> None:
    missed = missed_times(DAILY_0230, PARIS, HALF_HOUR, [], utc("2026-01-01 12:00"), utc("2026-11-22 12:00"))

    assert len(missed) == 3


def test_the_first_run_of_the_span_is_the_one_that_was_expected() -> None:
    missed = Missed(
        due=utc("2026-11-23 01:30"), deadline=utc("2026-11-23 02:00"), begins=utc("2026-11-22 13:30")
    )
    runs = [utc("2026-11-22 13:00"), utc("2026-11-23 04:00"), utc("2026-11-23 05:00")]

    assert first_run(missed, runs) == 1


def test_a_rhythm_is_missed_when_it_and_the_grace_are_over() -> None:
    last, hour = utc("2026-11-23 01:00"), timedelta(hours=1)

    assert missed_rhythm(6 * hour, hour, last, last + 7 * hour - HALF_HOUR) == ()
    assert dues(missed_rhythm(6 * hour, hour, last, last + 7 * hour)) == [last + 6 * hour]


def test_usual_times_are_those_of_three_weeks_of_four() -> None:
    until = utc("2026-11-23 00:00")
    mondays = [until - timedelta(days=7 * week) + timedelta(hours=2, minutes=week) for week in (1, 2, 4)]
    once = [until - timedelta(days=3)]

    assert learned([*mondays, *once], PARIS, until) == (3 * 60 + 4,)


def test_a_usual_time_stays_on_the_wall_when_the_clocks_change() -> None:
    until = utc("2026-11-09 00:00")
    weeks = [datetime(2026, 10, 12, 3, 0, tzinfo=PARIS) + timedelta(days=7 * week) for week in range(4)]

    assert learned([at.astimezone(UTC) for at in weeks], PARIS, until) == (180,)


def test_runs_around_the_end_of_the_week_are_one() -> None:
    until = utc("2026-11-24 00:00")
    midnight = utc("2026-11-16 00:00")
    runs = [midnight - timedelta(minutes=10), midnight - 7 * DAY + timedelta(minutes=10), midnight - 14 * DAY]

    assert learned(runs, ZoneInfo("UTC"), until) == (10,)


def test_two_runs_of_one_night_are_no_habit() -> None:
    until = utc("2026-11-23 00:00")
    night = [until - DAY + timedelta(minutes=minute) for minute in range(0, 60, 10)]

    assert learned(night, PARIS, until) == ()
