"""φ and γ: how often a signal fails though the code is fine, and how often a commit breaks it."""

from datetime import datetime

from relay.odds.beta import Beta, posterior
from relay.odds.outcomes import Logical, LogicalOutcome
from relay.odds.tally import Tally

JOB_FLAKES = Beta(a=1, b=49)  # odds.md 2: mean 2 %
TEST_FLAKES = Beta(a=0.05, b=50)  # a test never seen to flake
FLAKY_TEST_FLAKES = Beta(a=0.19, b=5.6)  # one that was
BREAKS = Beta(a=1, b=32)  # of the default branch: mean 3 %
PULL_REQUEST_BREAKS = Beta(a=3, b=22)  # mean 12 %, mostly between 3 and 27 %


def flake_rate_of_job(flakes: Tally, now: datetime) -> Beta:
    """φ of a job, odds.md 2: P(an attempt fails | the code is fine)."""
    return posterior(JOB_FLAKES, flakes, now)


def flake_rate_of_test(flakes: Tally, now: datetime) -> Beta:
    """φ of a test, odds.md 2; a test never seen to flake begins with far less."""
    return posterior(FLAKY_TEST_FLAKES if flakes.hits_seen else TEST_FLAKES, flakes, now)


def break_rate(breaks: Tally, now: datetime, *, pull_request: bool = False) -> Beta:
    """γ, odds.md 2: P(a new commit breaks the signal). Keep the two kinds of branch in two tallies."""
    return posterior(PULL_REQUEST_BREAKS if pull_request else BREAKS, breaks, now)


def count_flakes(tally: Tally, outcome: LogicalOutcome, before: LogicalOutcome | None = None) -> Tally:
    """φ's tally after a commit of the default branch, hits being flakes; hard ones tell nothing of φ.

    `before` is what the same commit counted as until now, and is taken back: a retry turns hard to flake.
    """
    if before is not None and before.kind is not Logical.HARD:
        tally = tally.take_back(before.kind is Logical.FLAKE, before.weight, before.at)
    if outcome.kind is Logical.HARD:
        return tally
    return tally.add(outcome.kind is Logical.FLAKE, outcome.weight, outcome.at)


def count_breaks(tally: Tally, outcome: LogicalOutcome, before: LogicalOutcome | None = None) -> Tally:
    """γ's tally after a commit, hits being hard outcomes and misses all others; `before` as above."""
    if before is not None:
        tally = tally.take_back(before.kind is Logical.HARD, before.weight, before.at)
    return tally.add(outcome.kind is Logical.HARD, outcome.weight, outcome.at)
