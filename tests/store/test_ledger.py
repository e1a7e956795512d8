"""Lists, details, counts and replays, on both databases."""

from datetime import timedelta

import pytest

from relay.errors import UsageError
from relay.ids import new_id
from relay.model import AttemptOutcome, DeliveryState, Status
from relay.store import DeliveryFilter, EventFilter, EventState, Store
from tests.factories import MINUTE, NOON, make_event, make_project
from tests.store.parts import (
    SECOND,
    accept_one,
    claim,
    claim_plans,
    done,
    failed,
    finish,
    make_delivery,
    make_planned,
    owe,
    refs,
)


def plan_event(store: Store, **overrides: object) -> str:
    ident = accept_one(store)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        turn.record_plan(held, make_planned(ident, event=make_event(id=ident, **overrides)), NOON)
    return ident


def stick(store: Store) -> str:
    ident = accept_one(store)
    with store.turn() as turn:
        turn.finish([failed(held) for held in claim_plans(turn)])
    return ident


def test_events_are_paged_newest_first(store: Store) -> None:
    idents = sorted(accept_one(store) for _ in range(5))

    first = store.events(limit=2)
    second = store.events(limit=2, before=first[-1].id)

    assert [row.id for row in first + second] == idents[:0:-1]


@pytest.mark.parametrize(
    "wanted",
    [
        EventFilter(project="gh/acme/web"),
        EventFilter(branch="dev"),
        EventFilter(status=Status.SUCCESS),
        EventFilter(project="gh/acme/web", branch="dev", status=Status.SUCCESS),
    ],
    ids=["project", "branch", "status", "all three"],
)
def test_events_are_filtered(store: Store, wanted: EventFilter) -> None:
    plan_event(store)
    found = plan_event(store, project=make_project(slug="gh/acme/web"), branch="dev", status=Status.SUCCESS)

    assert [row.id for row in store.events(wanted=wanted)] == [found]


def test_stuck_events_are_found_by_their_state(store: Store) -> None:
    accept_one(store)
    with store.turn() as turn:
        claim_plans(turn)
    stuck = stick(store)

    assert [row.id for row in store.events(wanted=EventFilter(state=EventState.STUCK))] == [stuck]


@pytest.mark.parametrize("part", [slice(None), slice(-6, None), slice(20)], ids=["id", "ending", "beginning"])
def test_an_event_is_found_by_a_unique_part_of_its_id(store: Store, part: slice) -> None:
    ident = accept_one(store, id="01kaqz0000" + "abcdefgh" + "12345678")
    accept_one(store, id="01kaqz0000" + "bbcdefgh" + "22345679")

    found = store.event(ident[part].upper())

    assert found is not None
    assert found.row.id == ident


def test_an_ambiguous_part_is_a_usage_error(store: Store) -> None:
    accept_one(store, id="01kaqz0000" + "a" * 16)
    accept_one(store, id="01kaqz0000" + "b" * 16)

    with pytest.raises(UsageError, match="several ids begin or end with 01kaqz0; give more of it"):
        store.event("01kaqz0")


@pytest.mark.parametrize("text", ["nothing", "%%%%%%%", "", "aaaaa", "é" * 8])
def test_what_is_not_there_is_none(store: Store, text: str) -> None:
    accept_one(store, id="01kaqz0000" + "a" * 16)

    assert store.event(text) is None
    assert store.delivery(text) is None


def test_an_event_shows_its_deliveries(store: Store) -> None:
    delivery = make_delivery()
    ident = owe(store, delivery)
    owe(store, make_delivery())

    found = store.event(ident)

    assert found is not None
    assert [row.id for row in found.deliveries] == [delivery.id]


def test_deliveries_are_listed_by_state(store: Store) -> None:
    deliveries = [make_delivery() for _ in range(4)]
    owe(store, *deliveries, make_delivery(group_key="g", due_at=NOON + MINUTE, latest_at=NOON + MINUTE))
    held = claim(store, room=3)
    finish(store, done(held[0]), failed(held[1]))

    states = (
        DeliveryState.DELIVERED,
        DeliveryState.DEAD,
        DeliveryState.LEASED,
        DeliveryState.WAITING,
        DeliveryState.OPEN,
    )
    listed = {state: store.deliveries(wanted=DeliveryFilter(state=state)) for state in states}

    assert {state: len(rows) for state, rows in listed.items()} == dict.fromkeys(states, 1)
    assert [row.state for rows in listed.values() for row in rows] == list(states)


def test_deliveries_are_filtered_by_target_and_paged(store: Store) -> None:
    mine = sorted((make_delivery(target="pager").id for _ in range(3)), reverse=True)
    owe(store, *(make_delivery(id=ident, target="pager") for ident in mine), make_delivery())

    first = store.deliveries(limit=2, wanted=DeliveryFilter(target="pager"))
    second = store.deliveries(limit=2, before=first[-1].id, wanted=DeliveryFilter(target="pager"))

    assert [row.id for row in first + second] == mine


def test_counts_tell_what_waits_and_what_failed(store: Store) -> None:
    stick(store)
    owe(store, *(make_delivery() for _ in range(5)), *(make_delivery(lane="a") for _ in range(2)))
    held = claim(store, room=3)
    finish(store, failed(held[0]), failed(held[1], end=DeliveryState.UNKNOWN))
    accept_one(store)

    counts = store.counts()

    assert counts == {
        "planning": 1,
        "ready": 3,
        "blocked": 1,
        "leased": 1,
        "dead": 1,
        "unknown": 1,
        "stuck": 1,
    }


def test_the_oldest_waiting_row_is_timed(store: Store) -> None:
    assert store.oldest_waiting(NOON) is None
    owe(store, make_delivery(due_at=NOON + MINUTE))
    assert store.oldest_waiting(NOON) is None
    assert store.oldest_waiting(NOON + 2 * MINUTE) == 60.0
    accept_one(store)
    assert store.oldest_waiting(NOON + 2 * MINUTE) == 120.0


def test_a_dead_delivery_is_replayed_and_keeps_its_attempts(store: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    finish(store, failed(held))

    assert store.replay([held.ref[-8:]]) == (held.ref,)

    (again,) = claim(store)
    assert (again.ref, again.attempt) == (held.ref, 1)
    finish(store, done(again))
    assert [one.outcome for one in store.attempts(held.ref)] == [
        AttemptOutcome.TEMPORARY,
        AttemptOutcome.DELIVERED,
    ]


def test_giving_up_is_counted_from_the_replay(store: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    finish(store, failed(held))
    before = store.now()

    store.replay([held.ref])

    delivery = store.load(claim(store)).deliveries[held.ref]
    assert delivery.queued_at >= before - timedelta(seconds=1) > delivery.created_at


def test_a_replay_is_due_whatever_the_clock_says(store: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    finish(store, failed(held))
    store.replay([held.ref])

    assert refs(claim(store, NOON - timedelta(days=365))) == [held.ref]


def test_a_replay_waits_behind_its_lane(store: Store) -> None:
    owe(store, make_delivery(lane="card 1"))
    (dead,) = claim(store)
    finish(store, failed(dead))
    owe(store, make_delivery(lane="card 1"))
    (live,) = claim(store)

    store.replay([dead.ref])

    assert claim(store) == ()
    finish(store, done(live))
    assert refs(claim(store)) == [dead.ref]


def test_a_delivered_one_is_replayed_only_by_force(store: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    finish(store, done(held))

    with pytest.raises(UsageError, match="has not failed"):
        store.replay([held.ref])
    assert store.replay([held.ref], force=True) == (held.ref,)
    assert refs(claim(store)) == [held.ref]


def test_one_that_waits_is_never_replayed(store: Store) -> None:
    delivery = make_delivery()
    owe(store, delivery)

    with pytest.raises(UsageError, match="has not failed"):
        store.replay([delivery.id], force=True)


def test_a_replay_is_all_or_nothing(store: Store) -> None:
    owe(store, make_delivery(), make_delivery())
    first, second = claim(store)
    finish(store, failed(first), done(second))

    with pytest.raises(UsageError):
        store.replay([first.ref, second.ref])
    with pytest.raises(UsageError, match="there is no delivery or event zzzzzzzz"):
        store.replay([first.ref, "zzzzzzzz"])

    assert claim(store) == ()


def test_a_stuck_event_is_replayed_into_planning(store: Store) -> None:
    stuck = stick(store)

    assert store.replay([stuck]) == (stuck,)

    with store.turn() as turn:
        (held,) = claim_plans(turn)
    assert (held.ref, held.attempt) == (stuck, 2)


def test_all_dead_deliveries_of_a_target_are_replayed(store: Store) -> None:
    owe(store, make_delivery(), make_delivery(), make_delivery(target="pager", destination="pager"))
    finish(store, *(failed(held) for held in claim(store)))

    back = store.replay_state(DeliveryState.DEAD, target="team-slack")

    assert len(back) == 2
    assert sorted(refs(claim(store))) == sorted(back)
    assert store.counts()["dead"] == 1


def test_all_stuck_events_are_replayed(store: Store) -> None:
    stuck = [stick(store), stick(store)]

    assert store.replay_stuck() == tuple(sorted(stuck))
    assert store.replay_stuck() == ()


def test_a_configuration_is_kept_once_by_its_fingerprint(store: Store) -> None:
    store.record_config("9f21c0d4", [{"name": "trunk"}], NOON)
    store.record_config("9f21c0d4", [{"name": "other"}], NOON + SECOND)

    assert store.config("9f21c0d4") == [{"name": "trunk"}]
    assert store.config(new_id()) is None
