"""Recording plans and reading histories, on both databases."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from relay.errors import StoreError
from relay.model import Author, Change, DeliveryState, Status, Workflow
from relay.store import EventState, Store
from tests.factories import MINUTE, NOON, make_event
from tests.store.parts import (
    KEY,
    MINUTE_S,
    OTHER,
    SECOND,
    WORKER,
    accept_one,
    claim,
    claim_plans,
    make_delivery,
    make_outcome,
    make_planned,
    owe,
    refs,
)


def group(**overrides: Any) -> dict[str, Any]:
    """A delivery that waits 20 seconds for more, a minute at most."""
    return {
        "group_key": "pipeline 1",
        "due_at": NOON + 20 * SECOND,
        "latest_at": NOON + MINUTE,
        **overrides,
    }


def test_a_planned_event_is_in_the_ledger_with_its_decision(store: Store) -> None:
    ident = accept_one(store)
    event = make_event(id=ident, change=Change.BROKE, notes={"seen": [1, 2]})
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        planned = make_planned(ident, event=event, decision={"trace": ["trunk FIRE"]})
        assert turn.record_plans([(held, planned)], NOON) == (True,)

    found = store.event(ident)

    assert found is not None
    assert (found.event, found.decision, found.config) == (event, {"trace": ["trunk FIRE"]}, "9f21c0d4")
    row = found.row
    assert (row.state, row.status, row.change) == (EventState.PLANNED, Status.FAILED, Change.BROKE)
    assert (row.project, row.branch, row.number, row.author) == ("gh/acme/api", "main", 7812, "Alice Archer")
    assert (row.state_key, row.workflow) == (KEY, "build-and-deploy")
    assert store.counts() == {
        "planning": 0,
        "ready": 0,
        "blocked": 0,
        "leased": 0,
        "dead": 0,
        "unknown": 0,
        "stuck": 0,
    }


def test_a_plan_under_a_lost_lease_records_nothing(store: Store) -> None:
    ident = accept_one(store)
    with store.turn() as turn:
        (first,) = claim_plans(turn)
    with store.turn() as turn:
        turn.take_over(NOON + 2 * MINUTE)
        (second,) = turn.claim_plans(NOON + 2 * MINUTE, OTHER, MINUTE_S, 10)

    with store.turn() as turn:
        assert turn.record_plan(first, make_planned(ident, make_delivery()), NOON) is False
        assert turn.record_plan(second, make_planned(ident, make_delivery()), NOON) is True

    assert len(store.deliveries()) == 1


def test_a_plan_the_database_refuses_leaves_the_others(store: Store) -> None:
    idents = [accept_one(store) for _ in range(3)]
    twice = make_delivery()
    with store.turn() as turn:
        held = {one.ref: one for one in claim_plans(turn)}
        plans = [make_planned(idents[0], twice), make_planned(idents[1], twice), make_planned(idents[2])]
        first, refused, last = turn.record_plans([(held[plan.event.id], plan) for plan in plans], NOON)

    assert (first, last) == (True, True)
    assert isinstance(refused, StoreError)
    states = {row.id: row.state for row in store.events()}
    assert [states[ident] for ident in idents] == [EventState.PLANNED, EventState.NEW, EventState.PLANNED]


def test_a_planned_delivery_can_be_claimed_in_the_same_turn(store: Store) -> None:
    ident, delivery = accept_one(store), make_delivery(lane="card 1")

    with store.turn() as turn:
        (held,) = claim_plans(turn)
        turn.record_plan(held, make_planned(ident, delivery), NOON)
        assert refs(turn.claim(NOON, WORKER, MINUTE_S, 10)) == [delivery.id]


def test_hostile_text_in_an_event_is_stored_and_found(store: Store) -> None:
    ident = accept_one(store)
    nasty = "a\0b\ud800" + "x" * 10_000
    event = make_event(
        id=ident,
        branch=nasty,
        url=nasty,
        number=2**80,
        author=Author(name=nasty),
        workflow=Workflow(id=nasty, name=nasty),
    )
    outcome = make_outcome(event_id=ident, run=nasty, commit=nasty, number=2**80)
    delivery = make_delivery(lane=nasty, group_key=nasty, destination=nasty)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        turn.histories([nasty])
        planned = make_planned(ident, delivery, event=event, state_key=nasty, outcome=outcome)
        assert turn.record_plan(held, planned, NOON) is True

    (row,) = store.events()
    assert (row.branch, row.number) == (("a\ufffdb?" + "x" * 10_000)[:500], None)
    assert refs(claim(store)) == [delivery.id]
    assert store.history(nasty)[0].number is None


def test_history_is_newest_first_by_number_then_time(store: Store) -> None:
    outcomes = [
        make_outcome(number=7, run="a", status=Status.SUCCESS, red=False),
        make_outcome(number=None, run="b"),
        make_outcome(number=9, run="c"),
        make_outcome(number=9, run="d", started_at=NOON + MINUTE, red=None, finished_at=None, commit=None),
    ]
    for outcome in outcomes:
        owe(store, outcome=outcome)

    with store.turn() as turn:
        found = turn.history(KEY)

    assert found == (outcomes[3], outcomes[2], outcomes[0], outcomes[1])


def test_histories_of_several_keys_are_cut_each(store: Store) -> None:
    for number in range(5):
        owe(store, outcome=make_outcome(number=number, run=f"a-{number}"), state_key="a")
        owe(store, outcome=make_outcome(number=1, run=f"b-{number}"), state_key="b")

    with store.turn() as turn:
        found = turn.histories(["a", "b", "never"], limit=3)

    assert [outcome.number for outcome in found["a"]] == [4, 3, 2]
    assert [outcome.number for outcome in found["b"]] == [1, 1, 1]
    assert found["never"] == ()


def test_builds_and_pipelines_are_cut_each_by_their_own_numbers(store: Store) -> None:
    for number in range(4):
        owe(store, outcome=make_outcome(number=number, run=f"w-{number}"))
        owe(store, outcome=make_outcome(number=5000 + number, run=f"{5000 + number}", by_build=True))

    with store.turn() as turn:
        found = turn.history(KEY, limit=2)

    assert [(outcome.number, outcome.by_build) for outcome in found] == [
        (3, False),
        (2, False),
        (5003, True),
        (5002, True),
    ]


def test_results_are_known_in_the_order_in_which_they_were_recorded(store: Store) -> None:
    for number in (7, 9, 8):
        owe(store, outcome=make_outcome(number=number, run=f"w-{number}"))

    found = sorted(store.history(KEY), key=lambda outcome: outcome.place)

    assert [outcome.number for outcome in found] == [7, 9, 8]


def test_a_repeat_that_knows_the_pipeline_corrects_the_number(store: Store) -> None:
    first = make_outcome(number=5001, by_build=True, red=False)
    owe(store, outcome=first)
    owe(store, outcome=replace(first, number=7, by_build=False, started_at=NOON - MINUTE, red=True))

    assert store.history(KEY) == (replace(first, number=7, by_build=False, started_at=NOON - MINUTE),)


def test_a_repeat_that_knows_no_pipeline_corrects_nothing(store: Store) -> None:
    first = make_outcome(number=7)
    owe(store, outcome=first)
    owe(store, outcome=replace(first, number=5001, by_build=True))

    assert store.history(KEY) == (first,)


@pytest.mark.parametrize("by_build", [True, False])
def test_a_number_beyond_all_numbers_is_none(store: Store, by_build: bool) -> None:
    owe(store, outcome=make_outcome(number=2**62, by_build=by_build))

    (outcome,) = store.history(KEY)
    assert (outcome.number, outcome.by_build) == (None, False)


def test_the_same_result_of_a_run_enters_the_history_once(store: Store) -> None:
    first = make_outcome(run="w-1")
    owe(store, outcome=first)
    owe(store, outcome=replace(first, event_id="another"))

    assert store.history(KEY) == (first,)


def test_events_of_a_group_share_one_delivery(store: Store) -> None:
    first = make_delivery(**group())
    second = make_delivery(**group(due_at=NOON + 30 * SECOND))
    idents = [owe(store, first), owe(store, second, now=NOON + 10 * SECOND)]

    (row,) = store.deliveries()
    assert (row.id, row.state, row.due_at) == (first.id, DeliveryState.OPEN, NOON + 30 * SECOND)

    assert claim(store, NOON + 29 * SECOND) == ()
    (held,) = claim(store, NOON + 30 * SECOND)
    assert [event.id for event in store.load([held]).deliveries[held.ref].events] == sorted(idents)


def test_a_group_waits_no_longer_than_its_latest_time(store: Store) -> None:
    owe(store, make_delivery(**group()))
    owe(store, make_delivery(**group(due_at=NOON + 3 * MINUTE, latest_at=NOON + 4 * MINUTE)))

    assert len(claim(store, NOON + MINUTE)) == 1


def test_next_due_finds_a_group_that_was_extended(store: Store) -> None:
    owe(store, make_delivery(**group()))
    owe(store, make_delivery(**group(due_at=NOON + 30 * SECOND)))

    with store.turn() as turn:
        assert turn.claim(NOON + 20 * SECOND, WORKER, MINUTE_S, 10) == ()
        assert turn.next_due(NOON + 20 * SECOND) == 10.0
    (held,) = claim(store, NOON + 30 * SECOND)
    assert held.attempt == 1


def test_a_claimed_group_is_closed_and_the_next_event_opens_another(store: Store) -> None:
    first, second = make_delivery(**group()), make_delivery(**group())
    owe(store, first)
    claim(store, NOON + 20 * SECOND)

    owe(store, second)

    assert {row.id: row.state for row in store.deliveries()} == {
        first.id: DeliveryState.LEASED,
        second.id: DeliveryState.OPEN,
    }


def test_two_events_of_one_turn_join_one_group(store: Store) -> None:
    idents = [accept_one(store), accept_one(store)]
    with store.turn() as turn:
        held = {one.ref: one for one in claim_plans(turn)}
        turn.record_plans(
            [(held[ident], make_planned(ident, make_delivery(**group()))) for ident in idents], NOON
        )

    (row,) = store.deliveries()
    found = store.delivery(row.id)
    assert found is not None
    assert found.event_ids == tuple(sorted(idents))


def test_a_failed_group_is_tried_again_closed(store: Store) -> None:
    owe(store, make_delivery(**group()))
    (held,) = claim(store, NOON + 20 * SECOND)
    with store.turn() as turn:
        turn.take_over(NOON + timedelta(hours=1), [WORKER])

    (again,) = claim(store, NOON + timedelta(hours=1), OTHER)

    assert (again.ref, again.attempt, again.lost) == (held.ref, 2, True)


def test_events_that_were_lost_are_planned_one_by_one(store: Store) -> None:
    ids = [accept_one(store) for _ in range(3)]
    with store.turn() as turn:
        turn.claim_plans(NOON, WORKER, 60, 10)
    with store.turn() as turn:
        turn.take_over(NOON, [WORKER])
    with store.turn() as turn:
        tries = [turn.claim_plans(NOON, OTHER, 60, 10) for _ in ids]

    assert [[(held.ref, held.attempt, held.lost) for held in claims] for claims in tries] == [
        [(id_, 2, True)] for id_ in sorted(ids)
    ]


@pytest.mark.parametrize("how", [(), ("Run tests", 'é"\\u2028')], ids=["nothing", "steps"])
def test_how_a_result_failed_is_kept(store: Store, how: tuple[str, ...]) -> None:
    event_id = accept_one(store)
    outcome = make_outcome(event_id=event_id, how=how)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        turn.record_plan(held, make_planned(event_id, outcome=outcome), NOON)

    assert [each.how for each in store.history(KEY)] == [how]
