"""What must hold when several workers work at once, each with its own connection, on both databases."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from relay.ids import new_id
from relay.planning import NewDelivery
from relay.store import Arrival, Claim, Finish, Limit, Store
from tests.factories import NOON
from tests.store.parts import (
    MINUTE_S,
    done,
    failed,
    finish,
    make_arrival,
    make_delivery,
    make_outcome,
    make_planned,
    owe,
)

Job = Callable[[Store, int], None]


def run_together(url: str, threads: int, job: Job) -> None:
    """The job in several threads, each with a store of its own. Raises what any of them raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            with Store.open(url) as store:
                start.wait()
                job(store, number)
        except BaseException as error:
            errors.append(error)
            raise

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert errors == []


def accept_many(store: Store, count: int) -> list[str]:
    arrivals: list[Arrival] = [make_arrival() for _ in range(count)]
    assert all(answer is True for answer in store.accept(arrivals))
    return [arrival.id for arrival in arrivals]


def test_no_grouped_event_is_lost_or_doubled_while_groups_close(database_url: str, store: Store) -> None:
    """600 events, 8 threads that plan, claim and finish; the groups close under the planners' hands."""
    idents = accept_many(store, 600)
    sent: list[str] = []
    guard = threading.Lock()

    def work(own: Store, number: int) -> None:
        worker, deadline = f"worker-{number}", datetime.now(UTC) + timedelta(seconds=60)
        quiet = 0
        while quiet < 5 and datetime.now(UTC) < deadline:
            now = datetime.now(UTC)
            quiet = 0 if plan_some(own, worker, now) + deliver_some(own, worker, now) else quiet + 1

    def plan_some(own: Store, worker: str, now: datetime) -> int:
        with own.turn() as turn:
            held = turn.claim_plans(now, worker, MINUTE_S, 7)
            plans = [(one, make_planned(one.ref, *grouped(one.ref, now))) for one in held]
            assert all(answer is True for answer in turn.record_plans(plans, now))
        return len(held)

    def grouped(ident: str, now: datetime) -> list[NewDelivery]:
        keys = [f"key {(hash(ident) + step) % 3}" for step in (0, 1)]
        return [make_delivery(group_key=key, due_at=now, latest_at=now) for key in keys]

    def deliver_some(own: Store, worker: str, now: datetime) -> int:
        with own.turn() as turn:
            held = turn.claim(now, worker, MINUTE_S, 5)
        found = own.load(held).deliveries
        with own.turn() as turn:
            for one in turn.finish([done(one) for one in held]):
                with guard:
                    sent.extend(event.id for event in found[one.claim.ref].events)
        return len(held)

    run_together(database_url, 8, work)

    assert Counter(sent) == Counter(idents * 2)
    assert store.counts()["planning"] == store.counts()["ready"] == 0


def test_there_is_never_more_than_one_open_delivery_per_group(database_url: str, store: Store) -> None:
    accept_many(store, 200)
    later = NOON + timedelta(hours=1)

    def plan(own: Store, number: int) -> None:
        while True:
            with own.turn() as turn:
                held = turn.claim_plans(NOON, f"worker-{number}", MINUTE_S, 5)
                deliveries = [
                    make_delivery(group_key=key, due_at=later, latest_at=later) for key in ("a", "b", "c")
                ]
                turn.record_plans([(one, make_planned(one.ref, *fresh(deliveries))) for one in held], NOON)
            if not held:
                return

    run_together(database_url, 8, plan)

    rows = store.deliveries()
    assert sorted(str(row.group_key) for row in rows) == ["a", "b", "c"]
    for row in rows:
        found = store.delivery(row.id)
        assert found is not None
        assert len(found.event_ids) == 200


def fresh(deliveries: list[NewDelivery]) -> list[NewDelivery]:
    return [replace(delivery, id=new_id()) for delivery in deliveries]


def test_every_delivery_is_claimed_by_one_worker_only(database_url: str, store: Store) -> None:
    owe(store, *(make_delivery(destination=f"d{number % 4}") for number in range(300)))
    taken: list[Claim] = []

    def work(own: Store, number: int) -> None:
        while True:
            with own.turn() as turn:
                held = turn.claim(NOON, f"worker-{number}", MINUTE_S, 9)
            taken.extend(held)
            if not held:
                return

    run_together(database_url, 6, work)

    assert len(taken) == 300
    assert len({one.ref for one in taken}) == 300


def test_the_limit_in_flight_holds_over_all_workers(database_url: str, store: Store) -> None:
    owe(store, *(make_delivery() for _ in range(120)))
    in_flight, most, guard, delivered = [0], [0], threading.Lock(), [0]

    def work(own: Store, number: int) -> None:
        while delivered[0] < 120:
            with own.turn() as turn:
                held = turn.claim(NOON, f"worker-{number}", MINUTE_S, 9, lambda _: Limit(in_flight=4))
            with guard:
                in_flight[0] += len(held)
                most[0] = max(most[0], in_flight[0])
            with guard:
                in_flight[0] -= len(held)
                delivered[0] += len(held)
            finish(own, *(done(one) for one in held))

    run_together(database_url, 6, work)

    assert 1 <= most[0] <= 4
    assert store.counts()["ready"] == store.counts()["leased"] == 0


def test_a_lane_keeps_its_order_and_never_stalls(database_url: str, store: Store) -> None:
    """Half the threads plan into three lanes while the others deliver; each lane keeps its order."""
    accept_many(store, 150)
    order: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    now_going: Counter[str] = Counter()
    overtakes: list[str] = []
    planned = [0]
    guard = threading.Lock()

    def work(own: Store, number: int) -> None:
        quiet = 0
        while quiet < 20:
            quiet = 0 if (plan(own, number) if number % 2 else deliver(own, number)) else quiet + 1

    def plan(own: Store, number: int) -> int:
        with own.turn() as turn:
            held = turn.claim_plans(NOON, f"worker-{number}", MINUTE_S, 4)
            plans = [
                (one, make_planned(one.ref, *(make_delivery(lane=lane) for lane in "abc"))) for one in held
            ]
            turn.record_plans(plans, NOON)
        planned[0] += len(held)
        return len(held)

    def deliver(own: Store, number: int) -> int:
        with own.turn() as turn:
            held = turn.claim(NOON, f"worker-{number}", MINUTE_S, 4)
        for one in held:
            lane = str(one.lane)
            with guard:
                now_going[lane] += 1
                if now_going[lane] > 1:
                    overtakes.append(lane)
                order[lane].append(one.id)
        with guard:
            now_going.subtract(str(one.lane) for one in held)
        finish(own, *(done(one) for one in held))
        return len(held) or planned[0] < 150

    run_together(database_url, 6, work)
    run_together(database_url, 2, lambda own, number: deliver_rest(own, number, order))

    assert overtakes == []
    assert [len(ids) for ids in order.values()] == [150, 150, 150]
    assert all(before < after for ids in order.values() for before, after in pairwise(ids))


def deliver_rest(store: Store, number: int, order: dict[str, list[int]]) -> None:
    while True:
        with store.turn() as turn:
            held = turn.claim(NOON, f"rest-{number}", MINUTE_S, 1)
        for one in held:
            order[str(one.lane)].append(one.id)
        finish(store, *(done(one) for one in held))
        if not store.counts()["ready"]:
            return


def test_plans_of_one_state_key_see_each_other(database_url: str, store: Store) -> None:
    """Each plan writes how many outcomes it saw; serialised, they see 0, 1, 2, …"""
    accept_many(store, 60)
    seen: list[int] = []

    def plan(own: Store, number: int) -> None:
        while True:
            with own.turn() as turn:
                held = turn.claim_plans(NOON, f"worker-{number}", MINUTE_S, 1)
                if not held:
                    return
                history = turn.history("shared", limit=100)
                outcome = make_outcome(event_id=held[0].ref, run=held[0].ref, number=len(history))
                turn.record_plan(
                    held[0], make_planned(held[0].ref, outcome=outcome, state_key="shared"), NOON
                )
            seen.append(len(history))

    run_together(database_url, 6, plan)

    assert sorted(seen) == list(range(60))


def test_full_turns_of_many_workers_never_deadlock(database_url: str, store: Store) -> None:
    """Everything a turn can do at once, on a few shared keys, groups, lanes and destinations."""
    accept_many(store, 400)
    sent: Counter[str] = Counter()
    guard = threading.Lock()
    limit = Limit(in_flight=10, rate=5000, burst=50)

    def work(own: Store, number: int) -> None:
        worker, hands, quiet = f"worker-{number}", list[Claim](), 0
        while quiet < 30:
            now = datetime.now(UTC)
            with own.turn() as turn:
                plans = turn.claim_plans(now, worker, MINUTE_S, 3)
                turn.histories({f"key {hash(one.ref) % 3}" for one in plans})
                turn.record_plans([(one, make_planned(one.ref, *owed(one.ref, now))) for one in plans], now)
                ended = turn.finish([ending(one, now) for one in hands])
                claims = turn.claim(now, worker, MINUTE_S, 6, lambda _: limit)
                turn.next_due(now)
            with guard:
                sent.update(one.claim.ref for one in ended if one.again_at is None)
            hands = list(claims)
            quiet = 0 if plans or claims else quiet + 1

    def owed(ref: str, now: datetime) -> list[NewDelivery]:
        number = hash(ref)
        return [
            make_delivery(lane=f"lane {number % 4}", destination=f"d{number % 3}"),
            make_delivery(lane=f"lane {(number + 1) % 4}", destination=f"d{(number + 1) % 3}"),
            make_delivery(group_key=f"g{number % 3}", due_at=now, latest_at=now, destination="d0"),
            make_delivery(group_key=f"g{(number + 1) % 3}", due_at=now, latest_at=now, destination="d1"),
        ]

    def ending(one: Claim, now: datetime) -> Finish:
        retried = one.attempt == 1 and one.id % 9 == 0
        return failed(one, again_at=now, started_at=now, ended_at=now) if retried else done(one)

    run_together(database_url, 6, work)

    counts = store.counts()
    assert counts["planning"] == 0
    assert set(sent.values()) == {1}
    assert counts["ready"] + counts["blocked"] + counts["leased"] + len(sent) == len(all_deliveries(store))


def all_deliveries(store: Store) -> list[str]:
    return [row.id for row in store.deliveries(limit=10_000)]
