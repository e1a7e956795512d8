"""What history says of one job: how often it flakes, how often it breaks, how often a retry of it passes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from relay.failures import Failure
from relay.judging.attempts import class_of
from relay.odds.attempts import Attempt, Source
from relay.odds.beta import Beta
from relay.odds.branches import BranchState, Run, failed_twice, run_of, standings
from relay.odds.breakage import Rates
from relay.odds.known import NEVER_SEEN, Flakiness, is_known, observe
from relay.odds.outcomes import LogicalOutcome, outcomes
from relay.odds.passing import prior_passes, retry_success
from relay.odds.rates import break_rate, count_breaks, count_flakes, flake_rate_of_job
from relay.odds.tally import NOTHING_SEEN, Tally
from relay.odds.weights import source_weight
from relay.policy import PastRetry


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """flakes φ, breaks γ and success ρ of one job, and where its branch and trunk stand with this failure."""

    flakes: float
    breaks: float
    success: Beta
    samples: int  # retries that ρ is learnt from
    flakiness: Flakiness
    is_flaky: bool  # known to be
    branch: BranchState
    is_trunk_broken: bool
    first_bad: str | None
    last_good: str | None
    failed_twice: bool
    tests_wilson: float | None = None  # of the failing tests the least share of commits at which one flakes


def record_of(
    failure: Failure,
    own: Sequence[Attempt],
    trunk: Sequence[Attempt],
    retries: Iterable[PastRetry],
    project: str,
    now: datetime,
    *,
    prior: float | None,
    pull_request: bool,
    known_flaky_tests: bool,
) -> Record:
    """own, trunk: attempts of this job on the failure's branch, this failure the last, and on trunk."""
    settled = outcomes(trunk or own[:-1])
    flakes = flake_rate_of_job(reduce(count_flakes, settled, NOTHING_SEEN), now).mean
    breaks = break_rate(reduce(count_breaks, settled, NOTHING_SEEN), now, pull_request=pull_request).mean
    if pull_request:
        breaks = break_rate(NOTHING_SEEN, now, pull_request=True).mean
    success, samples = _success(failure, retries, project, now, prior, known_flaky_tests)
    rates = Rates(flakes=flakes, breaks=breaks, passes=success.mean)
    flakiness = reduce(observe, settled, NEVER_SEEN)
    here = standings(_runs(outcomes(own)), failure.fingerprint, rates)
    there = standings(_runs(outcomes(trunk)), failure.fingerprint, rates) if trunk else ()
    standing = here[-1] if here else None
    broken = there[-1] if there and there[-1].state in BROKEN else standing
    return Record(
        flakes=flakes,
        breaks=breaks,
        success=success,
        samples=samples,
        flakiness=flakiness,
        is_flaky=is_known(flakiness, now),
        branch=standing.state if standing else BranchState.GREEN,
        is_trunk_broken=bool(there) and there[-1].state in BROKEN,
        first_bad=broken.first_bad if broken else None,
        last_good=broken.last_good if broken else None,
        failed_twice=pull_request and failed_twice(_runs(outcomes(own))),
    )


BROKEN = (BranchState.BROKEN, BranchState.RECOVERING)


def _runs(found: Iterable[LogicalOutcome]) -> tuple[Run, ...]:
    return tuple(run_of(each, each.began) for each in found)


def _success(
    failure: Failure,
    retries: Iterable[PastRetry],
    project: str,
    now: datetime,
    prior: float | None,
    known_flaky_tests: bool,
) -> tuple[Beta, int]:
    """ρ, from all retries of the class, those of the project, and those of the job."""
    alike = [each for each in retries if each.failure_class == str(failure.failure_class)]
    here = [each for each in alike if each.project == project]
    own = [each for each in here if each.job == failure.job]
    kind = class_of(str(failure.failure_class))
    believed = prior if prior is not None else prior_passes(kind, known_flaky=known_flaky_tests)
    levels = tuple(_tally(each) for each in (alike, here, own))
    return retry_success(believed, levels, now), levels[-1].seen


def _tally(retries: Iterable[PastRetry]) -> Tally:
    tally = NOTHING_SEEN
    for each in retries:
        source = Source.AUTOMATIC if each.is_ours else Source.MANUAL
        weight = source_weight(source, class_of(each.failure_class), each.ended_at - each.failed_at)
        tally = tally.add(each.passed, weight, each.ended_at)
    return tally
