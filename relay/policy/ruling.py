"""The ruling on a failed run: again or not, by which rule, and in words why.

Asked in this order, and the first that objects decides: the switch, what is never run again, breadth and the
other breakers, the first rule that matches each failed job, the odds, the budgets.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from relay.failures import INFRASTRUCTURE, Failure
from relay.model import Event, Status
from relay.policy.limits import Breakers, Budgets, Stop, Used, exhausted, open_breaker
from relay.policy.rules import Rule, in_words
from relay.routing import Match, Reading

NOTHING_USED, BUDGETS, BREAKERS = Used(), Budgets(), Breakers()
MOST_RETRIES = 10  # of one first run, before rules and budgets say less
NEVER_STATUS = (Status.CANCELED, Status.UNAUTHORIZED, Status.NOT_RUN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Odds:
    """What statistics say of one failed job. `floor`: how likely a retry has to pass to be worth it."""

    p_transient: float
    p_passes: float
    floor: float
    is_broken: bool = False  # the branch is known to be broken by this very failure
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A failed run: its event as rules read it for each failed job, with the failure and its odds."""

    event: Event
    jobs: tuple[tuple[Event, Failure, Odds], ...]
    jobs_failed: int  # of which `jobs` may hold fewer
    tests_failed: int
    minutes: float  # that another run of it would take
    spent: Used = NOTHING_USED
    is_off: str | None = None  # why nothing is tried again at all, such as the kill switch


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The configuration's rules, ready to be used."""

    rules: tuple[Rule, ...]
    never: tuple[Match, ...]
    budgets: Budgets = BUDGETS
    breakers: Breakers = BREAKERS
    expect_passes: float | None = None  # a floor of one's own for P(retry passes)
    forks: bool = False  # whether those may be run again


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """Whether to run it again. `stop` names what speaks against it: a rule, a limit, the odds."""

    retry: bool
    rules: tuple[str, ...] = ()
    limit: int = 0
    delay: float = 0.0
    from_start: bool = False
    stop: str | None = None
    until: datetime | None = None
    words: tuple[str, ...] = field(default=())


def rule_on(case: Case, policy: Policy, now: datetime, *, by_lot: bool = False) -> Ruling:
    """All failed jobs have to agree: one that stays broken keeps the run red, whatever the others do.

    by_lot: whatever the odds say, but once at most, and no limit is passed over.
    """
    if stop := next(_refusals(case, policy, now), None):
        return _no(stop)
    ruling = Ruling(retry=True, limit=1 if by_lot else MOST_RETRIES, words=())
    for event, failure, odds in case.jobs:
        ruling = _joined(ruling, event, failure, odds, policy, by_lot=by_lot)
        if not ruling.retry:
            return ruling
    if stop := exhausted(policy.budgets, case.spent, ruling.limit, case.minutes, now):
        return replace(_no(stop), rules=ruling.rules, words=(*ruling.words, stop.why))
    return ruling


def _refusals(case: Case, policy: Policy, now: datetime) -> Iterator[Stop]:
    event = case.event
    if case.is_off:
        yield Stop(name="off", why=case.is_off)
    if event.status in NEVER_STATUS:
        yield Stop(name="never", why=f"what is {event.status} is never run again")
    if event.fork and not policy.forks:
        yield Stop(name="never", why="forks are never run again: the token might open to them what is secret")
    for read, failure, _ in case.jobs:
        yield from (_forbidden(match, read, failure) for match in policy.never if match.passes(Reading(read)))
    jobs, tests = case.jobs_failed, case.tests_failed
    if stop := open_breaker(policy.breakers, case.spent, jobs, tests, is_infrastructure(case), now):
        yield stop
    if not case.jobs:
        yield Stop(name="unknown", why="nothing is known of why it failed")


def is_infrastructure(case: Case) -> bool:
    """Whether one of the failed jobs did not fail by itself."""
    return any(failure.failure_class in INFRASTRUCTURE for _, failure, _ in case.jobs)


def _forbidden(match: Match, read: Event, failure: Failure) -> Stop:
    return Stop(name="never", why=f"{failure.job or 'it'} is never run again: {match.tell(Reading(read))}")


def _joined(
    ruling: Ruling, event: Event, failure: Failure, odds: Odds, policy: Policy, *, by_lot: bool
) -> Ruling:
    """The ruling so far and one more failed job."""
    reading, name = Reading(event), failure.job or "it"
    rule = next((rule for rule in policy.rules if rule.when.passes(reading)), None)
    if rule is None:
        return _no(Stop(name="no rule", why=f"{name}: no rule for {_told(failure)}"))
    words = (*ruling.words, f"{name}: {in_words(rule)}, since {rule.when.tell(reading)}", *odds.words)
    names = tuple(dict.fromkeys((*ruling.rules, rule.id)))
    stop = _against(rule, odds, policy, name, by_lot=by_lot)
    if stop is not None:
        return Ruling(retry=False, rules=names, stop=stop.name, words=(*words, stop.why))
    return Ruling(
        retry=True,
        rules=names,
        limit=min(ruling.limit, rule.retry),
        delay=max(ruling.delay, rule.delay),
        from_start=ruling.from_start or rule.from_start,
        words=words,
    )


def _against(rule: Rule, odds: Odds, policy: Policy, name: str, *, by_lot: bool) -> Stop | None:
    floor = next((own for own in (rule.expect_passes, policy.expect_passes) if own is not None), odds.floor)
    if rule.retry == 0 or rule.only_noted:
        said = f"rule {rule.id} only notes it" if rule.retry else in_words(rule)
        return Stop(name="rule", why=f"{name}: {said}")
    if odds.is_broken:
        return Stop(name="broken", why=f"{name}: the branch is broken by this very failure")
    if odds.p_passes < floor and not by_lot:
        return Stop(
            name="odds",
            why=f"{name}: a retry passes with {odds.p_passes:.0%}, which is less than {floor:.0%}",
        )
    return None


def _told(failure: Failure) -> str:
    by = f" ({failure.evidence.signature})" if failure.evidence else ""
    return f"a failure of class {failure.failure_class}{by}"


def _no(stop: Stop) -> Ruling:
    return Ruling(retry=False, stop=stop.name, until=stop.until, words=(stop.why,))
