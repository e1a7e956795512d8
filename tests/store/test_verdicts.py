"""What waits for a verdict, from both sides: who joins it, and what is left when it goes out."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from relay.ids import new_id
from relay.model import AttemptOutcome, Change, Pipeline, Status
from relay.planning import NewDelivery, Reservation
from relay.store import Claim, Planned, Store, StoredDelivery
from tests.factories import MINUTE, NOON, make_event
from tests.store.parts import (
    KEY,
    MINUTE_S,
    accept_one,
    claim,
    claim_plans,
    done,
    failed,
    finish,
    make_delivery,
    make_outcome,
    make_planned,
)
from tests.store.test_races import run_together

SLOT = '["hold","team-slack","gh/acme/api | main"]'
END = NOON + 20 * MINUTE
SOON = NOON + MINUTE


def held(due: datetime = END, **overrides: Any) -> NewDelivery:
    fields = {"group_key": SLOT, "due_at": due, "latest_at": due, "settings": {"verdict": True, "hold": 1200}}
    return make_delivery(**{**fields, "slots": (Reservation(slot=SLOT),), **overrides})


def joining(now: datetime = SOON, **overrides: Any) -> NewDelivery:
    fields = {"slots": (), "is_verdict": True, "route": "newest", "mention": ("bob",)}
    return held(now, **{**fields, **overrides})


def planned(event_id: str, status: Status, change: Change, number: int, *owed: NewDelivery) -> Planned:
    pipeline = Pipeline(id=f"p-{event_id}", number=number)
    event = make_event(id=event_id, status=status, change=change, pipeline=pipeline)
    red = status.is_bad or change is Change.PASSED_ON_RETRY
    outcome = make_outcome(event_id=event_id, status=status, number=number, run=f"w-{event_id}", red=red)
    return make_planned(event_id, *owed, state_key=KEY, outcome=outcome, event=event)


def result(
    store: Store, status: Status, change: Change, number: int, *owed: NewDelivery, now: datetime = NOON
) -> str:
    event_id = accept_one(store)
    with store.turn() as turn:
        (claimed,) = claim_plans(turn, now)
        assert turn.record_plan(claimed, planned(event_id, status, change, number, *owed), now) is True
    return event_id


def broke(store: Store, *owed: NewDelivery) -> str:
    return result(store, Status.FAILED, Change.BROKE, 1, *(owed or (held(),)))


def sent(store: Store, now: datetime) -> StoredDelivery:
    (claimed,) = claim(store, now)
    return store.load([claimed]).deliveries[claimed.ref]


def test_it_waits_until_its_end_and_then_tells(store: Store) -> None:
    event_id = broke(store)

    assert claim(store, END - MINUTE) == ()
    assert [event.id for event in sent(store, END).events] == [event_id]


def test_a_result_that_passed_ends_the_wait_and_leaves_nothing_to_tell(store: Store) -> None:
    broke(store)
    result(store, Status.SUCCESS, Change.FIXED, 2, joining(), now=SOON)

    assert sent(store, SOON).events == ()


def test_a_retry_that_passed_does_so_too(store: Store) -> None:
    broke(store)
    result(store, Status.SUCCESS, Change.PASSED_ON_RETRY, 1, joining(), now=SOON)

    assert sent(store, SOON).events == ()


def test_a_result_that_nobody_is_told_of_is_a_verdict_too(store: Store) -> None:
    broke(store)
    result(store, Status.SUCCESS, Change.PASSED_ON_RETRY, 1)

    assert claim(store, SOON) == ()
    assert sent(store, END).events == ()


def test_another_failure_ends_the_wait_and_decides_how_both_are_told(store: Store) -> None:
    first = broke(store)
    second = result(store, Status.FAILED, Change.STILL_FAILING, 2, joining(), now=SOON)

    delivery = sent(store, SOON)
    assert [event.id for event in delivery.events] == [first, second]
    assert (delivery.route, delivery.mention) == ("newest", ("bob",))


def test_of_one_that_was_told_before_it_is_news_that_it_is_fixed(store: Store) -> None:
    result(store, Status.FAILED, Change.BROKE, 1)
    result(store, Status.FAILED, Change.STILL_FAILING, 2, held())
    fixed = result(store, Status.SUCCESS, Change.FIXED, 3, joining(), now=SOON)

    assert [event.id for event in sent(store, SOON).events] == [fixed]


def test_a_verdict_of_the_same_turn_makes_it_due(store: Store) -> None:
    first, second = accept_one(store), accept_one(store)
    with store.turn() as turn:
        claims = {each.ref: each for each in claim_plans(turn)}
        plans = [
            (claims[first], planned(first, Status.FAILED, Change.BROKE, 1, held())),
            (claims[second], planned(second, Status.FAILED, Change.STILL_FAILING, 2, joining(NOON))),
        ]
        assert turn.record_plans(plans, NOON) == (True, True)

    assert len(sent(store, NOON).events) == 2


def test_what_is_being_sent_is_not_joined_and_what_comes_later_takes_nothing_from_it(store: Store) -> None:
    first = broke(store)
    (claimed,) = claim(store, END)
    second = result(store, Status.SUCCESS, Change.FIXED, 2, joining(END), now=END)

    assert [event.id for event in store.load([claimed]).deliveries[claimed.ref].events] == [first]
    assert [event.id for event in sent(store, END).events] == [second]


def test_it_is_still_told_when_the_try_after_a_fix_is_the_one_that_gets_through(store: Store) -> None:
    """Whoever planned the fix took the failure for told."""
    first = broke(store)
    (claimed,) = claim(store, END)
    finish(store, failed(claimed, again_at=END + MINUTE))
    result(store, Status.SUCCESS, Change.FIXED, 2, now=END)

    assert [event.id for event in sent(store, END + MINUTE).events] == [first]


def test_a_fallback_tells_what_it_stands_in_for(store: Store) -> None:
    first = broke(store)
    (claimed,) = claim(store, END)
    result(store, Status.SUCCESS, Change.FIXED, 2, now=END)
    instead = make_delivery(target="ops-mail", settings={"verdict": True})
    finish(store, done(claimed, outcome=AttemptOutcome.PERMANENT, instead=(instead,)))

    assert [event.id for event in sent(store, END).events] == [first]


def test_what_a_killed_worker_was_about_to_send_is_sent(store: Store) -> None:
    first = broke(store)
    claim(store, END, worker="killed")
    result(store, Status.SUCCESS, Change.FIXED, 2, now=END)

    later = sent(store, END + timedelta(seconds=2 * MINUTE_S))
    assert [event.id for event in later.events] == [first]


# What planners ask


def waiting(store: Store) -> dict[str, datetime]:
    with store.turn() as turn:
        return dict(turn.waiting([SLOT, "other"]))


def unsaid(store: Store, *ids: str) -> frozenset[str]:
    with store.turn() as turn:
        return turn.unsaid(ids)


def test_what_waits_is_known_with_its_end(store: Store) -> None:
    before = waiting(store)
    broke(store)

    assert (before, waiting(store)) == ({}, {SLOT: END})


def test_what_is_being_sent_waits_no_longer(store: Store) -> None:
    broke(store)
    claim(store, END)

    assert waiting(store) == {}


def test_an_event_is_unsaid_while_all_its_messages_wait(store: Store) -> None:
    event_id = broke(store)
    nothing = result(store, Status.FAILED, Change.STILL_FAILING, 2)

    assert unsaid(store, event_id, nothing) == {event_id}
    claim(store, END)
    assert unsaid(store, event_id) == frozenset()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"target": "log"}, False),
        ({"target": "log", "settings": {"shadow": True}}, True),
        ({"target": "retry", "kind": "act"}, True),
    ],
    ids=["a message", "one in shadow", "an action"],
)
def test_an_event_is_said_by_any_other_message(store: Store, other: dict[str, Any], expected: bool) -> None:
    event_id = broke(store, held(), make_delivery(**other))

    assert bool(unsaid(store, event_id)) is expected


def test_how_it_was_at_a_past_moment_can_be_told(store: Store) -> None:
    event_id = broke(store)
    (claimed,) = claim(store, END)
    finish(store, done(claimed, ended_at=END))

    before, while_it_waited = NOON - MINUTE, NOON + MINUTE
    assert [bool(store.waiting([SLOT], at)) for at in (before, while_it_waited, END)] == [False, True, False]
    assert [bool(store.unsaid([event_id], at)) for at in (before, while_it_waited, END)] == [
        False,
        True,
        False,
    ]


def test_a_verdict_and_a_claim_at_once_never_part_from_each_other(database_url: str, store: Store) -> None:
    """Each planner finds the message waiting and joins it, so that nothing is sent, or finds it gone and
    tells by itself: a failure that was told is told as fixed, and none that was not."""
    rounds = 40
    keys = [f"key {number}" for number in range(rounds)]
    for key in keys:
        event_id = accept_one(store)
        with store.turn() as turn:
            (claimed,) = claim_plans(turn)
            plan = planned(event_id, Status.FAILED, Change.BROKE, 1, held(NOON, **of(key)))
            turn.record_plan(claimed, as_state(plan, key), NOON)
    told: Counter[tuple[str, str]] = Counter()
    guard = threading.Lock()

    def work(own: Store, number: int) -> None:
        if number % 2:
            for key in keys[number // 2 :: 2]:
                judge(own, key)
        for _ in range(rounds):
            send(own, number)

    def judge(own: Store, key: str) -> None:
        event_id = accept_one(own)
        with own.turn() as turn:
            (claimed,) = (each for each in turn.claim_plans(NOON, event_id, MINUTE_S, 1))
        with own.turn() as turn:
            turn.histories([key])
            waits = bool(turn.waiting([key]))
            owed = joining(NOON, **{**of(key), "slots": ()}) if waits else make_delivery(route=key)
            plan = planned(claimed.ref, Status.SUCCESS, Change.FIXED, 2, owed)
            turn.record_plan(claimed, as_state(plan, key), NOON)

    def send(own: Store, number: int) -> None:
        with own.turn() as turn:
            claims: tuple[Claim, ...] = turn.claim(NOON + MINUTE, f"worker-{number}", MINUTE_S, 3)
        found = own.load(claims).deliveries
        with own.turn() as turn:
            turn.finish([done(each) for each in claims])
        with guard:
            for delivery in found.values():
                told.update((delivery.route, event.change.value) for event in delivery.events)

    run_together(database_url, 4, work)

    assert store.counts()["ready"] == store.counts()["planning"] == 0
    assert {told[key, "broke"] - told[key, "fixed"] for key in keys} == {0}
    assert set(told.values()) <= {1}


def of(key: str) -> dict[str, Any]:
    return {"id": new_id(), "group_key": key, "slots": (Reservation(slot=key),), "route": key}


def as_state(plan: Planned, key: str) -> Planned:
    return replace(plan, state_key=key)


# A retry of which nothing comes


def retry() -> NewDelivery:
    return make_delivery(target="again", kind="act", destination="circleci")


def test_a_retry_that_came_to_nothing_makes_due_what_waits_for_its_verdict(store: Store) -> None:
    event_id = broke(store, held(), retry())
    (acting,) = claim(store, NOON)
    finish(store, done(acting, is_vain=True))

    assert [event.id for event in sent(store, NOON).events] == [event_id]


def test_a_retry_that_started_something_leaves_it_waiting(store: Store) -> None:
    broke(store, held(), retry())
    (acting,) = claim(store, NOON)
    finish(store, done(acting))

    assert claim(store, END - MINUTE) == ()


def test_what_waits_for_the_verdict_of_another_event_goes_on_waiting(store: Store) -> None:
    broke(store, held())
    other = held(group_key="other", slots=(Reservation(slot="other"),))
    second = result(store, Status.FAILED, Change.BROKE, 2, other, retry())
    (acting,) = claim(store, NOON)
    finish(store, done(acting, is_vain=True))

    assert [event.id for event in sent(store, SOON).events] == [second]


def test_a_group_that_waits_for_no_verdict_is_left_alone(store: Store) -> None:
    broke(store, held(settings={}), retry())
    (acting,) = claim(store, NOON)
    finish(store, done(acting, is_vain=True))

    assert claim(store, SOON) == ()


def test_a_late_answer_of_a_retry_ends_no_waiting(store: Store) -> None:
    broke(store, held(), retry())
    (acting,) = claim(store, NOON)
    finish(store, done(acting))
    finish(store, done(acting, is_vain=True))

    assert claim(store, SOON) == ()
