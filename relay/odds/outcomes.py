"""Attempts → one logical outcome for each commit: clean, flake or hard (odds.md 1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

from relay.failures.record import FailureClass
from relay.odds.attempts import Attempt, tells
from relay.odds.weights import source_weight


class Logical(StrEnum):
    """What the attempts at one commit come to."""

    CLEAN = "clean"  # all passed
    FLAKE = "flake"  # some passed and some failed, with the same inputs
    HARD = "hard"  # all failed


@dataclass(frozen=True, kw_only=True, slots=True)
class LogicalOutcome:
    """One commit's logical outcome of one signal. `weight` is 0 to 1, below 1 only for flakes."""

    signal: str
    commit: str
    kind: Logical
    weight: float
    began: datetime  # its first attempt
    at: datetime  # its last
    failure_class: FailureClass | None = None  # of the first that failed
    fingerprint: str | None = None
    failed_retries: int = 0  # that failed with that fingerprint again


def outcomes(attempts: Iterable[Attempt]) -> tuple[LogicalOutcome, ...]:
    """One for each signal and commit, ordered by when they began (odds.md 1).

    Attempts of different commits are never laid together, nor those of different epochs. Of the epochs of
    one commit the first that flaked speaks, else the latest: red, settings changed, green is not a flake.
    """
    told = sorted(filter(tells, attempts), key=lambda each: (each.signal, each.commit, each.at))
    each_commit = (tuple(group) for _, group in groupby(told, key=attrgetter("signal", "commit")))
    return tuple(sorted(map(_one_of_commit, each_commit), key=lambda each: (each.began, each.commit)))


def _one_of_commit(attempts: Sequence[Attempt]) -> LogicalOutcome:
    epochs: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        epochs.setdefault(attempt.epoch, []).append(attempt)
    found = [_one_of_epoch(each) for each in epochs.values()]
    return next((each for each in found if each.kind is Logical.FLAKE), max(found, key=attrgetter("at")))


def _one_of_epoch(attempts: Sequence[Attempt]) -> LogicalOutcome:
    first, failed = attempts[0], [each for each in attempts if not each.passed]
    worst = failed[0] if failed else None
    alike = [each for each in failed if worst and each.fingerprint == worst.fingerprint]
    return LogicalOutcome(
        signal=first.signal,
        commit=first.commit,
        kind=_kind(attempts),
        weight=_weight(attempts),
        began=first.at,
        at=attempts[-1].at,
        failure_class=worst.failure_class if worst else None,
        fingerprint=worst.fingerprint if worst else None,
        failed_retries=max(0, len(alike) - 1),
    )


def _kind(attempts: Sequence[Attempt]) -> Logical:
    if all(each.passed for each in attempts):
        return Logical.CLEAN
    return Logical.FLAKE if any(each.passed for each in attempts) else Logical.HARD


def _weight(attempts: Sequence[Attempt]) -> float:
    """Of a flake, that of the first attempt that came out differently; of any other, 1."""
    first = attempts[0]
    other = next((each for each in attempts if each.passed is not first.passed), None)
    if other is None:
        return 1.0
    failed = other if first.passed else first
    return source_weight(other.source, failed.failure_class, other.at - first.at)
