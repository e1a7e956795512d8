"""How much a destination bears: pure arithmetic."""

import math

import pytest

from relay.store.limits import (
    Destination,
    Limit,
    after_failure,
    allowed,
    charged,
    opens_at,
    paused,
    rotate,
    share,
)

NOW_S = 1_000_000.0
TWO_A_SECOND = Limit(rate=2.0, burst=3)


def make_destination(**overrides: float) -> Destination:
    return Destination(key="team-slack", **overrides)  # type: ignore[arg-type]  # all numbers


@pytest.mark.parametrize(
    ("limit", "in_flight", "most"),
    [
        (Limit(in_flight=3), 0, 3),
        (Limit(in_flight=3), 2, 1),
        (Limit(in_flight=3), 5, 0),
    ],
    ids=["nothing in flight", "two in flight", "more in flight than a lowered limit"],
)
def test_rows_in_flight_use_up_the_limit(limit: Limit, in_flight: int, most: int) -> None:
    assert allowed(make_destination(in_flight=in_flight), limit, NOW_S) == most


def test_a_quiet_destination_bears_its_burst() -> None:
    assert allowed(make_destination(), TWO_A_SECOND, NOW_S) == 3


def test_tokens_come_back_at_the_rate() -> None:
    used_up = make_destination(arrival_at=charged(make_destination(), TWO_A_SECOND, 3, NOW_S))

    assert [allowed(used_up, TWO_A_SECOND, NOW_S + s) for s in (0, 0.4, 0.5, 1.0, 9.0)] == [0, 0, 1, 2, 3]
    assert opens_at(used_up, TWO_A_SECOND, NOW_S) == NOW_S + 0.5


def test_a_clock_set_back_costs_no_more_than_a_burst() -> None:
    ahead = make_destination(arrival_at=NOW_S + 3600)

    assert opens_at(ahead, TWO_A_SECOND, NOW_S) == NOW_S + 0.5


def test_a_paused_destination_opens_when_the_pause_ends() -> None:
    waiting = paused(make_destination(), NOW_S, 30)

    assert allowed(waiting, Limit(), NOW_S + 29.9) == 0
    assert allowed(waiting, Limit(), NOW_S + 30) > 0
    assert opens_at(waiting, Limit(), NOW_S) == NOW_S + 30


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    assert paused(paused(make_destination(), NOW_S, 30), NOW_S, 5).paused_until == NOW_S + 30


def test_a_full_destination_opens_by_no_clock() -> None:
    assert opens_at(make_destination(in_flight=1), Limit(in_flight=1), NOW_S) == math.inf


def test_the_circuit_opens_with_the_third_failure_and_pauses_ever_longer() -> None:
    destination, pauses = make_destination(), []
    for second in range(10):
        destination = after_failure(destination, NOW_S + second * 100, NOW_S + second * 100)
        pauses.append(destination.pause_s)

    assert pauses == [0, 0, 2, 4, 8, 16, 32, 60, 60, 60]
    assert allowed(destination, Limit(in_flight=8), NOW_S + 2000) == 1


def test_failures_side_by_side_count_once() -> None:
    destination = make_destination()
    for ended in (10.0, 11.0, 12.0, 13.0):
        destination = after_failure(destination, started=NOW_S, ended=NOW_S + ended)

    assert destination.failures == 1


def test_room_is_shared_evenly_and_what_one_cannot_use_goes_to_others() -> None:
    assert share(10, {"flood": 1000, "small": 2, "middle": 5}) == {"small": 2, "middle": 4, "flood": 4}


def test_too_little_room_goes_to_the_first() -> None:
    assert share(2, {"c": 9, "a": 9, "b": 1}) == {"c": 1, "a": 1}


def test_everyone_is_first_in_turn() -> None:
    assert rotate(["c", "a", "b"], "") == ["a", "b", "c"]
    assert rotate(["c", "a", "b"], "a") == ["b", "c", "a"]
    assert rotate(["c", "a", "b"], "c") == ["a", "b", "c"]
