"""Known flaky: entered by evidence, left after a quiet while; and Wilson's interval behind it."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from relay.odds.known import NEVER_SEEN, Flakiness, is_known, observe
from relay.odds.outcomes import Logical
from relay.odds.wilson import interval
from tests.factories import NOON
from tests.odds.making import DAY, outcome

C, F, H = Logical.CLEAN, Logical.FLAKE, Logical.HARD


def after(*kinds: Logical, at: datetime = NOON, start: Flakiness = NEVER_SEEN) -> Flakiness:
    for kind in kinds:
        start = observe(start, outcome(kind, at=at))
    return start


def test_six_flakes_of_178_commits_show_as_in_the_worked_example() -> None:
    low, high = interval(6, 178)

    assert (round(low * 100, 1), round(high * 100, 1)) == (1.6, 7.2)


def test_nothing_seen_means_anything_is_possible() -> None:
    assert interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_bounds(seen: tuple[int, int]) -> None:
    low, high = interval(*seen)

    assert 0 <= low <= seen[0] / seen[1] <= high <= 1


@given(st.integers(0, 50), st.integers(1, 50))
def test_more_of_the_same_narrows_the_interval(hits: int, misses: int) -> None:
    (low, high), (lower, higher) = interval(10 * hits, 10 * (hits + misses)), interval(hits, hits + misses)

    assert high - low < higher - lower


def test_one_flake_is_not_enough() -> None:
    assert not is_known(after(F, C, C), NOON)


def test_two_flakes_among_few_commits_are() -> None:
    assert is_known(after(F, C, C, F), NOON)


def test_two_flakes_among_hundreds_of_commits_are_not() -> None:
    assert not is_known(after(F, *[C] * 99, F), NOON)


def test_the_counts_of_the_worked_example_are_known_flaky() -> None:
    assert is_known(after(*[C] * 28, *[*[C] * 24, F] * 6), NOON)


def test_hard_outcomes_and_flakes_of_no_weight_change_nothing() -> None:
    weightless = outcome(F, weight=0.0)

    assert observe(after(F, H), weightless) == after(F)


def test_a_hundred_clean_commits_in_a_day_are_not_enough_to_leave() -> None:
    assert is_known(after(F, F, *[C] * 100), NOON + DAY)


def test_fourteen_quiet_days_with_few_commits_are_not_enough_to_leave() -> None:
    assert is_known(after(F, F, *[C] * 99), NOON + 30 * DAY)


def test_a_hundred_clean_commits_and_fourteen_quiet_days_are() -> None:
    assert not is_known(after(F, F, *[C] * 100), NOON + 14 * DAY)


def test_who_has_left_must_flake_twice_again() -> None:
    left = after(F, F, *[C] * 100)

    once = after(F, at=NOON + 15 * DAY, start=left)
    twice = after(F, at=NOON + 16 * DAY, start=once)

    assert (once.known, twice.known) == (False, True)


def test_a_flake_begins_the_quiet_while_anew() -> None:
    state = after(F, at=NOON + 10 * DAY, start=after(F, F, *[C] * 99))

    assert is_known(after(*[C] * 99, at=NOON + 11 * DAY, start=state), NOON + 40 * DAY)
