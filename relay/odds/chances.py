"""From terms to chances: P(transient), P(the retry passes), and what a failed retry does to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import fsum, log, sqrt

from relay.failures.record import FailureClass
from relay.odds.logits import chance, within
from relay.odds.terms import Term

LIMIT = 6.0  # of the logit, either way
GENUINE_PASSES = 0.02  # P(a retry passes | genuine)
GENUINE_FAILS = 1 - GENUINE_PASSES
OTHER_FAILURE = 0.7
CORRELATED = frozenset(
    {FailureClass.NET, FailureClass.REGISTRY, FailureClass.DOCKER, FailureClass.QUOTA}
)  # what ails them lasts for minutes
APART = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedRetry:
    """A retry of this build that failed. `gap`: between the failure before it and its own beginning."""

    same: bool  # as the failure before it, by fingerprint
    gap: timedelta = APART


def log_odds(terms: Iterable[Term]) -> float:
    """logit P(T): the sum of the terms, between −6 and +6 (odds.md 3)."""
    return within(-LIMIT, fsum(each.log for each in terms), LIMIT)


def limited(terms: Sequence[Term]) -> tuple[Term, ...]:
    """The terms, with one more that takes the sum back to ±6 where it goes beyond (odds.md 3)."""
    total = fsum(each.log for each in terms)
    excess = within(-LIMIT, total, LIMIT) - total
    if not excess:
        return tuple(terms)
    return (*terms, Term(name="limit", log=excess, words="taken no further than 400 to 1"))


def p_transient(terms: Iterable[Term]) -> float:
    """P(T), above 0.002 and below 0.998 (odds.md 3)."""
    return chance(log_odds(terms))


def p_passes(transient: float, success: float) -> float:
    """P(retry passes) = P(T)·ρ + (1 − P(T))·0.02; all 0 to 1 (odds.md 3)."""
    return transient * success + (1 - transient) * GENUINE_PASSES


def failed_retry(retry: FailedRetry, success: float, failure_class: FailureClass, number: int = 1) -> Term:
    """What the `number`th retry that failed says, `success` being ρ before it, below 1 (odds.md 3).

    The same failure: × (1 − ρ) / 0.98, or √(1 − ρ) / 0.98 for the network's classes within five minutes.
    Another: × 0.7. Never above 1: a failed retry is no evidence for transience.
    """
    if not retry.same:
        words = f"retry {number} failed in another way: unstable"
        return Term(name="retry", log=log(OTHER_FAILURE), words=words)
    close = failure_class in CORRELATED and retry.gap < APART
    failing = sqrt(1 - success) if close else 1 - success
    soon = ", though it came soon after" if close else ""
    value = min(0.0, log(failing / GENUINE_FAILS))
    return Term(name="retry", log=value, words=f"retry {number} failed in the same way{soon}")
