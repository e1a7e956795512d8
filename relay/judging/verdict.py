"""The ruling on a failed run, from its failures, what is known, and the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from relay.failures import INFRASTRUCTURE, Failure
from relay.judging.asking import Question, failures_of, state_keys
from relay.judging.attempts import attempts_of, class_of, this_attempt
from relay.judging.record import Record, record_of
from relay.judging.terms import Known, RetryTerms
from relay.model import Event
from relay.odds.attempts import Attempt
from relay.odds.case import Case as OddsCase
from relay.odds.chances import FailedRetry
from relay.odds.decide import Advice, Judged, decide
from relay.odds.economics import Costs
from relay.odds.explore import explore
from relay.odds.outcomes import Logical, outcomes
from relay.odds.terms import Elsewhere, FailedTest
from relay.odds.wilson import interval
from relay.policy import (
    NO_STANDING,
    Case,
    Memory,
    Odds,
    PastRun,
    Ruled,
    Ruling,
    Standing,
    Used,
    rule_on,
    standing,
)

UNKNOWN_MINUTES = 10.0  # of a run whose duration nobody told
BROKEN_ADVICE = (Advice.BROKEN_BRANCH,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The ruling as it is kept, and the event with what was found out, for rules and messages."""

    event: Event
    ruled: Ruled
    judged: tuple[Judged, ...]  # for each failed job
    standing: Standing = NO_STANDING

    @property
    def awaits_retry(self) -> bool:
        """Whether another run is on its way, so that the verdict is not in."""
        return self.ruled.ruling.retry and self.ruled.mode.acts


def judge_failure(
    event: Event, asked: Question, known: Known, terms: RetryTerms, now: datetime
) -> Judgement | None:
    """None for an event of whose failure nothing was found out."""
    failures = failures_of(event)
    if not failures:
        return None
    found = tuple(_weighed(event, failure, failures, known, terms, now) for failure in failures)
    case = _case(event, failures, found, known, terms)
    ruling, explored = _ruling(case, asked.root, terms, now)
    ruled = _ruled(event, asked.root, failures, found, ruling, case, terms, now)
    return Judgement(
        event=_noted(event, failures, found),
        ruled=replace(ruled, explored=explored),
        judged=tuple(judged for judged, _ in found),
        standing=standing(case, terms.policy, now),
    )


def _ruling(case: Case, root: str, terms: RetryTerms, now: datetime) -> tuple[Ruling, bool]:
    """Of the failures that the odds speak against a few are run again by lot; never against a limit."""
    ruling = rule_on(case, terms.policy, now)
    if ruling.stop != "odds" or not explore(root, terms.explore):
        return ruling, False
    drawn = rule_on(case, terms.policy, now, by_lot=True)
    if not drawn.retry:
        return ruling, False
    words = (*ruling.words, "run again all the same, by lot, to learn whether the odds are right")
    return replace(drawn, words=words), True


def _weighed(
    event: Event,
    failure: Failure,
    failures: Sequence[Failure],
    known: Known,
    terms: RetryTerms,
    now: datetime,
) -> tuple[Judged, Record]:
    own, trunk = _attempts(event, failure, known.memory, terms)
    tests = _tests(failure, event, known.memory, terms)
    pull_request = is_pull_request(event, terms)
    record = record_of(
        failure,
        own,
        trunk,
        known.memory.retries,
        event.project.slug or "",
        now,
        prior=terms.priors.get(str(failure.failure_class)),
        pull_request=pull_request,
        known_flaky_tests=bool(tests) and all(each.known_flaky for each in tests),
    )
    case = _odds_case(event, failure, failures, known, terms, record, tests, own)
    return decide(case), replace(record, tests_wilson=_least_wilson(failure, event, known.memory, terms))


def _odds_case(
    event: Event,
    failure: Failure,
    failures: Sequence[Failure],
    known: Known,
    terms: RetryTerms,
    record: Record,
    tests: tuple[FailedTest, ...],
    own: Sequence[Attempt],
) -> OddsCase:
    """What the odds are made from."""
    return OddsCase(
        failure_class=class_of(str(failure.failure_class)),
        flake_rate=record.flakes,
        break_rate=record.breaks,
        success=record.success,
        costs=_costs(event, terms),
        lr_transient=failure.lr_transient,
        lr_genuine=failure.lr_genuine,
        tests=tests,
        failed_jobs=len(failures),
        failed_tests=sum(each.test_count for each in failures),
        elsewhere=_elsewhere(event, failure, known, terms),
        failed_retries=_failed_retries(own),
        pull_request=is_pull_request(event, terms),
        failed_twice=record.failed_twice,
        branch=record.branch,
        limit=3,  # the rules have limits of their own
    )


def is_pull_request(event: Event, terms: RetryTerms) -> bool:
    is_branch = bool(terms.trunk) and event.branch not in terms.trunk and not event.tag
    return bool(event.pull_requests) or event.fork is True or is_branch


def _attempts(
    event: Event, failure: Failure, memory: Memory, terms: RetryTerms
) -> tuple[tuple[Attempt, ...], tuple[Attempt, ...]]:
    """Of the job: on its own branch, this one last, and on trunk."""
    own_key, *trunk_keys = state_keys(event, terms)
    past = [run for run in memory.runs.get(own_key, ()) if run.event_id != event.id]
    own = attempts_of(failure.job, past)
    is_first = all(run.commit != event.commit.sha for run in past)
    this = this_attempt(event, failure, failure.job, is_first=is_first)
    trunk = [run for key in trunk_keys for run in memory.runs.get(key, ())]
    return (*own, this), attempts_of(failure.job, trunk)


def _failed_retries(own: Sequence[Attempt]) -> tuple[FailedRetry, ...]:
    """Attempts of this commit that failed after its first failure."""
    this = own[-1]
    failed = [each for each in own if each.commit == this.commit and each.passed is False]
    return tuple(
        FailedRetry(same=retry.fingerprint == before.fingerprint, gap=retry.at - before.at)
        for before, retry in pairwise(failed)
    )


def _tests(failure: Failure, event: Event, memory: Memory, terms: RetryTerms) -> tuple[FailedTest, ...]:
    runs = [run for key in state_keys(event, terms) for run in memory.runs.get(key, ())]
    return tuple(_test(test, [run for run in runs if run.event_id != event.id]) for test in failure.tests)


def _least_wilson(failure: Failure, event: Event, memory: Memory, terms: RetryTerms) -> float | None:
    """How often the steadiest of the failing tests flakes at least; None without tests."""
    runs = [run for key in state_keys(event, terms) for run in memory.runs.get(key, ())]
    earlier = [run for run in runs if run.event_id != event.id]
    return min((_wilson(test, earlier) for test in failure.tests), default=None)


def _wilson(test: str, runs: Sequence[PastRun]) -> float:
    kinds = [each.kind for each in outcomes(_test_attempts(test, runs))]
    flakes, clean = kinds.count(Logical.FLAKE), kinds.count(Logical.CLEAN)
    return round(interval(flakes, flakes + clean)[0], 4) if flakes + clean else 0.0


def _test(test: str, runs: Sequence[PastRun]) -> FailedTest:
    """What earlier runs say of one test: a run that passed had it passing."""
    found = outcomes(_test_attempts(test, runs))
    flakes = sum(1 for each in found if each.kind is Logical.FLAKE)
    clean = sum(1 for each in found if each.kind is Logical.CLEAN)
    return FailedTest(known_flaky=flakes >= FLAKES, clean=clean, is_new=not found)


FLAKES = 2  # commits at which a test flaked, from which it is known to


def _test_attempts(test: str, runs: Sequence[PastRun]) -> tuple[Attempt, ...]:
    """The runs as if the test were a job of theirs."""
    about = [replace(run, failures=_only(test, run)) for run in runs]
    return attempts_of(test, about)


def _only(test: str, run: PastRun) -> Any:
    if run.failures is None:
        return None
    return tuple(replace(each, job=test) for each in run.failures if test in each.tests)


def _elsewhere(event: Event, failure: Failure, known: Known, terms: RetryTerms) -> Elsewhere:
    is_infra = class_of(str(failure.failure_class)) in INFRASTRUCTURE
    seen = [each for each in known.memory.sightings if each.fingerprint == failure.fingerprint]
    on_trunk = [each for each in seen if each.branch in terms.trunk and each.project == event.project.slug]
    if is_infra and known.spent.hits_projects >= terms.policy.breakers.outage_projects:
        return Elsewhere.PROJECTS
    if on_trunk and event.branch not in terms.trunk and not is_infra:
        return Elsewhere.DEFAULT_BRANCH
    author = event.author.known or event.author.email
    others = [each for each in seen if each.branch != event.branch and each.author != author]
    return Elsewhere.BRANCHES if others else Elsewhere.NOWHERE


def _costs(event: Event, terms: RetryTerms) -> Costs:
    return Costs(
        minutes=minutes_of(event),
        credits_per_minute=terms.credits_per_minute,
        price=terms.credit,
        spared=terms.spared,
        urgency=terms.late,
    )


def minutes_of(event: Event) -> float:
    return UNKNOWN_MINUTES if event.duration is None else max(event.duration / 60, 0.1)


def _case(
    event: Event,
    failures: Sequence[Failure],
    found: Sequence[tuple[Judged, Record]],
    known: Known,
    terms: RetryTerms,
) -> Case:
    jobs = tuple(
        (as_read(event, failure, judged, record), failure, _odds(judged))
        for failure, (judged, record) in zip(failures, found, strict=True)
    )
    listed = event.notes.get("failed_jobs")
    return Case(
        event=event,
        jobs=jobs,
        jobs_failed=max(len(failures), len(listed) if isinstance(listed, list) else 0),
        tests_failed=sum(each.test_count for each in failures),
        minutes=minutes_of(event),
        spent=known.spent,
        is_off=known.is_off,
    )


def _odds(judged: Judged) -> Odds:
    return Odds(
        p_transient=judged.p_transient,
        p_passes=judged.p_passes,
        floor=max(judged.rho_star, judged.floor),
        is_broken=judged.advice in BROKEN_ADVICE,
        words=judged.words[:-1],
    )


def as_read(event: Event, failure: Failure, judged: Judged, record: Record) -> Event:
    """The event as rules and messages read it: about one failed job."""
    note = event.notes.get("failure")
    own = {**_of_job(note, failure), **_learnt(failure, judged, record)}
    return replace(event, notes={**event.notes, "failure": own, "history": _history(record)})


def _of_job(note: Any, failure: Failure) -> dict[str, Any]:
    whole = dict(note) if isinstance(note, Mapping) else {}
    jobs = [each for each in whole.get("jobs") or () if isinstance(each, Mapping)]
    own = next((each for each in jobs if each.get("name") == failure.job), {})
    return {**whole, **own}


def _learnt(failure: Failure, judged: Judged, record: Record) -> dict[str, Any]:
    tests = next((term for term in judged.terms if term.name == "tests"), None)
    known = "none" if tests is None else "all" if tests.log > 0 else "some"
    return {
        "p_transient": round(judged.p_transient, 4),
        "p_passes": round(judged.p_passes, 4),
        "known_flaky": known if failure.tests else None,
        "tests_wilson": record.tests_wilson,
        "first_bad": record.first_bad,
        "last_good": record.last_good,
    }


def _history(record: Record) -> dict[str, Any]:
    return {
        "flake_rate": round(record.flakes, 4),
        "rho": round(record.success.mean, 4),
        "samples": record.samples,
        "known_flaky": record.is_flaky,
    }


def _noted(event: Event, failures: Sequence[Failure], found: Sequence[tuple[Judged, Record]]) -> Event:
    """With what was learnt of the failure that the event speaks of."""
    note = event.notes.get("failure")
    name = note.get("name") if isinstance(note, Mapping) else None
    at = next((at for at, failure in enumerate(failures) if failure.job == name), 0)
    return as_read(event, failures[at], *found[at])


def _ruled(
    event: Event,
    root: str,
    failures: tuple[Failure, ...],
    found: Sequence[tuple[Judged, Record]],
    ruling: Ruling,
    case: Case,
    terms: RetryTerms,
    now: datetime,
) -> Ruled:
    return Ruled(
        event_id=event.id,
        root=root,
        project=event.project.slug or "",
        branch=event.branch,
        commit=event.commit.sha,
        author=event.author.known or event.author.email,
        at=now,
        failures=failures,
        jobs_failed=case.jobs_failed,
        tests_failed=case.tests_failed,
        minutes=case.minutes,
        mode=terms.mode,
        ruling=ruling,
        p_transient=min(judged.p_transient for judged, _ in found),
        p_passes=min(judged.p_passes for judged, _ in found),
    )


def with_spent(spent: Used, asked: Question, ruled: Ruled) -> Used:
    """What is spent once another ruling of the same transaction counts too."""
    about = asked.spent
    if about is None or not ruled.ruling.retry:
        return spent
    here = ruled.project == about.project
    return replace(
        spent,
        on_root=spent.on_root + (ruled.root == about.root),
        on_commit=spent.on_commit + (here and ruled.commit is not None and ruled.commit == about.commit),
        on_branch=spent.on_branch + (here and ruled.branch is not None and ruled.branch == about.branch),
        in_hour=spent.in_hour + 1,
        minutes_day=spent.minutes_day + ruled.minutes,
        minutes_month=spent.minutes_month + ruled.minutes,
        probed_at=ruled.at,
    )
