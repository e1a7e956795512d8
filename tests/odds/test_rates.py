"""φ, γ and ρ are learnt from outcomes and retries."""

from random import Random

import pytest

from relay.failures.record import FailureClass
from relay.odds.attempts import Source
from relay.odds.chances import p_transient
from relay.odds.outcomes import Logical, outcomes
from relay.odds.passing import (
    PRIOR_PASSES,
    Retried,
    count_retry,
    prior_passes,
    retries,
    retry_success,
)
from relay.odds.rates import (
    break_rate,
    count_breaks,
    count_flakes,
    flake_rate_of_job,
    flake_rate_of_test,
)
from relay.odds.tally import NOTHING_SEEN, Tally
from relay.odds.terms import prior
from tests.factories import NOON
from tests.odds.making import DAY, GREEN, HOUR, JOB, RED, attempt, outcome


def seen(hits: int, misses: int) -> Tally:
    return Tally(hits=hits, misses=misses, hits_seen=hits, misses_seen=misses, as_of=NOON)


def test_a_job_never_seen_flakes_in_one_run_of_fifty() -> None:
    assert flake_rate_of_job(NOTHING_SEEN, NOON).mean == pytest.approx(0.02)


def test_a_test_never_seen_to_flake_is_trusted_more_than_one_that_was() -> None:
    fresh = flake_rate_of_test(seen(0, 50), NOON).mean
    flaked = flake_rate_of_test(seen(1, 50), NOON).mean

    assert [fresh, flaked] == pytest.approx([0.05 / 100.05, 1.19 / 56.79])


@pytest.mark.parametrize(("pull_request", "mean"), [(False, 1 / 33), (True, 0.12)])
def test_pull_requests_break_more_often(pull_request: bool, mean: float) -> None:
    assert break_rate(NOTHING_SEEN, NOON, pull_request=pull_request).mean == pytest.approx(mean)


def test_hard_outcomes_say_nothing_of_flakes() -> None:
    assert count_flakes(NOTHING_SEEN, outcome(Logical.HARD)) == NOTHING_SEEN


def test_clean_and_flaky_commits_are_not_broken() -> None:
    tally = count_breaks(count_breaks(NOTHING_SEEN, outcome(Logical.CLEAN)), outcome(Logical.FLAKE))

    assert (tally.hits, tally.misses) == (0, 2)


def test_a_commit_that_passes_on_retry_was_not_broken_after_all() -> None:
    first = attempt(RED)
    (hard,) = outcomes([first])
    (flake,) = outcomes([first, attempt(GREEN, minutes=20)])

    breaks = count_breaks(count_breaks(NOTHING_SEEN, hard), flake, before=hard)
    flakes = count_flakes(count_flakes(NOTHING_SEEN, hard), flake, before=hard)

    assert (breaks.hits, breaks.hits_seen, breaks.misses) == (0, 0, 1)
    assert (flakes.hits, flakes.misses) == (1, 0)


def test_every_class_has_a_prior() -> None:
    assert set(PRIOR_PASSES) == set(FailureClass)


@pytest.mark.parametrize(
    ("failure_class", "known", "prior"),
    [
        (FailureClass.FLAKY, True, 0.75),
        (FailureClass.FLAKY, False, 0.35),
        (FailureClass.TEST, True, 0.75),
        (FailureClass.TEST, False, 0.15),
        (FailureClass.COMPILE, True, 0.02),
    ],
)
def test_only_known_flaky_tests_are_given_credit(
    failure_class: FailureClass, known: bool, prior: float
) -> None:
    assert prior_passes(failure_class, known_flaky=known) == prior


def test_nothing_learnt_leaves_the_prior() -> None:
    assert retry_success(0.8, (NOTHING_SEEN,) * 3, NOON).mean == pytest.approx(0.8)


def test_a_job_with_no_retries_is_like_its_project() -> None:
    project = seen(1, 15)

    assert retry_success(0.8, (project, project, NOTHING_SEEN), NOON).mean == pytest.approx(4.2 / 20)


def test_a_retry_is_counted_at_one_level_only() -> None:
    own = seen(6, 1)

    found = retry_success(0.85, (own, own, own), NOON)

    assert [found.a, found.b] == pytest.approx([9.4, 1.6])


def test_what_is_learnt_at_one_level_is_the_prior_of_the_next() -> None:
    everywhere, project, own = seen(14, 10), seen(4, 10), seen(0, 4)

    by_class = (3.2 + 10) / 14  # ten passes outside the project
    by_project = (4 * by_class + 4) / (4 + 10)

    found = retry_success(0.8, (everywhere, project, own), NOON)

    assert [found.a, found.b] == pytest.approx([4 * by_project, 4 * (1 - by_project) + 4])


def test_a_job_that_behaves_unlike_its_class_is_believed() -> None:
    everywhere, own = seen(900, 100), seen(2, 38)

    assert retry_success(0.8, (everywhere.merge(own), own, own), NOON).mean < 0.15


def test_each_attempt_after_a_failure_is_a_retry() -> None:
    found = retries([attempt(RED), attempt(RED, minutes=10), attempt(GREEN, minutes=20)])

    assert [(each.passed, each.weight) for each in found] == [(False, 1.0), (True, 1.0)]


def test_a_run_after_a_pass_or_with_other_settings_is_no_retry() -> None:
    assert not retries([attempt(GREEN), attempt(RED, minutes=10), attempt(GREEN, minutes=20, epoch="2")])


def test_a_second_run_that_nobody_asked_for_is_no_retry() -> None:
    assert not retries([attempt(RED), attempt(GREEN, minutes=10, source=Source.FIRST)])


def test_the_flake_rate_converges_on_the_true_one() -> None:
    random, tally = Random(7), NOTHING_SEEN
    for _ in range(4000):
        kind = Logical.FLAKE if random.random() < 0.08 else Logical.CLEAN
        tally = count_flakes(tally, outcome(kind))

    assert flake_rate_of_job(tally, NOON).mean == pytest.approx(0.08, abs=0.01)


def test_retry_success_converges_though_the_prior_was_wrong() -> None:
    random, tally = Random(7), NOTHING_SEEN
    for _ in range(2000):
        passed = random.random() < 0.3
        one = Retried(signal=JOB, failure_class=FailureClass.NET, passed=passed, weight=1.0, at=NOON)
        tally = count_retry(tally, one)

    assert retry_success(0.8, (tally, tally, tally), NOON).mean == pytest.approx(0.3, abs=0.03)


def test_a_job_that_was_mended_is_trusted_again_within_weeks() -> None:
    tally = NOTHING_SEEN
    for day in range(60):
        kind = Logical.FLAKE if day < 30 else Logical.CLEAN
        for hour in range(10):
            tally = count_flakes(tally, outcome(kind, at=NOON + day * DAY + hour * HOUR))

    rates = [flake_rate_of_job(tally, NOON + 60 * DAY).mean, tally.hits_seen / tally.seen]

    assert rates == [pytest.approx(0.145, abs=0.02), 0.5]


def test_of_the_failures_called_transient_as_many_are() -> None:
    random, transient, failed = Random(7), 0, 0
    flakes = breaks = NOTHING_SEEN
    for _ in range(20_000):
        broken, flaked = random.random() < 0.04, random.random() < 0.06
        kind = Logical.HARD if broken else Logical.FLAKE if flaked else Logical.CLEAN
        flakes, breaks = count_flakes(flakes, outcome(kind)), count_breaks(breaks, outcome(kind))
        transient, failed = transient + (kind is Logical.FLAKE), failed + (kind is not Logical.CLEAN)

    term = prior(flake_rate_of_job(flakes, NOON).mean, break_rate(breaks, NOON).mean)

    assert p_transient([term]) == pytest.approx(transient / failed, abs=0.02)
