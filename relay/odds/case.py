"""All that the verdict before a retry is made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.failures.record import FailureClass
from relay.odds.beta import Beta
from relay.odds.branches import BranchState
from relay.odds.chances import FailedRetry, failed_retry, limited
from relay.odds.economics import Costs
from relay.odds.terms import (
    Elsewhere,
    FailedTest,
    Term,
    breadth,
    diff,
    elsewhere,
    failing_tests,
    log_lines,
    prior,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One failed job, or build, and what history says of it (odds.md 3 to 6).

    `flake_rate` φ and `break_rate` γ are above 0 and below 1. `success` is what was believed of ρ before
    this build; `failed_retries` are those of this build, oldest first, and lower it here.
    """

    failure_class: FailureClass
    flake_rate: float
    break_rate: float
    success: Beta
    costs: Costs
    lr_transient: float = 1.0
    lr_genuine: float = 1.0
    tests: tuple[FailedTest, ...] = ()
    failed_jobs: int = 1
    failed_tests: int = 0
    elsewhere: Elsewhere = Elsewhere.NOWHERE
    failed_retries: tuple[FailedRetry, ...] = ()
    pull_request: bool = False
    failed_twice: bool = False  # the same fingerprint on two consecutive pushes of a pull request
    branch: BranchState = BranchState.GREEN  # of this fingerprint
    outage: bool = False
    limit: int | None = None  # retries that the rules allow; None for the class's own


def terms_of(case: Case) -> tuple[Term, ...]:
    """Every term that speaks, in the order of odds.md 3, limited to ±6; failed retries come last."""
    said = (
        prior(case.flake_rate, case.break_rate),
        log_lines(case.lr_transient, case.lr_genuine),
        failing_tests(case.tests),
        breadth(case.failed_jobs, case.failed_tests),
        elsewhere(case.elsewhere),
        diff(case.tests),
    )
    evidence = limited([each for each in said if each is not None])
    return limited([*evidence, *_retry_terms(case)])


def success_now(case: Case) -> Beta:
    """ρ after the retries of this build that failed alike (odds.md 3)."""
    return case.success.after(misses=sum(1 for each in case.failed_retries if each.same))


def _retry_terms(case: Case) -> Sequence[Term]:
    success, found = case.success, []
    for number, retry in enumerate(case.failed_retries, start=1):
        found.append(failed_retry(retry, success.mean, case.failure_class, number))
        success = success.after(misses=1) if retry.same else success
    return found
