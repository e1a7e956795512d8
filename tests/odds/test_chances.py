"""Terms and what they make of the odds."""

from dataclasses import replace
from datetime import timedelta
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.failures.record import FailureClass
from relay.odds.beta import Beta
from relay.odds.case import Case, terms_of
from relay.odds.chances import FailedRetry, failed_retry, log_odds, p_passes
from relay.odds.decide import decide
from relay.odds.terms import Elsewhere, FailedTest, Term, breadth, diff, elsewhere, failing_tests, log_lines
from tests.factories import MINUTE
from tests.odds.making import case

SHARES = st.floats(0.001, 0.999)
RATIOS = st.floats(0.001, 1000)
CASES = st.builds(
    lambda **drawn: case(**drawn),
    failure_class=st.sampled_from(FailureClass),
    flake_rate=SHARES,
    break_rate=SHARES,
    success=st.builds(Beta, a=st.floats(0.01, 100), b=st.floats(0.01, 100)),
    lr_transient=RATIOS,
    lr_genuine=RATIOS,
    tests=st.lists(
        st.builds(FailedTest, known_flaky=st.booleans(), clean=st.integers(0, 100), in_diff=st.booleans()),
        max_size=3,
    ).map(tuple),
    failed_jobs=st.integers(0, 10),
    failed_tests=st.integers(0, 40),
    elsewhere=st.sampled_from(Elsewhere),
    failed_retries=st.lists(st.builds(FailedRetry, same=st.booleans()), max_size=3).map(tuple),
    pull_request=st.booleans(),
)


def factor(term: Term | None) -> float:
    return 1.0 if term is None else round(term.factor, 6)


@pytest.mark.parametrize(
    ("transient", "genuine", "value"),
    [(12.0, 1.0, log(12)), (12.0, 0.5, log(6)), (1000.0, 1.0, 3.7), (1.0, 0.0001, -3.5), (1.0, 0.0, -3.5)],
)
def test_lines_of_the_log_speak_together_and_only_so_loud(
    transient: float, genuine: float, value: float
) -> None:
    term = log_lines(transient, genuine)

    assert term
    assert term.log == pytest.approx(value)


def test_a_log_without_a_known_line_says_nothing() -> None:
    assert log_lines(1.0, 1.0) is None


def test_lines_for_and_against_are_both_told() -> None:
    term = log_lines(12.0, 0.05)

    assert term
    assert term.words == (
        "its log has a line seen 12 times as often in failures that pass again "
        "and its log has a line seen 20 times as often in failures that stay"
    )


@pytest.mark.parametrize(
    ("failed", "times"),
    [
        ((), 1),
        ((FailedTest(),), 1),
        ((FailedTest(known_flaky=True),), 6),
        ((FailedTest(known_flaky=True), FailedTest()), 1),
        ((FailedTest(known_flaky=True, is_new=True),), 1),
        ((FailedTest(clean=49),), 1),
        ((FailedTest(known_flaky=True), FailedTest(clean=50)), 0.25),
        ((FailedTest(known_flaky=True, clean=500),), 6),
    ],
    ids=["none", "unknown", "flaky", "not all", "new", "too young", "stable", "flaky for long"],
)
def test_tests_speak_by_what_is_known_of_them(failed: tuple[FailedTest, ...], times: float) -> None:
    assert factor(failing_tests(failed)) == times


@pytest.mark.parametrize(
    ("jobs", "failing", "times"), [(5, 20, 1), (6, 0, 0.2), (1, 21, 0.2)], ids=["few", "jobs", "tests"]
)
def test_many_failures_at_once_are_seldom_chance(jobs: int, failing: int, times: float) -> None:
    assert factor(breadth(jobs, failing)) == times


@pytest.mark.parametrize(
    ("where", "times"),
    [
        (Elsewhere.NOWHERE, 1),
        (Elsewhere.BRANCHES, 8),
        (Elsewhere.PROJECTS, 8),
        (Elsewhere.DEFAULT_BRANCH, 1),
    ],
)
def test_what_others_meet_too_is_not_this_change(where: Elsewhere, times: float) -> None:
    assert factor(elsewhere(where)) == times


@pytest.mark.parametrize(("touched", "times"), [(False, 1), (True, 0.2)])
def test_a_change_to_the_failing_test_is_suspicious(touched: bool, times: float) -> None:
    assert factor(diff([FailedTest(in_diff=touched)])) == times


@pytest.mark.parametrize(
    ("failure_class", "gap", "times"),
    [
        (FailureClass.NET, 5 * MINUTE, 0.2 / 0.98),
        (FailureClass.NET, 299 * timedelta(seconds=1), 0.2**0.5 / 0.98),
        (FailureClass.QUOTA, MINUTE, 0.2**0.5 / 0.98),
        (FailureClass.TEST, MINUTE, 0.2 / 0.98),
    ],
    ids=["apart", "close", "close, quota", "close, another class"],
)
def test_network_retries_in_quick_succession_say_less(
    failure_class: FailureClass, gap: timedelta, times: float
) -> None:
    term = failed_retry(FailedRetry(same=True, gap=gap), 0.8, failure_class)

    assert term.factor == pytest.approx(times)


def test_a_retry_that_fails_in_another_way_says_little() -> None:
    term = failed_retry(FailedRetry(same=False), 0.8, FailureClass.NET, 2)

    assert (factor(term), term.words) == (0.7, "retry 2 failed in another way: unstable")


def test_only_a_failure_alike_lowers_what_is_believed_of_retries() -> None:
    same, other = (decide(case(failed_retries=(FailedRetry(same=each),))).success for each in (True, False))

    assert [round(same, 3), round(other, 3)] == [0.783, 0.855]


def test_when_evidence_goes_beyond_the_limit_it_says_so() -> None:
    terms = terms_of(case(flake_rate=0.9, break_rate=0.001))

    assert (terms[-1].name, terms[-1].words) == ("limit", "taken no further than 400 to 1")
    assert log_odds(terms) == pytest.approx(6)


@given(CASES)
def test_the_terms_add_up_to_what_is_judged(weighed: Case) -> None:
    judged = decide(weighed)

    total = sum(each.log for each in judged.terms)

    assert total == pytest.approx(log(judged.p_transient / (1 - judged.p_transient)), abs=1e-6)


@given(CASES)
def test_every_chance_stays_within_its_bounds(weighed: Case) -> None:
    judged = decide(weighed)

    assert 0.002 < judged.p_transient < 0.998
    assert min(0.02, judged.success) - 1e-9 <= judged.p_passes <= max(0.02, judged.success) + 1e-9
    assert judged.rho_star > 0
    assert (judged.at_most > 0) is judged.is_worth_it


@given(CASES)
def test_a_failed_retry_never_makes_a_retry_likelier_to_pass(weighed: Case) -> None:
    again = replace(weighed, failed_retries=(*weighed.failed_retries, FailedRetry(same=True)))

    assert decide(again).p_transient <= decide(weighed).p_transient + 1e-9
    assert decide(again).success <= decide(weighed).success


@given(CASES, st.floats(1, 100))
def test_a_stronger_line_never_makes_it_less_transient(weighed: Case, times: float) -> None:
    stronger = replace(weighed, lr_transient=weighed.lr_transient * times)

    assert decide(stronger).p_transient >= decide(weighed).p_transient - 1e-9


@given(CASES, st.floats(0, 0.9))
def test_a_job_that_flakes_more_is_never_less_transient(weighed: Case, more: float) -> None:
    flakier = replace(weighed, flake_rate=min(0.999, weighed.flake_rate + more))

    assert decide(flakier).p_transient >= decide(weighed).p_transient - 1e-9


@given(CASES, st.floats(0, 0.9))
def test_a_job_that_breaks_more_is_never_more_transient(weighed: Case, more: float) -> None:
    breaking = replace(weighed, break_rate=min(0.999, weighed.break_rate + more))

    assert decide(breaking).p_transient <= decide(weighed).p_transient + 1e-9


@given(SHARES, SHARES)
def test_a_retry_passes_no_less_often_than_a_genuine_failure_does(transient: float, success: float) -> None:
    assert p_passes(transient, success) >= min(success, 0.02) - 1e-12
