"""Whether a branch is broken: GREEN → SUSPECT → BROKEN → RECOVERING → GREEN, for one fingerprint.

odds.md 6. Runs come in the order in which their commits were pushed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from relay.odds.breakage import Rates, p_broken
from relay.odds.outcomes import Logical, LogicalOutcome

SURE = 0.99
FALLBACK_COMMITS = 3
FALLBACK_RETRIED = 2
REMEMBERED = 50  # failing commits of one breakage


class BranchState(StrEnum):
    """What one fingerprint means for a branch."""

    GREEN = "green"
    SUSPECT = "suspect"  # one commit or a few failed so; one retry is allowed
    BROKEN = "broken"  # no retries of this fingerprint
    RECOVERING = "recovering"  # one commit passed since


class Turn(StrEnum):
    """What is announced, once each."""

    BROKE = "broke"
    MENDED = "mended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What one commit of the branch came to, for one signal."""

    commit: str
    pushed: datetime
    kind: Logical
    fingerprint: str | None = None  # of its failure
    failed_retries: int = 0  # that failed in the same way, at this commit


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One fingerprint on one branch. `bad` are the distinct commits that failed so, oldest first."""

    fingerprint: str
    state: BranchState = BranchState.GREEN
    bad: tuple[Run, ...] = ()
    last_good: str | None = None  # the last commit that passed before the first bad one; None while green
    last_pass: str | None = None  # the latest that passed
    first_pass: str | None = None  # the commit that began the recovery
    p_broken: float = 0.0
    turn: Turn | None = None  # what the latest run is to be announced as

    @property
    def first_bad(self) -> str | None:
        return self.bad[0].commit if self.bad else None


def run_of(outcome: LogicalOutcome, pushed: datetime) -> Run:
    """A commit's logical outcome, as the branch sees it."""
    return Run(
        commit=outcome.commit,
        pushed=pushed,
        kind=outcome.kind,
        fingerprint=outcome.fingerprint,
        failed_retries=outcome.failed_retries,
    )


def standings(runs: Iterable[Run], fingerprint: str, rates: Rates | None = None) -> tuple[Standing, ...]:
    """How it stood after each run, ordered by push; the last is how it stands (odds.md 6)."""
    found = [Standing(fingerprint=fingerprint)]
    for run in sorted(runs, key=lambda each: each.pushed):
        found.append(advance(found[-1], run, rates))
    return tuple(found[1:])


def advance(standing: Standing, run: Run, rates: Rates | None = None) -> Standing:
    """After one run more (odds.md 6); `rates` None when there is no history, for the fixed fallback.

    A run that failed in another way says nothing of this fingerprint. A retry that went green takes
    suspicion away, but mends nothing that is broken (odds.md 7).
    """
    standing = _as_before(standing)
    if run.kind is Logical.HARD:
        return _failed(standing, run, rates) if run.fingerprint == standing.fingerprint else standing
    if standing.bad and run.pushed < standing.bad[0].pushed:
        return standing
    if standing.state in (BranchState.BROKEN, BranchState.RECOVERING):
        return standing if run.kind is Logical.FLAKE else _passed_while_broken(standing, run)
    return Standing(fingerprint=standing.fingerprint, last_pass=run.commit)


def failed_twice(pushes: Sequence[Run]) -> bool:
    """Whether the last two pushes of a pull request failed alike: genuine, no further retry (odds.md 6)."""
    last = pushes[-2:]
    if len(last) < 2 or any(each.kind is not Logical.HARD for each in last):
        return False
    older, newer = last
    same = older.fingerprint is not None and older.fingerprint == newer.fingerprint
    return same and older.commit != newer.commit


def _as_before(standing: Standing) -> Standing:
    """What was announced is not announced again, and a break that was mended is forgotten."""
    if standing.turn is Turn.MENDED:
        return Standing(fingerprint=standing.fingerprint, last_pass=standing.last_pass)
    return replace(standing, turn=None)


def _failed(standing: Standing, run: Run, rates: Rates | None) -> Standing:
    others = tuple(each for each in standing.bad if each.commit != run.commit)
    bad = (*others, run) if len(others) == len(standing.bad) else _again(standing.bad, run)
    bad = bad[:1] + bad[1:][-(REMEMBERED - 1) :]
    retried = sum(each.failed_retries for each in bad)
    odds = p_broken(len(bad), retried, rates) if rates else 0.0
    was_broken = standing.state in (BranchState.BROKEN, BranchState.RECOVERING)
    broken = was_broken or (odds >= SURE if rates else _by_fallback(bad))
    return replace(
        standing,
        state=BranchState.BROKEN if broken else BranchState.SUSPECT,
        bad=bad,
        last_good=standing.last_good if standing.bad else standing.last_pass,
        first_pass=None,
        p_broken=odds,
        turn=Turn.BROKE if broken and not was_broken else None,
    )


def _again(bad: tuple[Run, ...], run: Run) -> tuple[Run, ...]:
    """The same commit told of once more, perhaps with a retry that failed since."""
    return tuple(run if each.commit == run.commit else each for each in bad)


def _by_fallback(bad: Sequence[Run]) -> bool:
    retried = any(each.failed_retries for each in bad)
    return len(bad) >= FALLBACK_COMMITS or (len(bad) >= FALLBACK_RETRIED and retried)


def _passed_while_broken(standing: Standing, run: Run) -> Standing:
    passed = replace(standing, last_pass=run.commit, p_broken=0.0)
    if standing.state is BranchState.BROKEN:
        return replace(passed, state=BranchState.RECOVERING, first_pass=run.commit)
    if run.commit == standing.first_pass:
        return standing
    return replace(passed, state=BranchState.GREEN, turn=Turn.MENDED)
