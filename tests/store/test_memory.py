"""What is remembered of earlier runs, on both databases."""

from datetime import timedelta
from typing import Any

from relay.failures import Failure, FailureClass
from relay.model import Outcome, Status
from relay.policy import Ended, Mode, PastFailure, PastRetry, PastRun, Ruled, Ruling, Sighting
from relay.runs import Intent, Origin, RunKind, RunState
from relay.runs import Outcome as RunOutcome
from relay.store import Store
from tests.factories import MINUTE, NOON
from tests.store.parts import KEY, accept_one, claim_plans, make_outcome, make_planned

PROJECT = "gh/acme/api"
FINGERPRINT = "ab" * 8


def plan(store: Store, *, outcome: Outcome | None = None, **its: Any) -> str:
    event_id = accept_one(store)
    fields = {name: value(event_id) if callable(value) else value for name, value in its.items()}
    if outcome is not None:
        fields["outcome"] = make_outcome(**{**_fields(outcome), "event_id": event_id})
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        assert turn.record_plan(held, make_planned(event_id, **fields), NOON) is True
    return event_id


def _fields(outcome: Outcome) -> dict[str, Any]:
    return {
        name: getattr(outcome, name) for name in ("status", "number", "started_at", "commit", "run", "red")
    }


def ruled(event_id: str, **overrides: Any) -> Ruled:
    failure = Failure(
        job="unit",
        failure_class=FailureClass.NET,
        fingerprint=FINGERPRINT,
        tests=("test_pay", "test_refund"),
        test_count=2,
    )
    fields: dict[str, Any] = {
        "event_id": event_id,
        "root": "w-7812",
        "project": PROJECT,
        "branch": "main",
        "commit": "a1b2c3d4",
        "author": "alice",
        "at": NOON,
        "failures": (failure,),
        "jobs_failed": 1,
        "tests_failed": 2,
        "minutes": 12.0,
        "mode": Mode.ON,
        "ruling": Ruling(retry=True, rules=("network",), limit=1),
    }
    return Ruled(**{**fields, **overrides})


def test_nothing_is_remembered_of_what_never_was(store: Store) -> None:
    found = store.remember(PROJECT, [KEY], [FINGERPRINT], ["net"], NOON)
    assert (dict(found.runs), found.sightings, found.retries) == ({KEY: ()}, (), ())


def test_earlier_runs_come_newest_first_with_what_failed_in_them(store: Store) -> None:
    good = plan(store, outcome=make_outcome(status=Status.SUCCESS, number=7811, run="w-7811", commit="0000"))
    bad = plan(store, outcome=make_outcome(), ruled=ruled)

    found = store.remember(PROJECT, [KEY], [], [], NOON)
    failure = PastFailure(
        job="unit", failure_class="net", fingerprint=FINGERPRINT, tests=("test_pay", "test_refund")
    )
    assert found.runs[KEY] == (
        PastRun(
            event_id=bad, number=7812, at=NOON, commit="a1b2c3d4", status=Status.FAILED, failures=(failure,)
        ),
        PastRun(event_id=good, number=7811, at=NOON, commit="0000", status=Status.SUCCESS),
    )


def test_a_run_that_the_relay_started_is_known_as_ours(store: Store) -> None:
    for run in ("w-7813", "41"):
        plan(store, outcome=make_outcome(run=run, number=7813, started_at=NOON + MINUTE))
    start(store, "w-7813")
    start(store, f"{PROJECT}#41")
    start(store, "gh/acme/web#42")
    plan(store, outcome=make_outcome(run="42", number=7814))

    found = store.remember(PROJECT, [KEY], [], [], NOON).runs[KEY]
    assert [run.is_ours for run in found] == [False, True, True]


def start(store: Store, child: str) -> None:
    delivery = f"delivery of {child}"
    intent = Intent(
        delivery_id=delivery,
        kind=RunKind.RETRY,
        action="again",
        project=PROJECT,
        origin=Origin(keys=(f"origin of {child}",), family=None, root=f"origin of {child}"),
        scope=KEY,
        requested_at=NOON,
    )
    store.runs.intend(intent, lambda _: None)
    store.runs.settle(delivery, RunOutcome(state=RunState.STARTED, child=child))


def test_the_same_failure_elsewhere_is_seen_for_a_day(store: Store) -> None:
    plan(store, ruled=lambda event_id: ruled(event_id, branch="feature", author="bob"))
    plan(store, ruled=lambda event_id: ruled(event_id, branch="old", at=NOON - timedelta(hours=25)))

    found = store.remember(PROJECT, [], [FINGERPRINT], [], NOON)
    assert found.sightings == (
        Sighting(fingerprint=FINGERPRINT, project=PROJECT, branch="feature", author="bob"),
    )


def test_failures_of_a_class_are_remembered_once_a_later_attempt_tells_how_they_went(store: Store) -> None:
    plan(store, ruled=ruled)
    plan(store, ruled=lambda event_id: ruled(event_id, root="w-other"))
    later: dict[str, Any] = {
        "root": "w-7812",
        "passed": True,
        "verdict": "infrastructure",
        "at": NOON + MINUTE,
    }
    plan(store, ended=lambda event_id: Ended(event_id=event_id, **later))

    assert store.remember(PROJECT, [], [], ["net"], NOON).retries == (
        PastRetry(
            project=PROJECT,
            job="unit",
            failure_class="net",
            passed=True,
            is_ours=True,
            failed_at=NOON,
            ended_at=NOON + MINUTE,
        ),
    )
    assert store.remember(PROJECT, [], [], ["docker"], NOON).retries == ()
