"""Judges events: the ruling on one that failed, and the end of what was ruled on before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from relay.judging.asking import Question, question
from relay.judging.ending import conclude_attempt
from relay.judging.terms import NOTHING_KNOWN, Judged, Known, RetryTerms
from relay.judging.verdict import Judgement, judge_failure, with_spent
from relay.model import Event
from relay.odds.decide import Advice
from relay.odds.ending import Verdict
from relay.policy import NO_STANDING, PastFailure, Ruled, RuledBefore

BEFORE = {
    Advice.GENUINE: Verdict.GENUINE,
    Advice.BROKEN_BRANCH: Verdict.BROKEN_BRANCH,
    Advice.OUTAGE: Verdict.OUTAGE,
}
"""Verdicts that need no retry."""


@dataclass(kw_only=True)
class Bench:
    """Judges events one after the other, each with what the ones before it spent and decided."""

    terms: RetryTerms
    known: Mapping[str, Known] = field(default_factory=dict)
    now: datetime
    taken: list[Ruled] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)  # events whose rulings are decided since

    def judge(self, event: Event) -> Judged:
        asked = question(event, self.terms)
        if asked is None:
            return Judged(event=event)
        known = self._as_of_now(asked, self.known.get(event.id, NOTHING_KNOWN))
        found = judge_failure(event, asked, known, self.terms, self.now) if event.status.is_bad else None
        return self._judged(event, asked, known, self.terms, found)

    def take(self, judged: Judged) -> None:
        """What was decided in the end counts for those that follow."""
        if judged.ruled is not None:
            self.taken = [each for each in self.taken if each.event_id != judged.ruled.event_id]
            self.taken.append(judged.ruled)
        if judged.ended is not None:
            self.closed |= {each.event_id for each in self._open(judged.ended.root)}

    def _judged(
        self, event: Event, asked: Question, known: Known, terms: RetryTerms, found: Judgement | None
    ) -> Judged:
        awaits = found is not None and found.awaits_retry
        told = found.event if found else event
        concluded = conclude_attempt(told, asked, known, terms, self.now, is_final=not awaits)
        ended, words = concluded or (None, None)
        verdict = words.verdict if words else None if awaits or found is None else _before(found)
        notes = {
            "verdict": verdict.value if verdict else None,
            "verdict_text": words.words if words else None,
        }
        told = replace(told, notes={**told.notes, **{name: text for name, text in notes.items() if text}})
        return Judged(
            event=told,
            ruled=found.ruled if found else None,
            ended=ended,
            awaits_retry=awaits,
            weighed=found.judged if found else (),
            standing=found.standing if found else NO_STANDING,
        )

    def _as_of_now(self, asked: Question, known: Known) -> Known:
        spent = known.spent
        for ruled in (each for each in self.taken if each.event_id != asked.event_id):
            spent = with_spent(spent, asked, ruled)
        fresh = [_as_before(each) for each in self._open(asked.root) if each.event_id != asked.event_id]
        before = [each for each in known.before if each.event_id not in self.closed]
        return replace(known, spent=spent, before=(*before, *fresh))

    def _open(self, root: str) -> Sequence[Ruled]:
        return [each for each in self.taken if each.root == root and each.event_id not in self.closed]


def _before(found: Judgement) -> Verdict | None:
    """What can be said without a retry: the worst of the jobs decides."""
    said = [BEFORE.get(judged.advice) for judged in found.judged]
    return next((verdict for verdict in said if verdict is not None), None)


def _as_before(ruled: Ruled) -> RuledBefore:
    """As the ledger would give it."""
    return RuledBefore(
        event_id=ruled.event_id,
        root=ruled.root,
        at=ruled.at,
        mode=ruled.mode,
        retry=ruled.ruling.retry,
        explored=ruled.explored,
        rule=", ".join(ruled.ruling.rules) or None,
        stop=ruled.ruling.stop,
        p_transient=ruled.p_transient,
        p_passes=ruled.p_passes,
        passed=None,
        verdict=None,
        ended_at=None,
        failures=tuple(
            PastFailure(
                job=each.job,
                failure_class=str(each.failure_class),
                fingerprint=each.fingerprint,
                tests=each.tests,
                evidence=each.evidence.line if each.evidence else None,
            )
            for each in ruled.failures
        ),
    )
