"""What a course came to, in the figures that policies are compared by."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.retrying.ci import BY_HAND, Attempt
from benchmarks.retrying.draws import Commit
from benchmarks.retrying.engine import Course

ANNOUNCED_WITHIN = 2  # commits


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """recoverable: runs that failed although nothing was broken; recovered: of those, what passed without
    anybody's hand. retries, false, minutes: those that nobody made by hand. delays: minutes from the first
    failure of a commit that is broken to the first message about it. hit, in_outage: attempts, and retries
    among them, that met an outage."""

    runs: int
    recoverable: int
    recovered: int
    retries: int
    false: int
    minutes: float
    delays: tuple[float, ...]  # sorted
    breaks: int
    announced: int
    messages: int
    by_hand: int
    hit: int  # attempts that failed by an outage
    in_outage: int

    def delay(self, share: float) -> float:
        """The delay that so large a share stays below."""
        return self.delays[min(len(self.delays) - 1, int(share * len(self.delays)))] if self.delays else 0.0


def figures(course: Course) -> Figures:
    chains = _chains(course.attempts)
    well = [chain for chain in chains if chain[0].failed and not chain[0].commit.broken]
    later = [attempt for chain in chains for attempt in chain[1:]]
    again = [attempt for attempt in later if attempt.by != BY_HAND]
    breaks, told = _breaks(chains), _told(course)
    hit = [attempt for attempt in course.attempts if _is_hit(attempt)]
    return Figures(
        runs=len(chains),
        recoverable=len(well),
        recovered=sum(_has_recovered(chain) for chain in well),
        retries=len(again),
        false=sum(bool(attempt.commit.broken) for attempt in again),
        minutes=sum(attempt.cost for attempt in again),
        delays=tuple(sorted(_delays(chains, told))),
        breaks=len(breaks),
        announced=sum(any(sha in told for sha in shas[:ANNOUNCED_WITHIN]) for shas in breaks),
        messages=len(course.told),
        by_hand=len(later) - len(again),
        hit=len(hit),
        in_outage=sum(attempt in again for attempt in hit),
    )


def _has_recovered(chain: Sequence[Attempt]) -> bool:
    return chain[-1].has_passed and all(attempt.by != BY_HAND for attempt in chain)


def _chains(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """The attempts of each commit, the first one first."""
    found: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda each: (each.commit.at, each.number)):
        found[attempt.commit.sha].append(attempt)
    return list(found.values())


def _told(course: Course) -> dict[str, datetime]:
    """By commit the first message about it."""
    commits = {attempt.id: attempt.commit.sha for attempt in course.attempts}
    found: dict[str, datetime] = {}
    for at, ids in course.told:
        for id in ids:
            found.setdefault(commits[id], at)
    return found


def _delays(chains: Iterable[Sequence[Attempt]], told: dict[str, datetime]) -> Iterable[float]:
    for first, *_ in chains:
        if first.commit.broken and first.commit.sha in told:
            yield (told[first.commit.sha] - first.ended).total_seconds() / 60


def _breaks(chains: Iterable[Sequence[Attempt]]) -> list[list[str]]:
    """The commits of each break, the one that broke it first."""
    found: dict[str, list[str]] = defaultdict(list)
    for first, *_ in chains:
        commit: Commit = first.commit
        if commit.since:
            found[commit.since].append(commit.sha)
    return list(found.values())


def _is_hit(attempt: Attempt) -> bool:
    return any(fault.way.startswith("outage") for fault in attempt.failed.values())
