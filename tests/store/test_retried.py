"""What retries came to, counted on both databases, and the switch that stops them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from relay.failures import Evidence, Failure, FailureClass
from relay.policy import About, Ended, Mode, Ruled, Ruling
from relay.store import Store, SwitchedOff
from relay.store.retried import Counted, Hits
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


def test_rulings_are_counted_by_kind_and_end(store: Store) -> None:
    run(store, "w-1", passed=True, at=NOON - HOUR)
    run(store, "w-2", passed=False, explored=True)
    run(store, "w-3", ruling=NOT)
    found = {
        (each.retry, each.explored, each.stop, each.passed, each.verdict): each for each in counts(store)
    }
    assert {key: (each.count, each.masked) for key, each in found.items()} == {
        (True, False, None, True, "infrastructure"): (1, 1),
        (True, True, None, False, "infrastructure"): (1, 0),
        (False, False, "odds", None, None): (1, 0),
    }


def counts(store: Store) -> tuple[Counted, ...]:
    return store.rulings_counted(datetime.now(UTC) - DAY)


def test_events_that_came_before_are_not_counted(store: Store) -> None:
    run(store, "w-1")
    assert store.rulings_counted(datetime.now(UTC) + HOUR) == ()


def test_hits_of_signatures_are_counted_over_projects(store: Store) -> None:
    run(store, "w-1", at=NOON - HOUR)
    run(store, "w-2", project="gh/acme/web")
    assert store.hits() == {"net.reset": Hits(count=2, last=NOON)}


def test_a_failure_is_first_seen_when_it_came_first_of_all(store: Store) -> None:
    run(store, "w-0", at=NOON - 30 * DAY)
    run(store, "w-1", passed=True)
    run(store, "w-2", project="gh/acme/web", at=NOON - 60 * DAY)
    (flake,) = store.flakes(NOON - 7 * DAY, NOON + HOUR, 10)
    assert (flake.first_seen, flake.last_seen) == (NOON - 30 * DAY, NOON)


def test_what_was_spent_is_told_as_it_was_before_the_event(store: Store) -> None:
    run(store, "w-1")
    first = store.events()[0].id
    run(store, "w-1")
    second = store.events()[0].id
    asked = About(
        mode=Mode.ON,
        root="w-1",
        project="gh/acme/api",
        branch="main",
        commit="commit of w-1",
        signatures=("net.reset",),
        branch_per=DAY.total_seconds(),
        outage_within=1800.0,
        window=10,
        most_ended=10,
    )
    spent = [store.used([replace(asked, event_id=id)], NOON)["w-1"] for id in (first, second, None)]
    assert [(each.on_root, each.on_commit, each.in_hour, each.hits_here) for each in spent] == [
        (0, 0, 0, 0),
        (1, 1, 1, 1),
        (2, 2, 2, 2),
    ]
