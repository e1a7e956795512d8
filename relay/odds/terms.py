"""The terms of the odds that a failure is transient: each a number, and why in words (odds.md 3).

A term above 0 speaks for "it may pass when run again", one below 0 for "it will fail again".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log

from relay.odds.logits import chance, counted, percent, within

LOG_LEAST, LOG_MOST = -3.5, 3.7  # what log lines may say together
LEAST_RATIO = 1e-9
STABLE_AFTER = 50  # clean outcomes
MANY_JOBS, MANY_TESTS = 5, 20
ALL_KNOWN_FLAKY, A_STABLE_TEST, BREADTH, ELSEWHERE, IN_DIFF = 6.0, 0.25, 0.2, 8.0, 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One addend of logit P(transient); `log` is a natural logarithm."""

    name: str
    log: float
    words: str

    @property
    def factor(self) -> float:
        """What it multiplies the odds by; above 0."""
        return exp(self.log)


class Elsewhere(StrEnum):
    """Where else the same fingerprint was seen within 24 hours."""

    NOWHERE = "nowhere"
    BRANCHES = "branches"  # on another branch, by another author
    DEFAULT_BRANCH = "default_branch"  # there too: broken upstream
    PROJECTS = "projects"  # infrastructure, at least 3 projects within 30 minutes: an outage


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedTest:
    """What is known of one failing test. `is_new`: it, or its file, is new or renamed in the change."""

    known_flaky: bool = False
    clean: int = 0  # outcomes, ever
    is_new: bool = False
    in_diff: bool = False  # its file, or the module under test, was changed


def prior(flake_rate: float, break_rate: float) -> Term:
    """log(φ / γ), both above 0 and below 1: the signal's own record (odds.md 3)."""
    value = log(flake_rate / break_rate)
    words = (
        f"{percent(flake_rate)} of its runs fail by chance and {percent(break_rate)} of commits break it, "
        f"so {percent(chance(value))} of its failures are transient"
    )
    return Term(name="prior", log=value, words=words)


def log_lines(lr_transient: float, lr_genuine: float) -> Term | None:
    """The strongest line for and against, likelihood ratios from 0, together −3.5 to +3.7 (odds.md 3)."""
    said = [_line_words(lr) for lr in (lr_transient, lr_genuine) if lr != 1]
    if not said:
        return None
    value = log(max(lr_transient, LEAST_RATIO)) + log(max(lr_genuine, LEAST_RATIO))
    return _term("log", within(LOG_LEAST, value, LOG_MOST), " and ".join(said))


def failing_tests(failed: Sequence[FailedTest]) -> Term | None:
    """×6 when all failing tests are known flaky, ×0.25 with a stable one (50 clean) among them (odds.md 3).

    New and renamed tests get no credit for flakiness (odds.md 7).
    """
    stable = [each for each in failed if not each.known_flaky and each.clean >= STABLE_AFTER]
    if stable:
        return _term(
            "tests", log(A_STABLE_TEST), f"{counted(len(stable), 'failing test')} never flaked before"
        )
    if failed and all(each.known_flaky and not each.is_new for each in failed):
        if len(failed) == 1:
            return _term("tests", log(ALL_KNOWN_FLAKY), "the failing test is known to be flaky")
        return _term("tests", log(ALL_KNOWN_FLAKY), f"all {len(failed)} failing tests are known to be flaky")
    return None


def breadth(failed_jobs: int, failed_tests: int) -> Term | None:
    """×0.2 when more than 5 jobs of the workflow or more than 20 tests failed (odds.md 3)."""
    if failed_jobs <= MANY_JOBS and failed_tests <= MANY_TESTS:
        return None
    said = f"{counted(failed_jobs, 'job')} and {counted(failed_tests, 'test')} failed at once"
    return _term("breadth", log(BREADTH), said)


def elsewhere(where: Elsewhere) -> Term | None:
    """×8 when others met the same failure within 24 hours: not this change (odds.md 3).

    Not when it fails on the default branch as well: that is broken upstream, and a retry passes no sooner.
    """
    if where is Elsewhere.BRANCHES:
        return _term("elsewhere", log(ELSEWHERE), "the same failure on another branch, by another author")
    if where is Elsewhere.PROJECTS:
        return _term("elsewhere", log(ELSEWHERE), "the same failure in at least 3 projects within 30 minutes")
    if where is Elsewhere.DEFAULT_BRANCH:
        return _term(
            "elsewhere", 0.0, "the same failure on the default branch: broken there, not by this change"
        )
    return None


def diff(failed: Sequence[FailedTest]) -> Term | None:
    """×0.2 when the file of a failing test, or its module, was changed (odds.md 3)."""
    if not any(each.in_diff for each in failed):
        return None
    return _term("diff", log(IN_DIFF), "the change touches a failing test or what it tests")


def _line_words(lr: float) -> str:
    if lr >= 1:
        return f"its log has a line seen {lr:.3g} times as often in failures that pass again"
    return f"its log has a line seen {1 / max(lr, LEAST_RATIO):.3g} times as often in failures that stay"


def _term(name: str, value: float, words: str) -> Term:
    return Term(name=name, log=value, words=words)
