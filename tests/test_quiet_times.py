"""The noise controls by the clock: time zones, clocks that change, 29 February, clocks that are set."""

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay import wiring
from relay.model import EventKind, Status, Workflow
from relay.planning import NewDelivery
from relay.quieting import Control, Facts, Quieted, Silence, Slot, SlotState, Terms, make_silence, quieted
from relay.schedules import Schedule, parse_days, parse_time
from tests.factories import NOON, make_event

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
THROTTLE_SLOT = '["throttle","chat","trunk","k"]'
ONCE_SLOT = '["once_per","chat","{{ branch }}","main"]'
DEDUPE_SLOT = '["dedupe","chat","workflow","w1","canceled"]'
TERMS = Terms(keys={"{{ branch }}": lambda event: event.branch or ""}, dedupe=DAY)
JUMPS = [-DAY, -HOUR, HOUR, DAY]


def named(jump: timedelta) -> str:
    return f"{jump.total_seconds() / 3600:+g}h"


def local(text: str, zone: tzinfo = PARIS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def office(zone: str, days: str = "mon-fri") -> Terms:
    hours = Schedule(
        days=parse_days(days),
        start=parse_time("09:00"),
        end=parse_time("19:00"),
        exceptions=frozenset(),
        zone=ZoneInfo(zone),
    )
    return Terms(schedules={"office": hours})


def judged(
    settings: dict[str, Any],
    now: datetime,
    terms: Terms = TERMS,
    slots: dict[str, Slot] | None = None,
    silences: tuple[Silence, ...] = (),
) -> Quieted:
    delivery = NewDelivery(
        id="d1", target="chat", kind="notify", destination="chat", route="trunk", settings=settings
    )
    event = make_event(kind=EventKind.WORKFLOW, status=Status.CANCELED, workflow=Workflow(id="w1"))
    facts = Facts(slots=slots or {}, silences=silences)
    return quieted(event, [delivery], terms, facts, now, "k", ())


def sent(name: str, at: datetime) -> dict[str, Slot]:
    return {name: Slot(state=SlotState.SENT, at=at)}


# Hours


@pytest.mark.parametrize(
    ("zone", "now", "opening"),
    [
        ("Europe/Paris", "2026-11-23 18:30", "2026-11-24 08:00"),
        ("America/New_York", "2026-11-23 13:30", "2026-11-23 14:00"),
        ("Asia/Tokyo", "2026-11-23 13:30", "2026-11-24 00:00"),
        ("Asia/Kolkata", "2026-11-23 13:30", "2026-11-24 03:30"),
        ("Australia/Lord_Howe", "2026-11-23 13:30", "2026-11-23 22:00"),
        ("Pacific/Kiritimati", "2026-11-23 13:30", "2026-11-23 19:00"),
        ("Pacific/Pago_Pago", "2026-11-23 13:30", "2026-11-23 20:00"),
    ],
)
def test_hours_begin_by_the_clock_of_their_zone(zone: str, now: str, opening: str) -> None:
    (delivery,) = judged({"during": "office"}, local(now, UTC), office(zone)).deliveries

    assert delivery.due_at == local(opening, UTC)


@pytest.mark.parametrize(
    ("saturday", "hours"),
    [("2026-11-21 20:00", 37), ("2026-03-28 20:00", 36), ("2026-10-24 20:00", 38)],
    ids=["any weekend", "clocks go forward", "clocks go back"],
)
def test_what_is_held_over_a_weekend_comes_when_the_office_opens(saturday: str, hours: int) -> None:
    now = local(saturday)

    (delivery,) = judged({"during": "office"}, now, office("Europe/Paris")).deliveries

    assert delivery.due_at is not None
    assert delivery.due_at - now == hours * HOUR
    assert f"{delivery.due_at.astimezone(PARIS):%a %H:%M}" == "Mon 09:00"


@pytest.mark.parametrize(
    ("now", "is_open"),
    [("2028-02-29 08:59", False), ("2028-02-29 09:00", True), ("2028-02-29 19:00", False)],
)
def test_29_february_is_a_day_like_others(now: str, is_open: bool) -> None:
    left = judged({"during": "office"}, local(now), office("Europe/Paris", "tue"))

    assert (not left.quiet) is is_open


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_hours_go_by_what_the_clock_says_now(jump: timedelta) -> None:
    monday = local("2026-11-23 12:00")

    left = judged({"during": "office"}, monday + jump, office("Europe/Paris"))

    assert bool(left.quiet) is (jump == -DAY)  # which is a Sunday


# Silences


@pytest.mark.parametrize(
    ("date", "hours"),
    [("2026-11-23", 3), ("2026-03-29", 2), ("2026-10-25", 4)],
    ids=["any night", "clocks go forward", "clocks go back"],
)
def test_a_silence_of_the_file_is_by_the_clock_on_the_wall(tmp_path: Path, date: str, hours: int) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(f"""\
version: 1
defaults: {{ timezone: Europe/Paris }}
notifiers: {{ console: {{ type: console }} }}
routes: [{{ notify: console }}]
silences: [{{ match: {{ branch: main }}, from: "{date} 01:00", until: "{date} 04:00" }}]
""")

    (silence,) = wiring.silences_of(wiring.load_config(str(file), {}))

    assert silence.starts_at is not None
    assert silence.until is not None
    assert silence.until - silence.starts_at == hours * HOUR


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_a_silence_ends_when_the_clock_says_so(jump: timedelta) -> None:
    silence = make_silence({"branch": "main"}, name="s1", until=NOON + HOUR)

    left = judged({}, NOON + jump, silences=(silence,))

    assert [each.control for each in left.quiet] == ([Control.SILENCE] if jump < HOUR else [])


# Slots


@pytest.mark.parametrize(
    "start",
    [local("2026-03-29 00:30"), local("2026-10-25 00:30"), local("2028-02-28 22:00"), NOON],
    ids=["clocks go forward", "clocks go back", "into 29 February", "any day"],
)
@pytest.mark.parametrize(
    ("settings", "name", "hours"),
    [({"throttle": 4 * 3600.0}, THROTTLE_SLOT, 4), ({}, DEDUPE_SLOT, 24)],
    ids=["throttle", "dedupe"],
)
def test_a_time_is_as_long_as_on_any_night(
    start: datetime, settings: dict[str, Any], name: str, hours: int
) -> None:
    slots = sent(name, start)

    before = judged(settings, start + hours * HOUR - timedelta(seconds=1), slots=slots)
    after = judged(settings, start + hours * HOUR, slots=slots)

    assert [(quiet.control.value, quiet.until) for quiet in before.quiet] == [
        (name.split('"')[1], start + hours * HOUR)
    ]
    assert after.quiet == ()


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_what_is_told_once_is_so_whatever_the_clock_did(jump: timedelta) -> None:
    left = judged({"once_per": "{{ branch }}"}, NOON + jump, slots=sent(ONCE_SLOT, NOON))

    assert [quiet.control for quiet in left.quiet] == [Control.ONCE_PER]


@pytest.mark.parametrize(
    ("jump", "is_told"),
    [(-DAY, True), (-HOUR, True), (HOUR, False), (DAY, True)],
    ids=["-24h", "-1h", "+1h", "+24h"],
)
def test_a_throttle_is_not_prolonged_by_a_clock_that_was_set(jump: timedelta, is_told: bool) -> None:
    left = judged({"throttle": 4 * 3600.0}, NOON + jump, slots=sent(THROTTLE_SLOT, NOON))

    assert (not left.quiet) is is_told


def test_after_the_clock_was_set_back_a_throttle_goes_on_from_the_next_message() -> None:
    throttled = {"throttle": 4 * 3600.0}
    first = judged(throttled, NOON - DAY, slots=sent(THROTTLE_SLOT, NOON))
    second = judged(throttled, NOON - DAY + HOUR, slots=sent(THROTTLE_SLOT, NOON - DAY))

    assert (len(first.deliveries), len(second.deliveries)) == (1, 0)


def test_clocks_of_workers_that_differ_by_seconds_tell_nothing_twice() -> None:
    left = judged({"throttle": 4 * 3600.0}, NOON, slots=sent(THROTTLE_SLOT, NOON + timedelta(seconds=5)))

    assert [quiet.control for quiet in left.quiet] == [Control.THROTTLE]


@pytest.mark.parametrize(
    ("jump", "is_told"),
    [(-DAY, False), (-HOUR, False), (HOUR, False), (DAY, True)],
    ids=["-24h", "-1h", "+1h", "+24h"],
)
def test_a_storm_is_told_once_though_the_clock_is_set_back(jump: timedelta, is_told: bool) -> None:
    left = judged({}, NOON + jump, slots=sent(DEDUPE_SLOT, NOON))

    assert (not left.quiet) is is_told


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_what_is_under_way_stays_so_whatever_the_clock_did(jump: timedelta) -> None:
    slots = {THROTTLE_SLOT: Slot(state=SlotState.UNDER_WAY, at=NOON)}

    left = judged({"throttle": 4 * 3600.0}, NOON + jump, slots=slots)

    assert [(quiet.control, quiet.until) for quiet in left.quiet] == [(Control.THROTTLE, None)]
