"""The ledger of retries, on both databases: what was spent, and how what was ruled on ended."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from relay import policy
from relay.failures import Failure, FailureClass
from relay.ids import new_id
from relay.policy import About, Breakers, Budgets, Ended, Mode, Ruled, Ruling, Used
from relay.store import Store
from tests.factories import MINUTE, NOON, make_event
from tests.store.parts import accept_one, claim_plans, make_planned

HOUR, DAY = 60 * MINUTE, timedelta(days=1)
AGAIN, NOT = Ruling(retry=True, rules=("network",), limit=1), Ruling(retry=False, stop="no rule")


def about(**overrides: Any) -> About:
    fields: dict[str, Any] = {
        "mode": Mode.ON,
        "root": "w-1",
        "project": "gh/acme/api",
        "branch": "main",
        "commit": "a1b2c3d4",
        "signatures": ("net.reset",),
        "branch_per": DAY.total_seconds(),
        "outage_within": 1800.0,
        "window": 10,
        "most_ended": 200,
    }
    return About(**{**fields, **overrides})


def failure(signature: str = "net.reset") -> Failure:
    return Failure(job="unit", failure_class=FailureClass.NET, signatures=(signature,), fingerprint="ab" * 8)


def rule(store: Store, **overrides: Any) -> str:
    """Record a ruling on an event that is accepted for it."""
    event_id = accept_one(store, received_at=overrides.get("at", NOON))
    fields: dict[str, Any] = {
        "event_id": event_id,
        "root": "w-1",
        "project": "gh/acme/api",
        "branch": "main",
        "commit": "a1b2c3d4",
        "at": NOON,
        "failures": (failure(),),
        "jobs_failed": 1,
        "tests_failed": 0,
        "minutes": 12.0,
        "mode": Mode.ON,
        "ruling": AGAIN,
    }
    plan(store, event_id, ruled=Ruled(**{**fields, **overrides}))
    return event_id


def plan(store: Store, event_id: str, **its: Any) -> None:
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        assert turn.record_plan(held, make_planned(event_id, **its), NOON) is True


def spent(store: Store, **overrides: Any) -> Used:
    asked = about(**overrides)
    return store.used([asked], NOON + MINUTE)[asked.root]


def test_nothing_was_spent_before_anything_was_ruled(store: Store) -> None:
    assert spent(store) == Used()


def test_a_retry_counts_for_its_run_its_commit_its_branch_and_the_hour(store: Store) -> None:
    rule(store)
    found = spent(store)
    assert (found.on_root, found.on_commit, found.on_branch, found.in_hour) == (1, 1, 1, 1)
    assert (found.minutes_day, found.minutes_month, found.probed_at) == (12.0, 12.0, NOON)
    assert found.ended_in_hour == 1


def test_what_was_not_run_again_costs_nothing_and_yet_is_a_sign_of_an_outage(store: Store) -> None:
    rule(store, ruling=NOT)
    found = spent(store)
    assert (found.on_root, found.in_hour, found.minutes_day) == (0, 0, 0.0)
    assert (found.hits_projects, found.hits_here, found.last_hit) == (1, 1, NOON)


def test_others_have_budgets_of_their_own(store: Store) -> None:
    rule(store, root="w-2", branch="feature", commit="0000")
    rule(store, root="w-3", project="gh/acme/web")
    found = spent(store)
    assert (found.on_root, found.on_commit, found.on_branch, found.in_hour) == (0, 0, 0, 2)
    assert (found.hits_projects, found.hits_here) == (2, 1)


def test_another_signature_is_no_sign_of_this_outage(store: Store) -> None:
    rule(store, failures=(failure("reg.npm_net"),))
    assert spent(store).hits_here == 0


def test_executors_that_are_lost_without_a_log_are_signs_of_one_outage(store: Store) -> None:
    lost = Failure(job="unit", failure_class=FailureClass.AGENT, fingerprint="cd" * 8)
    rule(store, failures=(lost,))
    rule(store, project="gh/acme/web", root="w-2", failures=(replace(lost, job="lint"),))

    asked = policy.about(make_event(), "w-3", (lost,), Mode.ON, Budgets(), Breakers())
    assert asked.signatures == ("agent",)
    assert spent(store, signatures=asked.signatures).hits_projects == 2


def test_what_was_done_in_shadow_counts_in_shadow_only(store: Store) -> None:
    rule(store, mode=Mode.SHADOW)
    assert spent(store).on_root == 0
    assert spent(store, mode=Mode.SHADOW).on_root == 1


def test_time_gives_budgets_back(store: Store) -> None:
    rule(store, at=NOON - 2 * HOUR)
    rule(store, at=NOON - 2 * DAY, root="w-2")
    rule(store, at=NOON - 40 * DAY, root="w-3")
    found = spent(store)
    assert (found.on_branch, found.in_hour, found.minutes_day, found.minutes_month) == (1, 0, 12.0, 24.0)
    assert (found.on_commit, found.hits_here) == (3, 0)


def test_a_later_attempt_decides_what_was_open_of_its_run(store: Store) -> None:
    first = rule(store)
    rule(store, root="w-2")
    later = accept_one(store)
    ended = Ended(root="w-1", event_id=later, passed=True, verdict="infrastructure", at=NOON + MINUTE)
    plan(store, later, ended=ended)

    found = spent(store)
    assert (found.decided, found.last_decided) == ((True,), NOON + MINUTE)
    assert store.ruled([first])[first].verdict == "infrastructure"


def test_an_attempt_that_failed_again_decides_the_one_before_and_stays_open_itself(store: Store) -> None:
    rule(store)
    later = accept_one(store)
    again = Ruled(
        event_id=later,
        root="w-1",
        project="gh/acme/api",
        branch="main",
        commit="a1b2c3d4",
        at=NOON + MINUTE,
        failures=(),
        jobs_failed=1,
        tests_failed=0,
        minutes=12.0,
        mode=Mode.ON,
        ruling=NOT,
    )
    ended = Ended(root="w-1", event_id=later, passed=False, verdict="genuine", at=NOON + MINUTE)
    plan(store, later, ruled=again, ended=ended)
    assert spent(store).decided == (False,)
    assert store.ruled([later])[later].verdict is None


def test_two_workers_never_spend_the_same_budget(store: Store) -> None:
    """Each looks and spends in one transaction; of eight that want the last retry one gets it."""
    ids = [accept_one(store) for _ in range(8)]
    began = threading.Barrier(8)
    given: list[str] = []

    def work(name: str) -> None:
        began.wait()
        with store.turn() as turn:
            (held,) = turn.claim_plans(NOON, name, 60.0, 1)
            asked = about()
            ruling = AGAIN if turn.used([asked], NOON)[asked.root].on_root < 1 else NOT
            ruled = Ruled(
                event_id=held.ref,
                root="w-1",
                project="gh/acme/api",
                branch="main",
                commit=None,
                at=NOON,
                failures=(),
                jobs_failed=1,
                tests_failed=0,
                minutes=1.0,
                mode=Mode.ON,
                ruling=ruling,
            )
            assert turn.record_plan(held, make_planned(held.ref, ruled=ruled), NOON) is True
        if ruling.retry:
            given.append(name)

    threads = [threading.Thread(target=work, args=(new_id(),)) for _ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(given) == 1


@pytest.mark.parametrize("most", [1, 3])
def test_runs_that_ended_are_counted_no_further_than_they_matter(store: Store, most: int) -> None:
    for _ in range(5):
        accept_one(store)
    assert spent(store, most_ended=most).ended_in_hour == most
