"""How far budgets are used and which breakers are open, as it is shown to whoever asks why."""

from datetime import timedelta

from relay.failures import FailureClass
from relay.policy import Policy, Used, standing
from tests.policy.test_ruling import NOW, case, failure

POLICY = Policy(rules=(), never=())


def test_every_budget_is_told_with_what_is_used_of_it() -> None:
    spent = Used(on_root=1, on_commit=2, on_branch=3, in_hour=4, ended_in_hour=60, minutes_day=30.5)

    found = standing(case(failure(), spent=spent), POLICY, NOW).budgets

    assert [(each.budget, each.used, each.room) for each in found] == [
        ("per_build", 1, 2),
        ("per_commit", 2, 2),
        ("per_branch", 3, 6),
        ("per_hour", 4, 6),
        ("minutes.day", 30.5, 240.0),
        ("minutes.month", 0.0, 3000.0),
    ]


def test_all_breakers_that_are_open_are_told_not_only_the_first() -> None:
    spent = Used(hits_projects=3, last_hit=NOW, decided=(False,) * 10, last_decided=NOW)

    found = standing(case(failure(), spent=spent, jobs_failed=6), POLICY, NOW).breakers

    assert [(each.name, each.until and each.until - NOW) for each in found] == [
        ("too_many_failures", None),
        ("outage", timedelta(minutes=45)),
        ("low_yield", timedelta(hours=2)),
    ]


def test_no_outage_is_told_of_what_failed_by_itself() -> None:
    spent = Used(hits_projects=3, last_hit=NOW)

    assert standing(case(failure(FailureClass.TEST), spent=spent), POLICY, NOW).breakers == ()
