"""What a run turned out to be, once a later attempt of it has ended."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from relay.judging.asking import Question, failures_of, state_keys
from relay.judging.attempts import attempts_of, began, class_of
from relay.judging.terms import Known, RetryTerms
from relay.model import Event, Status
from relay.odds.attempts import Attempt, Source
from relay.odds.ending import Concluded, Ending, conclude
from relay.odds.known import NEVER_SEEN, Flakiness, is_known, observe
from relay.odds.outcomes import outcomes
from relay.policy import Ended, PastFailure


def conclude_attempt(
    event: Event, asked: Question, known: Known, terms: RetryTerms, now: datetime, *, is_final: bool
) -> tuple[Ended, Concluded] | None:
    """The end of what was ruled before on this run, with the words for it; None when nothing was.

    is_final: whether no further retry is on its way.
    """
    first = next((each for each in known.before if each.failures and each.event_id != event.id), None)
    if first is None:
        return None
    failure, (own_key, *trunk_keys) = first.failures[0], state_keys(event, terms)
    past = [run for run in known.memory.runs.get(own_key, ()) if run.event_id != event.id]
    trunk = [run for key in trunk_keys for run in known.memory.runs.get(key, ())]
    before = attempts_of(failure.job, past)
    concluded = conclude(
        Ending(
            failure_class=class_of(failure.failure_class),
            attempts=(*_failed_before(before, failure, event, first.at), _this(event, failure)),
            p_transient=first.p_transient or 0.0,
            is_final=is_final,
            known_flaky=_flakiness(attempts_of(failure.job, trunk) or before, now),
            evidence=failure.evidence,
        )
    )
    has_passed = event.status is Status.SUCCESS
    ended = Ended(
        root=asked.root, event_id=event.id, passed=has_passed, verdict=concluded.verdict.value, at=now
    )
    return ended, concluded


def _failed_before(
    before: Sequence[Attempt], failure: PastFailure, event: Event, at: datetime
) -> tuple[Attempt, ...]:
    """Earlier attempts of this commit; the one that was ruled on, if the history no longer has it."""
    here = tuple(each for each in before if each.commit == (event.commit.sha or ""))
    if any(each.passed is False for each in here):
        return here
    return (
        Attempt(
            signal=failure.job or "",
            commit=event.commit.sha or "",
            passed=False,
            at=min(at, began(event)),
            failure_class=class_of(failure.failure_class),
            fingerprint=failure.fingerprint,
        ),
    )


def _this(event: Event, failure: PastFailure) -> Attempt:
    """This attempt of the job: it passed, if it is not among those that failed now."""
    now_failed = failures_of(event)
    same = next((each for each in now_failed if each.job == failure.job), None)
    passed = event.status is Status.SUCCESS or (bool(now_failed) and same is None)
    return Attempt(
        signal=failure.job or "",
        commit=event.commit.sha or "",
        passed=passed,
        at=began(event),
        source=Source.AUTOMATIC if "run" in event.notes else Source.MANUAL,
        failure_class=class_of(str(same.failure_class)) if same else None,
        fingerprint=same.fingerprint if same else None,
    )


def _flakiness(attempts: Sequence[Attempt], now: datetime) -> Flakiness | None:
    found = reduce(observe, outcomes(attempts), NEVER_SEEN)
    return found if is_known(found, now) else None
