"""Intents are written once, counted on their root, and found by what they started; on both databases."""

import threading
from datetime import timedelta

from relay.ids import new_id
from relay.model import Event, Pipeline, Workflow
from relay.runs import Earlier, Intent, Origin, Outcome, RunKind, RunState, retry_origin, trigger_origin
from relay.store import Store
from tests.factories import MINUTE, NOON, make_event
from tests.store.parts import claim, done, finish, make_delivery, owe

SCOPE = "gh/acme/api | main | build"


def intent(origin: Origin, **changes: object) -> Intent:
    fields: dict[str, object] = {
        "delivery_id": new_id(),
        "kind": RunKind.RETRY,
        "action": "again",
        "project": "gh/acme/api",
        "origin": origin,
        "scope": SCOPE,
        "requested_at": NOON,
    }
    return Intent(**{**fields, **changes})  # type: ignore[arg-type]  # a factory


def workflow(number: int, pipeline: str | None = None) -> Event:
    return make_event(
        workflow=Workflow(id=f"w-{number}", name="build"), pipeline=Pipeline(id=pipeline, number=1)
    )


def origin_of(event: Event) -> Origin:
    found = retry_origin(event)
    assert found is not None
    return found


def gladly(earlier: Earlier) -> str | None:
    return None


def once(earlier: Earlier) -> str | None:
    return "once is enough" if earlier.on_root else None


def start(store: Store, wanted: Intent, child: str) -> None:
    assert store.runs.intend(wanted, gladly).state is RunState.INTENDED
    store.runs.settle(wanted.delivery_id, Outcome(state=RunState.STARTED, child=child, how="v2 rerun"))


def test_an_intent_is_there_before_anything_is_known_of_it(store: Store) -> None:
    wanted = intent(origin_of(workflow(1)))

    run = store.runs.intend(wanted, gladly)

    assert (run.state, run.root, run.origin, run.child) == (RunState.INTENDED, "w-1", "w-1", None)
    assert store.runs.find(wanted.delivery_id) == run


def test_what_came_of_it_is_kept(store: Store) -> None:
    wanted = intent(origin_of(workflow(1)))
    start(store, wanted, "w-2")

    run = store.runs.find(wanted.delivery_id)

    assert run is not None
    assert (run.state, run.child, run.how) == (RunState.STARTED, "w-2", "v2 rerun")
    assert store.runs.children("w-1") == ("w-2",)
    assert store.runs.started(["w-2", "w-9"]) == {"w-2": run}


def test_a_delivery_has_one_intent(store: Store) -> None:
    wanted = intent(origin_of(workflow(1)))
    start(store, wanted, "w-2")

    again = store.runs.intend(wanted, gladly)

    assert again.state is RunState.STARTED


def test_a_refusal_is_judged_anew(store: Store) -> None:
    wanted = intent(origin_of(workflow(1)))
    assert store.runs.intend(wanted, lambda earlier: "not now").why == "not now"

    again = store.runs.intend(wanted, gladly)

    assert (again.state, again.why) == (RunState.INTENDED, None)


def test_a_chain_counts_on_its_first_workflow(store: Store) -> None:
    start(store, intent(origin_of(workflow(1))), "w-2")

    run = store.runs.intend(intent(origin_of(workflow(2))), once)

    assert (run.state, run.why, run.root) == (RunState.REFUSED, "once is enough", "w-1")


def test_without_a_known_child_the_pipeline_tells(store: Store) -> None:
    store.runs.intend(intent(origin_of(workflow(1, "p-1"))), gladly)

    run = store.runs.intend(intent(origin_of(workflow(2, "p-1"))), once)

    assert (run.state, run.root) == (RunState.REFUSED, "w-1")


def test_other_workflows_have_roots_of_their_own(store: Store) -> None:
    start(store, intent(origin_of(workflow(1, "p-1"))), "w-2")

    run = store.runs.intend(intent(origin_of(workflow(7, "p-7"))), once)

    assert (run.state, run.root) == (RunState.INTENDED, "w-7")


def test_refusals_do_not_count(store: Store) -> None:
    store.runs.intend(intent(origin_of(workflow(1))), lambda earlier: "no")

    assert store.runs.intend(intent(origin_of(workflow(1))), once).state is RunState.INTENDED


def test_the_last_run_of_the_same_scope_is_told(store: Store) -> None:
    told: list[Earlier] = []
    start(store, intent(origin_of(workflow(1))), "w-2")
    start(store, intent(origin_of(workflow(5)), requested_at=NOON + MINUTE), "w-6")

    store.runs.intend(intent(origin_of(workflow(8))), lambda earlier: told.append(earlier))
    store.runs.intend(intent(origin_of(workflow(9)), scope="other"), lambda earlier: told.append(earlier))

    assert [earlier.last_in_scope for earlier in told] == [NOON + MINUTE, None]


def test_pipelines_that_start_pipelines_are_counted_in_depth(store: Store) -> None:
    for pipeline, child in (("p-1", "p-2"), ("p-2", "p-3")):
        origin = trigger_origin(make_event(pipeline=Pipeline(id=pipeline)))
        start(store, intent(origin, kind=RunKind.TRIGGER), child)

    depths = [
        store.runs.intend(
            intent(trigger_origin(make_event(pipeline=Pipeline(id=pipeline))), kind=RunKind.TRIGGER), gladly
        ).depth
        for pipeline in ("p-1", "p-2", "p-3")
    ]

    assert depths == [0, 1, 2]


def test_of_many_at_once_one_is_first(store: Store) -> None:
    runs = []

    def intend() -> None:
        runs.append(store.runs.intend(intent(origin_of(workflow(1, "p-1"))), once))

    threads = [threading.Thread(target=intend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(run.state for run in runs) == [RunState.INTENDED, *[RunState.REFUSED] * 7]


def test_runs_are_forgotten_with_their_deliveries(store: Store) -> None:
    delivery = make_delivery()
    owe(store, delivery)
    store.runs.intend(intent(origin_of(workflow(1)), delivery_id=delivery.id), gladly)
    finish(store, *map(done, claim(store)))

    store.prune(NOON + timedelta(days=1))

    assert store.runs.find(delivery.id) is None


def test_notes_are_added_to_a_planned_event(store: Store) -> None:
    event_id = owe(store)

    store.add_notes(event_id, {"actions": {"again": {"text": "x"}}, "coverage": 81.5})
    store.add_notes(event_id, {"actions": {"keep": {"text": "y"}}})

    detail = store.event(event_id)
    assert detail is not None
    assert detail.event is not None
    assert detail.event.notes == {
        "actions": {"again": {"text": "x"}, "keep": {"text": "y"}},
        "coverage": 81.5,
    }


def test_notes_of_an_event_that_is_gone_are_nobodys(store: Store) -> None:
    store.add_notes(new_id(), {"coverage": 1})

    assert store.events() == ()
