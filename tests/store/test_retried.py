"""What retries came to, counted on both databases, and the switch that stops them."""

from datetime import timedelta
from typing import Any

from relay.failures import Evidence, Failure, FailureClass
from relay.policy import Ended, Mode, Ruled, Ruling
from relay.store import Store, SwitchedOff
from tests.factories import MINUTE, NOON
from tests.store.parts import accept_one, claim_plans, make_planned

HOUR, DAY = 60 * MINUTE, timedelta(days=1)
AGAIN = Ruling(retry=True, rules=("network",), limit=1)
NOT = Ruling(retry=False, stop="odds")


def plan(store: Store, event_id: str, **its: Any) -> None:
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        assert turn.record_plan(held, make_planned(event_id, **its), NOON) is True


def run(store: Store, root: str, *, passed: bool | None = None, **overrides: Any) -> None:
    """A failed run that was ruled on, and a later attempt if one is told."""
    event_id = accept_one(store)
    evidence = Evidence(signature="net.reset", failure_class=FailureClass.NET, lr=12, line="reset by peer")
    failure = Failure(
        job="unit",
        failure_class=FailureClass.NET,
        signatures=("net.reset",),
        evidence=evidence,
        fingerprint="ab" * 8,
    )
    fields: dict[str, Any] = {
        "event_id": event_id,
        "root": root,
        "project": "gh/acme/api",
        "branch": "main",
        "commit": f"commit of {root}",
        "at": NOON,
        "failures": (failure,),
        "jobs_failed": 1,
        "tests_failed": 0,
        "minutes": 12.0,
        "mode": Mode.ON,
        "ruling": AGAIN,
    }
    plan(store, event_id, ruled=Ruled(**{**fields, **overrides}))
    if passed is not None:
        later, at = accept_one(store), fields["at"] + 10 * MINUTE
        ended = Ended(root=root, event_id=later, passed=passed, verdict="infrastructure", at=at)
        plan(store, later, ended=ended)


def test_rulings_are_counted_with_what_came_of_them(store: Store) -> None:
    run(store, "w-1", passed=True)
    run(store, "w-2", passed=False)
    run(store, "w-3")
    run(store, "w-4", ruling=NOT, passed=True)
    (found,) = store.retried_by("mode", NOON - DAY)
    assert (found.name, found.judged, found.retried, found.ended, found.passed) == ("on", 4, 3, 2, 1)
    assert (found.minutes, found.missed) == (36.0, 1)
    assert [(each.name, each.judged) for each in store.retried_by("rule", NOON - DAY)] == [
        ("network", 3),
        ("–", 1),
    ]
    assert [each.name for each in store.retried_by_class(NOON - DAY)] == ["net"]


def test_what_was_ruled_before_is_not_counted(store: Store) -> None:
    run(store, "w-1", at=NOON - 2 * DAY)
    assert store.retried_by("mode", NOON - DAY) == ()


def test_a_pass_is_masked_when_the_same_failure_comes_back_for_good_within_a_day(store: Store) -> None:
    run(store, "w-1", passed=True, at=NOON - HOUR)
    assert store.retried_by("mode", NOON - DAY)[0].masked == 0
    run(store, "w-2", at=NOON)
    assert store.retried_by("mode", NOON - DAY)[0].masked == 1


def test_a_failure_on_another_branch_or_a_day_later_masks_nothing(store: Store) -> None:
    run(store, "w-1", passed=True, at=NOON - 2 * DAY)
    run(store, "w-2", at=NOON)
    run(store, "w-3", branch="feature", at=NOON - DAY)
    assert store.retried_by("mode", NOON - 3 * DAY)[0].masked == 0


def test_by_lot_is_counted_apart(store: Store) -> None:
    run(store, "w-1", passed=True, explored=True)
    run(store, "w-2", passed=False, explored=True)
    (found,) = store.retried_by("mode", NOON - DAY)
    assert (found.explored, found.explored_passed) == (2, 1)


def test_what_came_and_went_is_told_with_the_minutes_it_took(store: Store) -> None:
    run(store, "w-1", passed=True)
    run(store, "w-2")
    run(store, "w-0", at=NOON - 8 * DAY)
    (flake,) = store.flakes(NOON - 7 * DAY, NOON + HOUR, 10)
    assert (flake.job, flake.runs, flake.recovered, flake.minutes, flake.before) == ("unit", 2, 1, 24.0, 1)
    assert flake.evidence == "reset by peer"


def test_what_never_passed_again_is_no_flake(store: Store) -> None:
    run(store, "w-1", passed=False)
    assert store.flakes(NOON - DAY, NOON + HOUR, 10) == ()


def test_the_switch_is_off_until_somebody_switches_it_on(store: Store) -> None:
    assert store.switched_off() is None
    first = store.switch_off(SwitchedOff(at=NOON, who="alice", why="an outage"))
    again = store.switch_off(SwitchedOff(at=NOON + HOUR, who="bob"))
    assert first == again == SwitchedOff(at=NOON, who="alice", why="an outage")
    assert first.words == "retries are switched off by alice: an outage"
    assert (store.switch_on(), store.switch_on(), store.switched_off()) == (True, False, None)
