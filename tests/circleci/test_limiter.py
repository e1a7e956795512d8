"""All threads together stay below the limits."""

import time

import pytest

from relay.circleci.limiter import REQUESTS, WINDOW_S, Limiter
from tests.circleci.conftest import Clock, flood

FOREVER = float("inf")


def test_the_first_burst_goes_at_once_and_the_next_request_waits_for_the_window(clock: Clock) -> None:
    limiter = Limiter(3, 2.0, clock=clock, sleep=clock.sleep)

    for _ in range(4):
        limiter.wait(FOREVER)

    assert clock.slept == [2.0]


def test_a_place_after_the_deadline_is_not_taken(clock: Clock) -> None:
    limiter = Limiter(1, 2.0, clock=clock, sleep=clock.sleep)
    limiter.wait(FOREVER)

    away = limiter.wait(clock() + 1.0)
    clock.seconds += 2.0

    assert (away, limiter.wait(clock())) == (2.0, 0.0)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7.0),
        ({"X-RateLimit-Remaining-Minute": "0", "X-RateLimit-Reset-Minute": "11"}, 11.0),
        (
            {
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": "3",
                "X-RateLimit-Remaining-Hour": "0",
                "X-RateLimit-Reset-Hour": "30",
            },
            30.0,
        ),
        ({"X-RateLimit-Remaining-Second": "0"}, 1.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "100000"}, 3600.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1795435200"}, 2.0),
    ],
)
def test_a_used_up_limit_makes_everybody_wait(headers: dict[str, str], pause: float, clock: Clock) -> None:
    limiter = Limiter(clock=clock, sleep=clock.sleep)

    limiter.learn(headers)
    limiter.wait(FOREVER)

    assert clock.slept == [pause]


@pytest.mark.parametrize(
    "headers", [{}, {"RateLimit-Remaining": "5", "RateLimit-Reset": "9"}, {"RateLimit-Remaining": "x"}]
)
def test_what_is_left_of_a_limit_stops_nobody(headers: dict[str, str], clock: Clock) -> None:
    limiter = Limiter(clock=clock, sleep=clock.sleep)

    limiter.learn(headers)
    limiter.wait(FOREVER)

    assert clock.slept == []


def test_a_lower_limit_per_second_is_kept(clock: Clock) -> None:
    limiter = Limiter(40, 2.0, clock=clock, sleep=clock.sleep)
    limiter.learn({"X-RateLimit-Limit-Second": "1"})

    for _ in range(3):
        limiter.wait(FOREVER)

    assert clock.slept == [2.0]


def test_threads_share_the_limit() -> None:
    limiter = Limiter(4, 0.2)
    went: list[float] = []

    def go() -> None:
        limiter.wait(FOREVER)
        went.append(time.monotonic())

    flood(go, threads=5, each=2)

    went.sort()
    assert went[9] - went[0] >= 0.39


def test_a_flood_of_threads_never_gets_more_places_than_the_limit_in_any_window() -> None:
    given: list[float] = []
    limiter = Limiter(clock=lambda: 0.0, sleep=given.append)  # time stands still: everybody comes at once

    flood(lambda: limiter.wait(FOREVER), threads=50, each=20)

    at = [0.0] * (1000 - len(given)) + sorted(given)
    assert len(at) == 1000
    assert all(later - earlier >= WINDOW_S for earlier, later in zip(at, at[REQUESTS:], strict=False))


def test_who_waits_for_a_place_in_a_pause_that_begins_meanwhile_waits_for_its_end(clock: Clock) -> None:
    def sleep(seconds: float) -> None:
        if not clock.slept:
            limiter.pause(30.0)  # somebody else was answered 429
        clock.sleep(seconds)

    limiter = Limiter(1, 2.0, clock=clock, sleep=sleep)
    start = clock()
    limiter.wait(FOREVER)

    limiter.wait(FOREVER)

    assert clock() - start == 30.0


def test_a_pause_that_begins_meanwhile_and_ends_too_late_is_told(clock: Clock) -> None:
    def sleep(seconds: float) -> None:
        limiter.pause(30.0)
        clock.sleep(seconds)

    limiter = Limiter(1, 2.0, clock=clock, sleep=sleep)
    limiter.wait(FOREVER)

    assert limiter.wait(clock() + 10.0) == 28.0
