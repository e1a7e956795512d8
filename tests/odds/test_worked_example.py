"""`integration` on `main`: the worked example of docs/odds.md, number by number."""

from dataclasses import replace

import pytest

from relay.failures.record import FailureClass
from relay.odds.beta import Beta
from relay.odds.case import Case
from relay.odds.chances import FailedRetry, p_transient
from relay.odds.decide import Advice, decide
from relay.odds.known import NEVER_SEEN, is_known, observe
from relay.odds.outcomes import Logical
from relay.odds.passing import retry_success
from relay.odds.rates import break_rate, count_breaks, count_flakes, flake_rate_of_job
from relay.odds.tally import NOTHING_SEEN, Tally
from relay.odds.terms import FailedTest, prior
from tests.factories import NOON
from tests.odds.making import case, outcome

TWO_WEEKS = [
    *[Logical.CLEAN] * 28,
    *[*[Logical.CLEAN] * 24, Logical.FLAKE] * 6,
    *[Logical.HARD] * 2,
]
KNOWN = FailedTest(known_flaky=True)
STABLE = FailedTest(clean=50)
AGAIN = FailedRetry(same=True)
ASSERTION = case(failure_class=FailureClass.TEST, lr_transient=1.0, lr_genuine=0.6)
PULL_REQUEST = {"break_rate": 0.12, "pull_request": True}


def test_what_was_seen_in_two_weeks_makes_the_rates() -> None:
    flakes = breaks = NOTHING_SEEN
    for kind in TWO_WEEKS:
        flakes = count_flakes(flakes, outcome(kind))
        breaks = count_breaks(breaks, outcome(kind))

    phi, gamma = flake_rate_of_job(flakes, NOON).mean, break_rate(breaks, NOON).mean

    assert [phi, gamma] == pytest.approx([7 / 228, 3 / 213])
    assert (round(phi * 100, 2), round(gamma * 100, 2)) == (3.07, 1.41)


def test_the_job_is_known_to_be_flaky() -> None:
    state = NEVER_SEEN
    for kind in TWO_WEEKS:
        state = observe(state, outcome(kind))

    assert (state.flakes, state.clean, is_known(state, NOON)) == (6, 172, True)


def test_six_of_seven_retries_make_the_rate_of_passing() -> None:
    record = Tally(hits=6, misses=1, hits_seen=6, misses_seen=1, as_of=NOON)

    assert round(retry_success(0.85, (record, record, record), NOON).mean, 3) == 0.855


def test_before_the_log_is_read_two_of_three_failures_are_transient() -> None:
    term = prior(7 / 228, 3 / 213)

    assert (round(term.factor, 2), round(p_transient([term]), 2)) == (2.18, 0.69)


def test_1_a_reset_by_the_registry_is_retried() -> None:
    judged = decide(case())

    assert (round(judged.p_transient, 3), round(judged.success, 3)) == (0.963, 0.855)
    assert (round(judged.p_passes, 2), round(judged.rho_star, 2), judged.floor) == (0.82, 0.05, 0.25)
    assert (judged.advice, judged.at_most) == (Advice.RETRY, 1)


def test_1_is_explained_step_by_step() -> None:
    assert decide(case()).words == (
        "3.1 % of its runs fail by chance and 1.4 % of commits break it, so 69 % of its failures are "
        "transient (odds ×2.18, transient with 69 %)",
        "its log has a line seen 12 times as often in failures that pass again "
        "(odds ×12, transient with 96 %)",
        "a retry passes with 82 %: 96 % transient, of which 85 % pass when run again",
        "worth it from 25 %: costs and delay ask for 4.6 %, caution for 25 %",
        "so it is worth a retry",
    )


def test_2_when_it_fails_again_alike_the_odds_fall_and_the_limit_decides() -> None:
    judged = decide(case(failed_retries=(AGAIN,)))

    assert round(judged.terms[-1].factor, 3) == 0.148
    assert (round(judged.p_transient, 2), round(judged.success, 3)) == (0.8, 0.783)
    assert (round(judged.p_passes, 2), judged.advice, judged.at_most) == (0.63, Advice.SPENT, 0)


def test_2_with_two_retries_allowed_the_model_goes_on() -> None:
    judged = decide(case(failed_retries=(AGAIN,), limit=2))

    assert (judged.advice, judged.at_most) == (Advice.RETRY, 1)


def test_2_after_a_second_failed_retry_nobody_knows() -> None:
    judged = decide(case(failed_retries=(AGAIN, AGAIN), limit=2))

    assert (round(judged.p_transient, 2), judged.advice) == (0.46, Advice.SPENT)


@pytest.mark.parametrize(("lr", "p"), [(0.05, 0.10), (0.03, 0.06)])
def test_3_a_compiler_error_is_genuine(lr: float, p: float) -> None:
    compiling = case(
        failure_class=FailureClass.COMPILE, lr_transient=1.0, lr_genuine=lr, success=Beta(a=0.08, b=3.92)
    )

    judged = decide(compiling)

    assert (round(judged.p_transient, 2), judged.advice, judged.at_most) == (p, Advice.GENUINE, 0)
    assert judged.p_passes <= 0.05


@pytest.mark.parametrize(
    ("weighed", "p"),
    [
        (ASSERTION, 0.57),
        (replace(ASSERTION, tests=(KNOWN, KNOWN)), 0.89),
        (replace(ASSERTION, tests=(KNOWN, STABLE)), 0.25),
        (replace(ASSERTION, tests=(KNOWN, replace(STABLE, in_diff=True))), 0.06),
        (replace(ASSERTION, break_rate=0.12), 0.13),
    ],
    ids=["alone", "all known flaky", "a stable one", "a stable one, changed", "on a pull request"],
)
def test_4_an_assertion_is_decided_by_its_tests(weighed: Case, p: float) -> None:
    assert round(decide(weighed).p_transient, 2) == p


def test_4_known_flaky_tests_are_retried_and_a_changed_stable_one_is_genuine() -> None:
    flaky = replace(ASSERTION, tests=(KNOWN,), success=Beta(a=3, b=1))
    changed = replace(ASSERTION, tests=(replace(STABLE, in_diff=True),))

    assert [decide(each).advice for each in (flaky, changed)] == [Advice.RETRY, Advice.GENUINE]


def test_5_on_a_pull_request_the_reset_is_still_retried() -> None:
    judged = decide(case(**PULL_REQUEST))

    assert (round(judged.terms[0].factor, 2), round(judged.p_transient, 2)) == (0.26, 0.75)
    assert (round(judged.p_passes, 2), judged.floor, judged.advice) == (0.65, 0.35, Advice.RETRY)


def test_5_on_a_pull_request_an_assertion_alone_is_not() -> None:
    judged = decide(replace(ASSERTION, break_rate=0.12, pull_request=True))

    assert judged.advice is Advice.NOT_WORTH_IT
