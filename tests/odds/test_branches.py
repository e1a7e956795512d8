"""Whether a branch is broken, and when that is said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.odds.branches import (
    BranchState,
    Run,
    Standing,
    Turn,
    advance,
    failed_twice,
    run_of,
    standings,
)
from relay.odds.breakage import Rates, commits_to_tell, is_too_flaky_to_tell, p_broken
from relay.odds.outage import is_outage
from relay.odds.outcomes import Logical, outcomes
from tests.factories import MINUTE, NOON
from tests.odds.making import DAY, OTHER, RED, RESET, attempt, run

C, F, H = Logical.CLEAN, Logical.FLAKE, Logical.HARD
USUAL = Rates(flakes=0.03, breaks=0.014, passes=0.855)
G, S, B, R = BranchState.GREEN, BranchState.SUSPECT, BranchState.BROKEN, BranchState.RECOVERING


def history(*kinds: Logical, rates: Rates | None = None) -> tuple[Standing, ...]:
    return standings([run(number, kind) for number, kind in enumerate(kinds)], RESET, rates)


@pytest.mark.parametrize(
    ("flakes", "without", "retried"),
    [
        (0.01, (0.58, 0.993, 1, 1), (0.90, 0.999, 1, 1)),
        (0.03, (0.32, 0.94, 0.998, 1), (0.76, 0.99, 1, 1)),
        (0.10, (0.12, 0.58, 0.93, 0.99), (0.48, 0.90, 0.99, 1)),
        (0.25, (0.05, 0.18, 0.46, 0.77), (0.27, 0.60, 0.85, 0.96)),
        (0.40, (0.03, 0.08, 0.17, 0.34), (0.19, 0.37, 0.59, 0.78)),
    ],
)
def test_p_broken_is_that_of_the_table(
    flakes: float, without: tuple[float, ...], retried: tuple[float, ...]
) -> None:
    rates = replace(USUAL, flakes=flakes)

    found = [[p_broken(commits, tried, rates) for commits in (1, 2, 3, 4)] for tried in (0, 1)]

    assert found[0] == pytest.approx(without, abs=0.0051)
    assert found[1] == pytest.approx(retried, abs=0.0051)


@pytest.mark.parametrize(
    ("flakes", "commits"), [(0.01, (2, 2)), (0.03, (3, 2)), (0.1, (4, 4)), (0.25, (7, 6)), (0.4, (10, 8))]
)
def test_the_flakier_a_job_the_more_commits_it_takes(flakes: float, commits: tuple[int, int]) -> None:
    rates = replace(USUAL, flakes=flakes)

    assert (commits_to_tell(rates), commits_to_tell(rates, failed_retries=1)) == commits


def test_a_job_that_always_fails_by_chance_never_tells() -> None:
    assert commits_to_tell(replace(USUAL, flakes=0.99)) == 1000


@pytest.mark.parametrize(("flakes", "told"), [(0.25, False), (0.26, True)])
def test_a_job_flakier_than_a_quarter_is_called_useless(flakes: float, told: bool) -> None:
    assert is_too_flaky_to_tell(flakes) is told


@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.1])
def test_rates_of_nought_or_one_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="every rate must be above 0 and below 1"):
        replace(USUAL, flakes=wrong)


@given(
    st.builds(
        Rates, flakes=st.floats(0.001, 0.999), breaks=st.floats(0.001, 0.5), passes=st.floats(0.01, 0.99)
    ),
    st.integers(0, 20),
    st.integers(0, 3),
)
def test_no_failure_ever_makes_a_break_less_likely(rates: Rates, commits: int, retried: int) -> None:
    before = p_broken(commits, retried, rates)

    assert 0 <= before <= p_broken(commits + 1, retried, rates) <= 1
    assert before <= p_broken(commits, retried + 1, rates)


def test_a_branch_breaks_after_three_commits_and_mends_after_two_passes() -> None:
    found = history(C, H, H, H, C, C, rates=USUAL)

    assert [each.state for each in found] == [G, S, S, B, R, G]
    assert [each.turn for each in found] == [None, None, None, Turn.BROKE, None, Turn.MENDED]


def test_with_one_failed_retry_two_commits_are_enough() -> None:
    found = standings([run(1, C), run(2, H, failed_retries=1), run(3, H)], RESET, USUAL)

    assert (found[-1].state, round(found[-1].p_broken, 2)) == (B, 0.99)


def test_the_break_and_its_end_name_the_first_bad_and_the_last_good_commit() -> None:
    found = history(C, C, H, H, H, C, C, rates=USUAL)

    told = [(each.last_good, each.first_bad) for each in found if each.turn]

    assert told == [("c1", "c2"), ("c1", "c2")]


def test_a_break_that_goes_on_is_told_once() -> None:
    found = history(C, *[H] * 12, rates=USUAL)

    assert [each.turn for each in found if each.turn] == [Turn.BROKE]


def test_failing_again_while_recovering_is_the_same_break() -> None:
    found = history(C, H, H, H, C, H, C, C, rates=USUAL)

    assert [each.state for each in found[3:]] == [B, R, B, R, G]
    assert [each.turn for each in found if each.turn] == [Turn.BROKE, Turn.MENDED]


def test_a_mended_branch_that_fails_once_more_is_only_suspected() -> None:
    last = history(C, H, H, H, C, C, H, rates=USUAL)[-1]

    assert (last.state, last.turn, last.last_good, last.first_bad) == (S, None, "c5", "c6")


def test_a_second_break_is_told_like_the_first() -> None:
    found = history(C, H, H, H, C, C, H, H, H, C, C, rates=USUAL)

    told = [(each.turn, each.last_good, each.first_bad) for each in found if each.turn]

    first, second = ("c0", "c1"), ("c5", "c6")
    assert told == [(turn, *named) for named in (first, second) for turn in (Turn.BROKE, Turn.MENDED)]


def test_a_pass_takes_suspicion_away() -> None:
    found = history(C, H, H, C, H, rates=USUAL)

    assert (found[3].state, found[4].state, found[4].first_bad) == (G, S, "c4")


def test_a_retry_that_goes_green_takes_suspicion_away_too() -> None:
    assert [each.state for each in history(H, F, rates=USUAL)] == [S, G]


def test_a_retry_that_goes_green_mends_nothing_that_is_broken() -> None:
    assert [each.state for each in history(C, H, H, H, F, F, rates=USUAL)][-2:] == [B, B]


def test_other_failures_of_the_job_neither_break_nor_mend() -> None:
    runs = [run(0, H), run(1, H, fingerprint=OTHER), run(2, H)]

    assert [len(each.bad) for each in standings(runs, RESET, USUAL)] == [1, 1, 2]
    assert [len(each.bad) for each in standings(runs, OTHER, USUAL)] == [0, 1, 1]


def test_without_history_three_commits_in_a_row_are_broken() -> None:
    assert [each.state for each in history(C, H, H, H)] == [G, S, S, B]


def test_without_history_two_commits_are_broken_when_one_was_retried() -> None:
    found = standings([run(1, H, failed_retries=1), run(2, H)], RESET)

    assert [each.state for each in found] == [S, B]


def test_one_commit_is_counted_once_however_often_it_is_told() -> None:
    runs = [run(1, H), run(1, H), run(1, H, failed_retries=1)]

    (last,) = standings(runs, RESET)[-1:]

    assert (last.state, len(last.bad), last.bad[0].failed_retries) == (S, 1, 1)


def test_the_same_commit_passing_twice_has_not_recovered() -> None:
    broken = history(C, H, H, H)[-1]

    again = advance(advance(broken, run(9, C)), run(9, C))

    assert again.state is R


def test_a_late_pass_of_an_older_commit_says_nothing_of_the_break() -> None:
    broken = standings([run(2, H), run(3, H), run(4, H)], RESET)[-1]

    assert advance(broken, run(1, C)).state is B


def test_runs_are_taken_in_the_order_of_their_pushes() -> None:
    runs = [run(number, kind) for number, kind in enumerate([C, H, H, H, C])]

    assert standings(reversed(runs), RESET)[-1] == standings(runs, RESET)[-1]


def test_a_very_long_break_is_still_known_by_its_first_commit() -> None:
    last = history(C, *[H] * 200, rates=USUAL)[-1]

    assert (last.first_bad, len(last.bad)) == ("c1", 50)


def test_an_outcome_becomes_a_run_with_its_failed_retries() -> None:
    (found,) = outcomes([attempt(RED), attempt(RED, minutes=20)])

    expected = Run(commit="a1", pushed=NOON, kind=H, fingerprint=RESET, failed_retries=1)
    assert run_of(found, NOON) == expected


@given(st.lists(st.sampled_from([C, F, H]), max_size=40))
def test_what_breaks_and_what_mends_take_turns(kinds: list[Logical]) -> None:
    found = history(*kinds, rates=USUAL)
    turns = [each.turn for each in found if each.turn]

    assert all(each.p_broken >= 0.99 for each in found if each.turn is Turn.BROKE)
    assert turns == [Turn.BROKE if number % 2 == 0 else Turn.MENDED for number in range(len(turns))]


@pytest.mark.parametrize(
    ("minutes", "passes", "found"),
    [
        ([0, 10, 30], [], True),
        ([0, 10, 31], [], False),
        ([0, 10], [5], False),
        ([0, 10], [-1, 31], True),
        ([], [], False),
    ],
    ids=["within half an hour", "longer", "a sibling passed", "a sibling passed outside", "nothing failed"],
)
def test_failures_of_half_an_hour_in_which_nobody_passed_are_an_outage(
    minutes: list[int], passes: list[int], found: bool
) -> None:
    failing, siblings = ([NOON + each * MINUTE for each in some] for some in (minutes, passes))

    assert is_outage(failing, siblings) is found


@pytest.mark.parametrize(
    ("pushes", "genuine"),
    [
        ([run(1, H), run(2, H)], True),
        ([run(1, H)], False),
        ([run(1, H), run(2, H, fingerprint=OTHER)], False),
        ([run(1, H), run(2, C), run(3, H)], False),
        ([run(1, H), run(2, F)], False),
        ([run(1, H), replace(run(1, H), pushed=NOON + DAY)], False),
        ([replace(run(each, H), fingerprint=None) for each in (1, 2)], False),
    ],
    ids=["alike", "one", "differently", "a pass between", "passed on retry", "one commit", "unknown"],
)
def test_a_pull_request_that_fails_alike_on_two_pushes_is_genuine(pushes: list[Run], genuine: bool) -> None:
    assert failed_twice(pushes) is genuine


def test_a_real_break_is_announced_within_three_commits_of_a_usual_job() -> None:
    announced = next(n for n, each in enumerate(history(*[H] * 9, rates=USUAL), 1) if each.turn)

    assert announced == 3
