"""Earlier runs as attempts of one job: what statistics count."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from relay.failures import Failure, FailureClass
from relay.model import Event
from relay.odds.attempts import Attempt, Source, passed_by
from relay.policy import PastFailure, PastRun

KNOWN_CLASSES = {str(each): each for each in FailureClass}


def class_of(name: str) -> FailureClass:
    """People's own classes count as unknown where only those the relay knows have numbers."""
    return KNOWN_CLASSES.get(name, FailureClass.UNKNOWN)


def attempts_of(job: str | None, runs: Sequence[PastRun]) -> tuple[Attempt, ...]:
    """Oldest first. Runs that failed without anybody looking at which jobs did tell nothing."""
    seen: set[str | None] = set()
    return tuple(_attempts(job, sorted(runs, key=lambda run: run.at), seen))


def _attempts(job: str | None, runs: Sequence[PastRun], seen: set[str | None]) -> Iterator[Attempt]:
    for run in runs:
        passed, failure = _passed(job, run)
        is_first = run.commit not in seen
        seen.add(run.commit)
        if passed is None or run.commit is None:
            continue
        yield Attempt(
            signal=job or "",
            commit=run.commit,
            passed=passed,
            at=run.at,
            source=_source(run, is_first=is_first),
            failure_class=class_of(failure.failure_class) if failure else None,
            fingerprint=failure.fingerprint if failure else None,
        )


def _passed(job: str | None, run: PastRun) -> tuple[bool | None, PastFailure | None]:
    """A job of a run that failed passed if it is not among those that failed."""
    passed = passed_by(run.status)
    if passed is not False:
        return passed, None
    if run.failures is None:
        return None, None
    found = next((each for each in run.failures if each.job == job), None)
    return found is None, found


def _source(run: PastRun, *, is_first: bool) -> Source:
    if is_first:
        return Source.FIRST
    return Source.AUTOMATIC if run.is_ours else Source.MANUAL


def this_attempt(event: Event, failure: Failure | None, job: str | None, *, is_first: bool) -> Attempt:
    """The event itself, as an attempt of one of its jobs; without a failure it passed."""
    ours = "run" in event.notes
    return Attempt(
        signal=job or "",
        commit=event.commit.sha or "",
        passed=failure is None,
        at=began(event),
        source=Source.FIRST if is_first else Source.AUTOMATIC if ours else Source.MANUAL,
        failure_class=class_of(failure.failure_class) if failure else None,
        fingerprint=failure.fingerprint if failure else None,
    )


def began(event: Event) -> datetime:
    return event.workflow.created_at or event.started_at or event.finished_at or event.received_at
