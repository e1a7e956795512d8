"""How far the budgets are used and which breakers are open, for whoever asks why. Pure."""

from dataclasses import dataclass
from datetime import datetime

from relay.policy.limits import Budgets, Stop, Used, open_breakers
from relay.policy.ruling import Case, Policy, is_infrastructure


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """One budget, by its name in the configuration: what is used of how much."""

    budget: str
    used: float
    room: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """All budgets, and the breakers that are open."""

    budgets: tuple[Spent, ...] = ()
    breakers: tuple[Stop, ...] = ()


NO_STANDING = Standing()


def standing(case: Case, policy: Policy, now: datetime) -> Standing:
    """As they were when a run was ruled on, without what that ruling spends."""
    is_infra = is_infrastructure(case)
    found = open_breakers(policy.breakers, case.spent, case.jobs_failed, case.tests_failed, is_infra, now)
    return Standing(budgets=_budgets(policy.budgets, case.spent), breakers=tuple(found))


def _budgets(budgets: Budgets, spent: Used) -> tuple[Spent, ...]:
    return (
        Spent(budget="per_build", used=spent.on_root, room=budgets.per_build),
        Spent(budget="per_commit", used=spent.on_commit, room=budgets.per_commit),
        Spent(budget="per_branch", used=spent.on_branch, room=budgets.per_branch.count),
        Spent(budget="per_hour", used=spent.in_hour, room=budgets.hourly(spent.ended_in_hour)),
        Spent(budget="minutes.day", used=spent.minutes_day, room=budgets.minutes_day),
        Spent(budget="minutes.month", used=spent.minutes_month, room=budgets.minutes_month),
    )
