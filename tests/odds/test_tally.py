"""Sums that decay, in whatever order they come."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.odds.beta import Beta, posterior
from relay.odds.tally import NOTHING_SEEN, Tally
from tests.factories import NOON
from tests.odds.making import DAY

Seen = tuple[bool, float, int]  # hit, weight, hours before noon
SEEN = st.tuples(st.booleans(), st.sampled_from([0.2, 0.5, 1.0]), st.integers(0, 24 * 90))


def tally(seen: list[Seen]) -> Tally:
    found = NOTHING_SEEN
    for hit, weight, hours in seen:
        found = found.add(hit, weight, NOON - timedelta(hours=hours))
    return found


def same(one: Tally, other: Tally) -> bool:
    return (
        one.hits == pytest.approx(other.hits)
        and one.misses == pytest.approx(other.misses)
        and (one.as_of, one.hits_seen, one.misses_seen) == (other.as_of, other.hits_seen, other.misses_seen)
    )


@pytest.mark.parametrize(("days", "left"), [(0, 1.0), (14, 0.5), (28, 0.25), (7, 0.5**0.5)])
def test_what_was_seen_fourteen_days_ago_counts_half(days: int, left: float) -> None:
    assert NOTHING_SEEN.add(True, 1.0, NOON).at(NOON + days * DAY).hits == pytest.approx(left)


def test_counts_never_decay() -> None:
    later = NOTHING_SEEN.add(True, 0.5, NOON).add(False, 1.0, NOON).at(NOON + 1000 * DAY)

    assert (later.hits_seen, later.misses_seen, later.seen) == (1, 1, 2)


def test_a_clock_that_runs_behind_makes_nothing_grow() -> None:
    assert NOTHING_SEEN.add(True, 1.0, NOON).at(NOON - DAY).hits == 1.0


def test_an_observation_without_weight_changes_nothing() -> None:
    assert NOTHING_SEEN.add(True, 0.0, NOON) == NOTHING_SEEN


@given(st.lists(SEEN), st.randoms())
def test_any_order_of_observations_makes_the_same_tally(seen: list[Seen], random: object) -> None:
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random

    assert same(tally(shuffled), tally(seen))


@given(st.lists(SEEN), st.lists(SEEN))
def test_tallies_kept_apart_merge_to_what_one_would_hold(one: list[Seen], other: list[Seen]) -> None:
    assert same(tally(one).merge(tally(other)), tally(one + other))


@given(st.lists(SEEN), SEEN)
def test_what_is_taken_back_leaves_no_trace(seen: list[Seen], more: Seen) -> None:
    hit, weight, hours = more
    at = NOON - timedelta(hours=hours)

    with_it = tally(seen).add(hit, weight, at)
    without = with_it.take_back(hit, weight, at)

    assert same(without, tally(seen).at(without.as_of))


@given(st.lists(SEEN), st.integers(0, 400), st.integers(0, 400))
def test_waiting_twice_is_waiting_once(seen: list[Seen], first: int, second: int) -> None:
    begun = tally(seen)
    soon, late = NOON + first * DAY, NOON + (first + second) * DAY

    assert same(begun.at(soon).at(late), begun.at(late))


@given(st.lists(SEEN))
def test_the_mean_stays_between_nought_and_one(seen: list[Seen]) -> None:
    assert 0 < posterior(Beta(a=1, b=49), tally(seen), NOON).mean < 1


@given(st.lists(SEEN))
def test_with_time_belief_returns_to_the_prior(seen: list[Seen]) -> None:
    assert posterior(Beta(a=1, b=49), tally(seen), NOON + 3650 * DAY).mean == pytest.approx(0.02)


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (-1, 2)])
def test_a_belief_without_counts_is_refused(a: float, b: float) -> None:
    with pytest.raises(ValueError, match="both counts must be above 0"):
        Beta(a=a, b=b)
