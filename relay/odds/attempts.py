"""What happened each time a job or a test was run: the facts that all statistics begin with."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relay.failures.record import FailureClass
from relay.model import Status


class Source(StrEnum):
    """Who asked for the attempt."""

    FIRST = "first"  # nobody: it came with the push, a schedule or a tag
    AUTOMATIC = "automatic"  # a retry of ours, or of CircleCI's own
    MANUAL = "manual"  # a person


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One run of a signal, which is a job of a workflow of a project, or a test of a project.

    `epoch` names the inputs beside the commit (configuration, contexts, cache); another epoch is another
    experiment. `passed` is None for a run that tells nothing: cancelled, not run, not allowed.
    """

    signal: str
    commit: str
    epoch: str = ""
    passed: bool | None
    at: datetime  # when it began
    source: Source = Source.FIRST
    failure_class: FailureClass | None = None  # None when it passed
    fingerprint: str | None = None


def passed_by(status: Status) -> bool | None:
    """Whether a status says that the run passed; None for one that tells nothing (odds.md 1)."""
    if status is Status.SUCCESS:
        return True
    return False if status.is_bad else None


def tells(attempt: Attempt) -> bool:
    """Whether it counts at all: cancelled runs do not, however they are told of (odds.md 1)."""
    return attempt.passed is not None and attempt.failure_class is not FailureClass.CANCEL
