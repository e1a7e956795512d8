"""A clock that a jump of the wall clock cannot move."""

from datetime import UTC, datetime, timedelta

import pytest

from relay.clock import JUMP_S, SteadyClock

SECOND = timedelta(seconds=1)
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Times:
    """A wall clock and a monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.wall_s = START.timestamp()
        self.monotonic_s = 100.0
        self.clock = SteadyClock(wall=lambda: self.wall_s, monotonic=lambda: self.monotonic_s)

    def pass_(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds


@pytest.fixture
def times() -> Times:
    return Times()


def test_it_starts_at_wall_time(times: Times) -> None:
    assert times.clock.now() == START


def test_it_goes_on_with_the_monotonic_clock(times: Times) -> None:
    times.pass_(7)

    assert times.clock.now() == START + 7 * SECOND


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_jump_of_the_wall_clock_does_not_move_it(times: Times, jump: float) -> None:
    times.wall_s += jump

    assert times.clock.now() == START


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_jump_is_told_once_and_then_followed(times: Times, jump: float) -> None:
    times.wall_s += jump

    told = [times.clock.has_jumped(), times.clock.has_jumped()]

    assert told == [True, False]
    assert times.clock.now() == START + jump * SECOND


@pytest.mark.parametrize("drift", [-JUMP_S, JUMP_S])
def test_drift_is_left_alone(times: Times, drift: float) -> None:
    times.wall_s += drift

    assert not times.clock.has_jumped()
    assert times.clock.now() == START


def test_time_that_only_passed_is_no_jump(times: Times) -> None:
    times.pass_(86_400)

    assert not times.clock.has_jumped()


def test_it_tells_real_time_by_default() -> None:
    assert abs(SteadyClock().now() - datetime.now(UTC)) < SECOND
