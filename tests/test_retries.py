"""When a delivery is tried again."""

from datetime import timedelta
from typing import Any

import pytest

from relay.errors import DeliveryError
from relay.retries import next_try
from tests.factories import NOON

SCHEDULE = (5.0, 30.0, 120.0)
DAY = 86_400.0
BUSY = DeliveryError("HTTP 503", status=503)


def seconds(number: int, error: DeliveryError = BUSY, **changes: Any) -> float | None:
    """The wait before the next try, without jitter unless told otherwise."""
    settings = {"give_up_after": DAY, "first_at": NOON, "jitter": lambda: 0.5, **changes}
    due = next_try(SCHEDULE, number, error, NOON, **settings)
    return None if due is None else (due - NOON).total_seconds()


@pytest.mark.parametrize(("number", "wait"), [(1, 5.0), (2, 30.0), (3, 120.0), (4, 120.0), (50, 120.0)])
def test_waits_follow_the_schedule_and_the_last_one_repeats(number: int, wait: float) -> None:
    assert seconds(number) == wait


@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 24.0), (0.5, 30.0), (0.999_999, 36.0)])
def test_jitter_moves_a_wait_by_a_fifth_at_most(drawn: float, wait: float) -> None:
    assert seconds(2, jitter=lambda: drawn) == pytest.approx(wait, abs=0.001)


def test_a_permanent_error_is_not_tried_again() -> None:
    assert seconds(1, DeliveryError("HTTP 404", permanent=True)) is None


def test_a_longer_wait_that_was_asked_for_is_kept() -> None:
    assert seconds(1, DeliveryError("HTTP 429", retry_after=90.5)) == 90.5


def test_a_shorter_wait_that_was_asked_for_changes_nothing() -> None:
    assert seconds(1, DeliveryError("HTTP 429", retry_after=1)) == 5.0


def test_it_gives_up_when_the_next_try_would_come_too_late() -> None:
    assert seconds(3, first_at=NOON - timedelta(seconds=DAY - 119)) is None


def test_it_tries_once_more_just_before_giving_up() -> None:
    assert seconds(3, first_at=NOON - timedelta(seconds=DAY - 120)) == 120.0


def test_an_absurd_wait_that_was_asked_for_means_giving_up() -> None:
    assert seconds(1, DeliveryError("HTTP 429", retry_after=1e18)) is None


def test_an_empty_schedule_means_one_try() -> None:
    assert next_try((), 1, BUSY, NOON, give_up_after=DAY, first_at=NOON, jitter=lambda: 0.5) is None
