"""What must never happen, counted anew from the course alone: budgets overdrawn, deploys run again."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from benchmarks.retrying.draws import DEPLOY
from benchmarks.retrying.engine import Course
from relay.policy import Budgets, Ruled

NEVER = ("broken-compile", "broken-lint")
HOUR, DAY, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)


def faults(course: Course) -> tuple[str, ...]:
    """In words, each thing that the policy should not have done."""
    return (*_overdrawn(course), *_forbidden(course), *_unruled(course))


def _overdrawn(course: Course) -> Iterator[str]:
    budgets = Budgets()
    spent: list[Ruled] = []
    ends = [attempt.ended for attempt in course.attempts]
    for ruled in (each for each in course.rulings if each.ruling.retry and each.mode.acts):
        spent.append(ruled)
        ended = sum(ruled.at - HOUR < end <= ruled.at for end in ends)
        for name, used, most in _accounts(spent, ruled, budgets, ended):
            if used > most:
                yield f"{name} at {ruled.at:%d %H:%M}: {used:g} of {most:g}"


def _accounts(
    spent: Sequence[Ruled], ruled: Ruled, budgets: Budgets, ended: int
) -> Iterator[tuple[str, float, float]]:
    branch = [each for each in spent if (each.project, each.branch) == (ruled.project, ruled.branch)]
    recent = {time: [each for each in spent if each.at > ruled.at - time] for time in (HOUR, DAY, MONTH)}
    yield "per_build", sum(each.root == ruled.root for each in spent), budgets.per_build
    yield "per_commit", sum(each.commit == ruled.commit for each in branch), budgets.per_commit
    yield "per_branch", sum(each.at > ruled.at - DAY for each in branch), budgets.per_branch.count
    yield "per_hour", len(recent[HOUR]), budgets.hourly(ended)
    yield "minutes.day", sum(each.minutes for each in recent[DAY]), budgets.minutes_day
    yield "minutes.month", sum(each.minutes for each in recent[MONTH]), budgets.minutes_month


def _forbidden(course: Course) -> Iterator[str]:
    for at, attempt in course.asked:
        ways = {fault.way for fault in attempt.failed.values()}
        if DEPLOY in attempt.failed:
            yield f"a deploy was run again at {at:%d %H:%M}"
        if attempt.commit.branch.startswith("pull/"):
            yield f"a fork was run again at {at:%d %H:%M}"
        if not ways.isdisjoint(NEVER):
            yield f"{', '.join(sorted(ways))} was run again at {at:%d %H:%M}"


def _unruled(course: Course) -> Iterator[str]:
    """Each retry has its ruling, and a ruling no second retry."""
    ruled = sum(each.ruling.retry and each.mode.acts for each in course.rulings)
    if len(course.asked) > ruled:
        yield f"{len(course.asked)} retries for {ruled} rulings"
    if len({attempt.id for _, attempt in course.asked}) < len(course.asked):
        yield "one attempt was run again twice"
