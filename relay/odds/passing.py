"""ρ: how often a retry passes, by class, learnt upward from job to project and beyond (odds.md 2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from types import MappingProxyType

from relay.failures.record import FailureClass
from relay.odds.attempts import Attempt, Source, tells
from relay.odds.beta import Beta
from relay.odds.tally import NOTHING_SEEN, Tally
from relay.odds.weights import source_weight

PSEUDO_RETRIES = 4.0  # what a wider level's rate counts for in a narrower one
KNOWN_FLAKY_PASSES = 0.75

PRIOR_PASSES: Mapping[FailureClass, float] = MappingProxyType(  # odds.md 2, column π
    {
        FailureClass.AGENT: 0.90,
        FailureClass.NET: 0.80,
        FailureClass.REGISTRY: 0.80,
        FailureClass.DOCKER: 0.75,
        FailureClass.QUOTA: 0.60,
        FailureClass.VCS: 0.80,
        FailureClass.CACHE: 0.65,
        FailureClass.CONTENTION: 0.65,
        FailureClass.DISK: 0.50,
        FailureClass.TIMEOUT: 0.30,
        FailureClass.OOM: 0.25,
        FailureClass.FLAKY: 0.35,
        FailureClass.COMPILE: 0.02,
        FailureClass.LINT: 0.02,
        FailureClass.GATE: 0.02,
        FailureClass.DEP: 0.05,
        FailureClass.CONFIG: 0.05,
        FailureClass.AUTH: 0.05,
        FailureClass.TEST: 0.15,
        FailureClass.CANCEL: 0.02,
        FailureClass.UNKNOWN: 0.20,
    }
)
_BY_TESTS = frozenset({FailureClass.FLAKY, FailureClass.TEST})


@dataclass(frozen=True, kw_only=True, slots=True)
class Retried:
    """What one retry taught. `weight` is 0 to 1."""

    signal: str
    failure_class: FailureClass
    passed: bool
    weight: float
    at: datetime


def prior_passes(failure_class: FailureClass, *, known_flaky: bool = False) -> float:
    """π, odds.md 2: above 0, below 1. `known_flaky`: all tests that failed are known to be flaky."""
    return KNOWN_FLAKY_PASSES if known_flaky and failure_class in _BY_TESTS else PRIOR_PASSES[failure_class]


def retry_success(prior: float, levels: Sequence[Tally], now: datetime) -> Beta:
    """ρ ~ Beta(m·π, m·(1−π)) with m = 4, for the narrowest of `levels` (odds.md 2).

    `levels` go from wide to narrow (class everywhere, project, signal), each holding what the narrower ones
    hold as well. What is learnt at one level is the prior of the next, and no retry is counted twice.
    """
    belief = _around(prior)
    for wide, narrow in zip(levels, (*levels[1:], NOTHING_SEEN), strict=True):
        rest = wide.at(now).without(narrow.at(now))
        belief = _around(belief.mean).after(rest.hits, rest.misses)
    return belief


def count_retry(tally: Tally, retried: Retried) -> Tally:
    """ρ's tally after one retry, hits being those that passed."""
    return tally.add(retried.passed, retried.weight, retried.at)


def retries(attempts: Iterable[Attempt]) -> tuple[Retried, ...]:
    """Each attempt that ran after a failure, with the same commit and inputs (odds.md 2)."""
    told = sorted(filter(tells, attempts), key=lambda each: (*_inputs(each), each.at))
    groups = (tuple(group) for _, group in groupby(told, key=_inputs))
    found = [each for group in groups for each in _of_one(group)]
    return tuple(sorted(found, key=lambda each: each.at))


def _around(mean: float) -> Beta:
    return Beta(a=PSEUDO_RETRIES * mean, b=PSEUDO_RETRIES * (1 - mean))


def _inputs(attempt: Attempt) -> tuple[str, str, str]:
    return attempt.signal, attempt.commit, attempt.epoch


def _of_one(attempts: Sequence[Attempt]) -> Iterable[Retried]:
    for before, retry in pairwise(attempts):
        if before.passed or retry.source is Source.FIRST:
            continue
        kind = before.failure_class or FailureClass.UNKNOWN
        weight = source_weight(retry.source, kind, retry.at - before.at)
        passed = bool(retry.passed)
        yield Retried(signal=retry.signal, failure_class=kind, passed=passed, weight=weight, at=retry.at)
