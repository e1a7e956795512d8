"""Workers that vanish, databases that go away, clocks that jump and events that cannot be planned."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update

from relay.clock import SteadyClock
from relay.errors import StoreBusy
from relay.ids import new_id
from relay.model import AttemptOutcome, DeliveryState
from relay.pipeline import PLAN_TRIES, Relay
from relay.store import EventState, Store
from relay.store.engine import open_engine, writing
from relay.store.queue import LOST
from relay.store.tables import events
from relay.worker import LEASE_S, Worker
from tests.factories import body, workflow_completed
from tests.fakes.gate import Gate
from tests.fakes.sink import Play, Sink
from tests.relays import (
    TO_SINK,
    accept,
    arrival_of,
    deliveries_of,
    hooks,
    make_relay,
    on_branch,
    until,
    until_delivered,
    working,
)

HOUR_S = 3600.0
TAKEN_OVER_S = 60.0  # at most, the design says


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@contextmanager
def claiming(url: str, step: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has claimed what waits."""
    command = [sys.executable, "-m", "tests.claiming", url, step]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        assert process.stdout.readline() == "1\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_what_a_killed_worker_was_planning_is_planned_by_another(
    database_url: str, store: Store, sink: Sink, tmp_path: Path
) -> None:
    ids = accept(store, workflow_completed())
    with claiming(database_url, "plan"):
        pass

    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, ids, TAKEN_OVER_S)

    assert [attempt.error for attempt in store.attempts(ids[0])] == [LOST]
    assert len(sink.requests) == 1


def test_what_a_killed_worker_was_sending_is_sent_by_another(
    database_url: str, store: Store, sink: Sink, tmp_path: Path
) -> None:
    sink.plays.append(Play(status=503))
    relay = make_relay(tmp_path, TO_SINK.format(url=sink.url))
    with working(store, relay):
        ids = accept(store, workflow_completed())
        until(lambda: deliveries_of(store, ids) and store.attempts(deliveries_of(store, ids)[0].id))
    time.sleep(0.3)  # until it is due again
    with claiming(database_url, "deliver"):
        assert deliveries_of(store, ids)[0].state is DeliveryState.LEASED

    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, ids, TAKEN_OVER_S)

    (row,) = deliveries_of(store, ids)
    assert [(a.number, a.outcome) for a in store.attempts(row.id)] == [
        (1, AttemptOutcome.TEMPORARY),
        (2, AttemptOutcome.TEMPORARY),
        (3, AttemptOutcome.DELIVERED),
    ]


def test_nothing_is_lost_while_sqlite_is_locked(sqlite_url: str, sink: Sink, tmp_path: Path) -> None:
    with Store.open(sqlite_url) as store:
        sink.plays.append(Play(wait=1.0))
        with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
            ids = accept(store, *hooks(5))
            until(lambda: sink.requests)
            locked = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
            locked.execute("BEGIN IMMEDIATE")
            time.sleep(6)  # longer than the store waits for the lock
            locked.execute("ROLLBACK")
            locked.close()
            until_delivered(store, ids)

    assert len(sink.requests) == 5


def test_nothing_is_lost_when_postgresql_ends_our_sessions(
    postgres_url: str, sink: Sink, tmp_path: Path
) -> None:
    with Store.open(postgres_url) as store:
        with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
            with ending_sessions(postgres_url):
                ids = [accept_stubbornly(store, number) for number in range(40)]
            with Store.open(postgres_url) as reader:  # none of whose sessions was ended
                until_delivered(reader, ids, TAKEN_OVER_S)
                owed = {row.id for row in deliveries_of(reader, ids)}
        sent = {request.headers["webhook-id"] for request in sink.requests}

        assert sent == owed
        assert len(sent) == 40


@contextmanager
def ending_sessions(url: str) -> Iterator[None]:
    """All sessions of the relay are ended several times a second."""
    ended = threading.Event()
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay'"

    def run() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not ended.wait(0.15):
                connection.execute(query)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    ended.set()
    thread.join()


def accept_stubbornly(store: Store, number: int) -> str:
    """Takes a webhook in, again and again as CircleCI would, until the store has it."""
    arrival = arrival_of(body(workflow_completed(number=number)), new_id())
    while True:
        time.sleep(0.03)
        with suppress(StoreBusy):
            store.accept([arrival])
            return arrival.id


def test_nothing_is_lost_while_postgresql_is_away(postgres_url: str, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(Play(wait=1.0))
    with (
        Gate(postgres_url) as gate,
        Store.open(postgres_url) as store,
        Store.open(gate.url) as ours,
        working(ours, make_relay(tmp_path, TO_SINK.format(url=sink.url))),
    ):
        ids = accept(store, workflow_completed())
        until(lambda: sink.requests)
        gate.shut()
        more = accept(store, *hooks(5))
        time.sleep(3)
        gate.is_shut = False
        until_delivered(store, ids + more)

    assert len(sink.requests) == 6


def test_nothing_is_lost_when_answers_to_commits_are(postgres_url: str, sink: Sink, tmp_path: Path) -> None:
    with (
        Gate(postgres_url) as gate,
        Store.open(postgres_url) as store,
        Store.open(gate.url) as ours,
        working(ours, make_relay(tmp_path, TO_SINK.format(url=sink.url))),
    ):
        until_delivered(store, accept(store, workflow_completed(number=1)))
        gate.loses_answers = True
        ids = accept(store, *hooks(5))
        time.sleep(1)
        gate.loses_answers = False
        until_delivered(store, ids, LEASE_S / 2)

    assert len(sink.requests) == 6


GROUPED = """\
version: 1
notifiers:
  sink: {{ type: webhook, url: "{url}/ci", allow_private: true }}
routes:
  - notify: sink
    group: {{ by: [branch], wait: {wait}, max_wait: 10s }}
"""


def test_events_within_the_wait_share_one_message(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, GROUPED.format(url=sink.url, wait="1500ms"))):
        ids = accept(store, *hooks(3))
        until(lambda: store.counts()["planning"] == 0)
        ids += accept(store, workflow_completed(number=1))
        until(lambda: sink.requests)
        until_delivered(store, ids)

    (request,) = sink.requests
    assert len(request.json()["data"]["events"]) == 4
    assert len({row.id for row in deliveries_of(store, ids)}) == 1


def test_a_group_outlives_the_worker_that_opened_it(
    database_url: str, store: Store, sink: Sink, tmp_path: Path
) -> None:
    text = GROUPED.format(url=sink.url, wait="4s")
    with working(store, make_relay(tmp_path, text)):
        first = accept(store, *hooks(2))
        until(lambda: [row.state for row in deliveries_of(store, first)] == [DeliveryState.OPEN] * 2)
    second = accept(store, workflow_completed(number=1))
    with claiming(database_url, "plan"):
        pass

    with working(store, make_relay(tmp_path, text)):
        until_delivered(store, first + second, TAKEN_OVER_S)

    told = [event["number"] for request in sink.requests for event in request.json()["data"]["events"]]
    assert sorted(told) == [1, 7000, 7001]


TWO_ROUTES = """\
version: 1
notifiers:
  sink: {{ type: webhook, url: "{url}/ci", allow_private: true }}
  gone: {{ type: console }}
routes:
  - {{ match: {{ branch: evil }}, notify: gone }}
  - {{ match: {{ branch: main }}, notify: sink }}
"""


def test_an_event_that_cannot_be_planned_is_stuck_and_the_others_go_on(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    text = TWO_ROUTES.format(url=sink.url)
    relay = make_relay(tmp_path, text)
    relay = replace(relay, targets={"sink": relay.targets["sink"]})
    (poison,) = accept(store, on_branch("evil", 1))
    ids = accept(store, *hooks(3))
    with working(store, relay, clock=fast_clock(200)) as worker:
        until_delivered(store, ids)
        until(lambda: is_stuck(store, poison, worker, relay), 30)

    detail = store.event(poison)
    assert detail
    assert detail.row.error == "UsageError: route route-1: no notifier or action is called gone"
    assert [a.outcome for a in detail.attempts] == [AttemptOutcome.TEMPORARY] * 4 + [AttemptOutcome.PERMANENT]


def test_an_event_that_ends_every_worker_that_plans_it_is_stuck(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    (poison,) = accept(store, workflow_completed(number=1))
    for number in range(PLAN_TRIES):
        vanish_with_plans(store, f"gone-{number}")
    ids = accept(store, *hooks(3))
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, ids)

    detail = store.event(poison)
    assert detail
    assert detail.row.state is EventState.STUCK
    assert detail.row.error == (
        "RelayError: the worker vanished in the last try to plan it; perhaps planning it is what ends it"
    )
    assert [a.outcome for a in detail.attempts] == [AttemptOutcome.TEMPORARY] * 5 + [AttemptOutcome.PERMANENT]


def test_a_stuck_event_that_is_replayed_is_planned_once_more(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    ids = accept(store, workflow_completed(number=1))
    for number in range(PLAN_TRIES):
        vanish_with_plans(store, f"gone-{number}")
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until(lambda: store.counts()["stuck"])
        store.replay_stuck()
        until_delivered(store, ids)

    assert len(sink.requests) == 1


def vanish_with_plans(store: Store, worker: str) -> None:
    """A worker claims events and is never heard of again; another sees it."""
    with store.turn() as turn:
        assert turn.claim_plans(store.now(), worker, HOUR_S, 10)
    with store.turn() as turn:
        turn.take_over(store.now(), [worker])


def spoil(url: str, event_id: str) -> None:
    """Makes what is stored of the webhook unreadable."""
    engine = open_engine(url)
    with writing(engine) as conn:
        conn.execute(update(events).where(events.c.id == event_id).values(body=b"no such thing"))
    engine.dispose()


def fast_clock(times: float) -> SteadyClock:
    """A clock on which a second passes so many times faster."""
    start = time.time()

    def quick() -> float:
        return start + (time.time() - start) * times

    return SteadyClock(wall=quick, monotonic=quick)


def is_stuck(store: Store, event_id: str, worker: Worker, relay: Relay) -> bool:
    worker.reload(relay)  # its clock is quicker than its sleep
    detail = store.event(event_id)
    return detail is not None and detail.row.state is EventState.STUCK


def test_a_webhook_that_cannot_be_read_holds_up_no_other(
    database_url: str, store: Store, sink: Sink, tmp_path: Path
) -> None:
    (broken,) = accept(store, workflow_completed(number=1))
    spoil(database_url, broken)
    ids = accept(store, *hooks(3))
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, ids)
        until(lambda: store.attempts(broken))

    (attempt,) = store.attempts(broken)
    assert attempt.error == "error: Error -3 while decompressing data: incorrect header check"


def test_after_the_clock_was_set_back_nothing_waits_longer_than_meant(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    sink.plays.append(Play(status=503))
    ahead = [HOUR_S]
    clock = SteadyClock(wall=lambda: time.time() + ahead[0])
    text = TO_SINK.format(url=sink.url).replace("200ms", "3s")
    with working(store, make_relay(tmp_path, text), clock=clock):
        ids = accept(store, workflow_completed())
        until(lambda: sink.requests)
        ahead[0] = 0.0
        until_delivered(store, ids, 30)

    assert len(sink.requests) == 2


def test_after_the_clock_leapt_ahead_nothing_in_hand_is_sent_again(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    sink.plays.append(Play(wait=4.0))
    ahead = [0.0]
    clock = SteadyClock(wall=lambda: time.time() + ahead[0])
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url)), clock=clock):
        ids = accept(store, workflow_completed(number=1))
        until(lambda: sink.requests)
        ahead[0] = HOUR_S
        time.sleep(2.5)  # the next beat sees it
        until_delivered(store, ids + accept(store, workflow_completed(number=2)))

    assert len(sink.requests) == 2
