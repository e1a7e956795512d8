"""Claiming and finishing, on both databases."""

from datetime import timedelta

import pytest

from relay.model import Answer, AttemptOutcome, DeliveryState
from relay.store import Arrival, EventState, Limit, Step, Store
from tests.factories import MINUTE, NOON
from tests.store.parts import (
    MINUTE_S,
    OTHER,
    SECOND,
    WORKER,
    accept_one,
    claim,
    claim_plans,
    done,
    failed,
    finish,
    make_arrival,
    make_delivery,
    owe,
    refs,
)


def abandon(work: object) -> None:
    """As a crash does, after the work and before the commit."""
    raise ZeroDivisionError


def test_an_accepted_event_is_claimed_for_planning_once(store: Store) -> None:
    ident = accept_one(store)

    with store.turn() as turn:
        (held,) = claim_plans(turn)
        again = claim_plans(turn)

    assert (held.step, held.ref, held.attempt, held.worker, held.lost) == (Step.PLAN, ident, 1, WORKER, False)
    assert again == ()


def test_plans_are_claimed_in_the_order_of_arrival(store: Store) -> None:
    batch: list[Arrival] = [make_arrival() for _ in range(3)]
    batch.sort(key=lambda arrival: arrival.id)
    store.accept(batch)

    with store.turn() as turn:
        assert refs(claim_plans(turn, room=2)) == [arrival.id for arrival in batch[:2]]


def test_a_delivery_due_now_is_claimed_with_its_event(store: Store) -> None:
    delivery = make_delivery(settings={"template": "short"}, also=("audit",), mention=("author",))
    event_id = owe(store, delivery)

    (held,) = claim(store)

    assert (held.step, held.ref, held.attempt) == (Step.DELIVER, delivery.id, 1)
    found = store.load([held]).deliveries[delivery.id]
    assert (found.target, found.kind, found.route) == ("team-slack", "notify", "trunk")
    assert (found.settings, found.also, found.mention) == ({"template": "short"}, ("audit",), ("author",))
    assert [event.id for event in found.events] == [event_id]


def test_a_delivery_due_later_waits_for_its_time(store: Store) -> None:
    delivery = make_delivery(due_at=NOON + MINUTE)
    owe(store, delivery)

    assert claim(store, NOON + MINUTE - SECOND) == ()
    assert refs(claim(store, NOON + MINUTE)) == [delivery.id]


def test_expired_lease_is_taken_over(store: Store) -> None:
    owe(store, make_delivery())
    (first,) = claim(store, NOON)

    assert claim(store, NOON + MINUTE, OTHER) == ()
    (second,) = claim(store, NOON + 2 * MINUTE, OTHER)

    assert (second.ref, second.attempt, second.lost) == (first.ref, 2, True)


def test_a_lost_attempt_leaves_a_row_saying_so(store: Store) -> None:
    owe(store, make_delivery())
    claim(store, NOON)
    (second,) = claim(store, NOON + 2 * MINUTE, OTHER)

    (lost,) = store.attempts(second.ref)

    assert (lost.number, lost.worker, lost.outcome) == (1, WORKER, AttemptOutcome.TEMPORARY)
    assert lost.error == "the worker vanished before it reported back"


def test_a_delivered_claim_is_off_the_queue_and_in_the_ledger(store: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    answer = Answer(status=200, excerpt="ok", receipt={"ts": "1.5"})

    finish(store, done(held, ended_at=NOON + SECOND, answer=answer, title="broke on main"))

    found = store.delivery(held.ref)
    assert found is not None
    row = found.row
    assert (row.state, row.tries, row.title) == (DeliveryState.DELIVERED, 1, "broke on main")
    assert (row.finished_at, row.error, found.receipt) == (NOON + SECOND, None, {"ts": "1.5"})
    (attempt,) = found.attempts
    assert (attempt.outcome, attempt.status, attempt.excerpt) == (AttemptOutcome.DELIVERED, 200, "ok")
    assert claim(store, NOON + 10 * MINUTE) == ()


def test_a_failed_attempt_is_tried_again_when_due(store: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    finish(store, failed(held, again_at=NOON + MINUTE, answer=Answer(status=503)))

    assert claim(store, NOON + MINUTE - SECOND) == ()
    (again,) = claim(store, NOON + MINUTE)

    assert (again.ref, again.attempt, again.lost) == (held.ref, 2, False)
    found = store.delivery(held.ref)
    assert found is not None
    assert (found.row.error, found.row.tries, found.row.due_at) == ("HTTP 503", 1, NOON + MINUTE)


@pytest.mark.parametrize(
    ("outcome", "end", "state"),
    [
        (AttemptOutcome.PERMANENT, None, DeliveryState.DEAD),
        (AttemptOutcome.TEMPORARY, None, DeliveryState.DEAD),
        (AttemptOutcome.TEMPORARY, DeliveryState.UNKNOWN, DeliveryState.UNKNOWN),
    ],
    ids=["permanent", "temporary, no more tries", "answer lost"],
)
def test_a_last_failure_ends_the_delivery(
    store: Store, outcome: AttemptOutcome, end: DeliveryState | None, state: DeliveryState
) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)

    finish(store, failed(held, outcome=outcome, end=end))

    found = store.delivery(held.ref)
    assert found is not None
    assert (found.row.state, found.row.error) == (state, "HTTP 503")
    assert claim(store, NOON + 10 * MINUTE) == ()


def test_a_late_result_is_recorded_and_changes_nothing(store: Store) -> None:
    owe(store, make_delivery())
    (first,) = claim(store, NOON)
    (second,) = claim(store, NOON + 2 * MINUTE, OTHER)

    assert finish(store, done(first)) == ()

    found = store.delivery(first.ref)
    assert found is not None
    assert found.row.state is DeliveryState.LEASED
    assert found.attempts[-1].outcome is AttemptOutcome.LATE
    assert finish(store, done(second)) == (done(second),)


def test_a_result_of_an_earlier_attempt_of_the_same_worker_is_late(store: Store) -> None:
    owe(store, make_delivery())
    (first,) = claim(store, NOON)
    claim(store, NOON + 2 * MINUTE)

    assert finish(store, done(first)) == ()


def test_a_result_that_comes_twice_counts_once(store: Store) -> None:
    owe(store, make_delivery())
    (held,) = claim(store)
    finish(store, done(held))

    assert finish(store, failed(held)) == ()
    found = store.delivery(held.ref)
    assert found is not None
    assert found.row.state is DeliveryState.DELIVERED


def test_a_turn_that_raises_leaves_no_trace(store: Store) -> None:
    owe(store, make_delivery())

    with pytest.raises(ZeroDivisionError), store.turn() as turn:
        abandon(turn.claim(NOON, WORKER, MINUTE_S, 10))

    (held,) = claim(store)
    assert held.attempt == 1


def test_a_savepoint_undoes_only_what_is_inside(store: Store) -> None:
    owe(store, make_delivery(), make_delivery(target="pager", destination="pager"))
    first, second = claim(store)

    with store.turn() as turn:
        turn.finish([done(first)])
        with pytest.raises(ZeroDivisionError), turn.savepoint():
            abandon(turn.finish([done(second)]))

    states = {row.id: row.state for row in store.deliveries()}
    assert states == {first.ref: DeliveryState.DELIVERED, second.ref: DeliveryState.LEASED}


def test_planning_that_fails_is_tried_again_and_at_last_stuck(store: Store) -> None:
    ident = accept_one(store)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        turn.finish([failed(held, again_at=NOON + MINUTE, error="template is broken")])
    assert [(row.state, row.tries, row.error) for row in store.events()] == [
        (EventState.NEW, 1, "template is broken")
    ]

    with store.turn() as turn:
        (held,) = claim_plans(turn, NOON + MINUTE)
        turn.finish([failed(held, error="template is broken")])

    assert held.attempt == 2
    assert [(row.state, row.tries) for row in store.events()] == [(EventState.STUCK, 2)]
    assert [attempt.number for attempt in store.attempts(ident)] == [1, 2]
    assert store.counts()["stuck"] == 1


def test_room_is_spread_over_destinations(store: Store) -> None:
    flood = [make_delivery() for _ in range(20)]
    pager = make_delivery(target="pager", destination="pager")
    owe(store, *flood, pager)

    held = claim(store, room=6)

    assert len(held) == 6
    assert pager.id in refs(held)


def test_room_one_destination_cannot_use_goes_to_the_other(store: Store) -> None:
    owe(store, *(make_delivery() for _ in range(9)), make_delivery(target="pager", destination="pager"))

    assert len(claim(store, room=8)) == 8


def test_destinations_take_turns_when_there_is_room_for_one(store: Store) -> None:
    for name in ("mail", "pager", "team-slack"):
        owe(store, *(make_delivery(target=name, destination=name) for _ in range(3)))

    served = [claim(store, room=1)[0].destination for _ in range(6)]

    assert served == ["mail", "pager", "team-slack"] * 2


def test_no_more_are_in_flight_than_the_limit_over_all_workers(store: Store) -> None:
    owe(store, *(make_delivery() for _ in range(5)))

    def limits(_: str) -> Limit:
        return Limit(in_flight=3)

    first = claim(store, limits=limits, room=2)
    second = claim(store, worker=OTHER, limits=limits)
    third = claim(store, limits=limits)
    finish(store, done(first[0]))

    assert (len(first), len(second), len(third)) == (2, 1, 0)
    assert len(claim(store, limits=limits)) == 1


def test_a_rate_lets_a_burst_go_and_then_one_at_a_time(store: Store) -> None:
    owe(store, *(make_delivery() for _ in range(9)))

    def limits(_: str) -> Limit:
        return Limit(rate=1.0, burst=3)

    counts = [len(claim(store, NOON + s * SECOND, limits=limits)) for s in (0, 0.5, 1, 2, 4)]

    assert counts == [3, 0, 1, 1, 2]


def test_next_due_waits_for_the_token(store: Store) -> None:
    owe(store, *(make_delivery() for _ in range(3)))

    def limits(_: str) -> Limit:
        return Limit(rate=0.5, burst=1)

    with store.turn() as turn:
        turn.claim(NOON, WORKER, MINUTE_S, 10, limits)
        assert turn.next_due(NOON, limits) == pytest.approx(2.0)


def test_a_destination_asked_to_pause_is_left_alone_until_then(store: Store) -> None:
    owe(store, make_delivery(), make_delivery())
    (first, _) = claim(store)
    finish(store, failed(first, again_at=NOON + SECOND, pause_until=NOON + MINUTE))

    with store.turn() as turn:
        assert turn.claim(NOON + 59 * SECOND, WORKER, MINUTE_S, 10) == ()
        assert turn.next_due(NOON + 59 * SECOND) == pytest.approx(1.0)
        assert refs(turn.claim(NOON + 60 * SECOND, WORKER, MINUTE_S, 10)) == [first.ref]


def test_a_paused_destination_does_not_hold_up_another(store: Store) -> None:
    owe(store, make_delivery(), make_delivery(target="pager", destination="pager"))
    held = {one.destination: one for one in claim(store)}
    finish(store, failed(held["team-slack"], again_at=NOON, pause_until=NOON + MINUTE))
    owe(store, make_delivery(target="pager", destination="pager"))

    assert [one.destination for one in claim(store)] == ["pager"]


def test_the_third_failure_in_a_row_opens_the_circuit_and_a_success_closes_it(store: Store) -> None:
    owe(store, *(make_delivery() for _ in range(4)))
    now = NOON
    for _ in range(3):
        held = claim(store, now, room=1)
        finish(store, *(failed(one, again_at=now, started_at=now, ended_at=now) for one in held))

    assert claim(store, now + 1.9 * SECOND) == ()
    probe = claim(store, now + 2 * SECOND)
    assert len(probe) == 1
    finish(store, done(probe[0]))

    assert len(claim(store, now + 2 * SECOND)) == 3


def test_next_due_is_none_when_nothing_waits(store: Store) -> None:
    with store.turn() as turn:
        assert turn.next_due(NOON) is None


def test_next_due_is_the_time_to_the_nearest_row(store: Store) -> None:
    owe(store, make_delivery(due_at=NOON + 3 * MINUTE))
    owe(store, make_delivery(due_at=NOON + MINUTE, target="pager", destination="pager"))

    with store.turn() as turn:
        assert turn.next_due(NOON) == pytest.approx(60.0)


def test_next_due_is_zero_for_an_event_that_waits_to_be_planned(store: Store) -> None:
    accept_one(store)

    with store.turn() as turn:
        assert turn.next_due(NOON) == 0.0


def test_due_times_are_repaired_after_the_clock_was_set_back(store: Store) -> None:
    earlier = NOON - timedelta(hours=3)
    owe(store, make_delivery())
    (held,) = claim(store, NOON)
    finish(store, failed(held, again_at=NOON + MINUTE))
    owe(store, make_delivery(target="pager", destination="pager"), now=NOON)

    with store.turn() as turn:
        assert turn.repair_clock(earlier) == 2
        assert [one.destination for one in turn.claim(earlier, WORKER, MINUTE_S, 10)] == ["pager"]
        assert turn.next_due(earlier) == pytest.approx(60.0)


def test_repairing_a_clock_that_is_right_changes_nothing(store: Store) -> None:
    owe(store, make_delivery(due_at=NOON + MINUTE), make_delivery())
    claim(store)

    with store.turn() as turn:
        assert turn.repair_clock(NOON) == 0
