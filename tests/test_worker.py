"""The worker on both databases, from an accepted webhook to a message at a real HTTP server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.model import AttemptOutcome, DeliveryState
from relay.store import Store
from tests.factories import workflow_completed
from tests.fakes.sink import Play, Sink
from tests.relays import (
    TO_SINK,
    accept,
    all_are,
    deliveries_of,
    hooks,
    make_relay,
    on_branch,
    until,
    until_delivered,
    working,
)

PROMPT_S = 1.0  # nothing waits for another destination, however busy the machine
TIMER_S = 0.05  # how late a timer may be


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def test_an_accepted_webhook_becomes_a_message(store: Store, sink: Sink, tmp_path: Path) -> None:
    relay = make_relay(tmp_path, TO_SINK.format(url=sink.url))
    with working(store, relay):
        ids = accept(store, workflow_completed(status="failed"))
        until_delivered(store, ids)

    (row,) = deliveries_of(store, ids)
    (request,) = sink.requests
    assert request.headers["webhook-id"] == row.id
    assert request.json()["data"]["reason"] == {"route": "route-1", "change": "first_failure"}
    assert (row.title, row.tries) == ("🔴 api / build-and-deploy failed on main", 1)
    assert [attempt.outcome for attempt in store.attempts(row.id)] == [AttemptOutcome.DELIVERED]


def test_webhooks_accepted_before_the_worker_starts_are_delivered(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    ids = accept(store, *hooks(150))

    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, ids)

    assert len(sink.requests) == 150
    assert {request.headers["webhook-id"] for request in sink.requests} == {
        row.id for row in deliveries_of(store, ids)
    }


def test_results_of_one_branch_planned_together_are_judged_in_order(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    results = [workflow_completed(number=n, status=s) for n, s in enumerate(["success", "failed", "success"])]
    ids = accept(store, *results)

    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, ids)

    changes = [detail.row.change for detail in map(store.event, ids) if detail]
    assert changes == ["first_success", "broke", "fixed"]


def test_a_failed_try_is_repeated_at_its_time(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(Play(status=503, body=b"down"))
    relay = make_relay(tmp_path, TO_SINK.format(url=sink.url).replace("200ms", "1s"))
    with working(store, relay):
        ids = accept(store, workflow_completed())
        until_delivered(store, ids)

    (row,) = deliveries_of(store, ids)
    first, second = store.attempts(row.id)
    waited = (second.started_at - first.ended_at).total_seconds()
    assert (first.outcome, first.status, first.error) == (
        AttemptOutcome.TEMPORARY,
        503,
        "HTTP 503: the other side failed",
    )
    assert (second.outcome, second.number) == (AttemptOutcome.DELIVERED, 2)
    assert 0.8 <= waited <= 1.2 + TIMER_S + 0.2


def test_retry_after_holds_back_the_whole_destination(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(Play(status=429, headers={"Retry-After": "2"}))
    relay = make_relay(tmp_path, TO_SINK.format(url=sink.url))
    with working(store, relay):
        first = accept(store, workflow_completed(number=1))
        until(lambda: sink.requests and store.attempts(deliveries_of(store, first)[0].id))
        second = accept(store, workflow_completed(number=2))
        until_delivered(store, first + second)

    refused, repeated = store.attempts(deliveries_of(store, first)[0].id)
    (other,) = store.attempts(deliveries_of(store, second)[0].id)
    assert (repeated.started_at - refused.ended_at).total_seconds() >= 2.0
    assert (other.started_at - refused.ended_at).total_seconds() >= 2.0


def test_a_dead_delivery_is_sent_when_it_is_replayed(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(Play(status=404, body=b"no such hook"))
    relay = make_relay(tmp_path, TO_SINK.format(url=sink.url))
    with working(store, relay):
        ids = accept(store, workflow_completed())
        until(lambda: all_are(store, ids, DeliveryState.DEAD))
        (dead,) = deliveries_of(store, ids)
        store.replay([dead.id])
        until_delivered(store, ids)

    assert dead.error == "HTTP 404: no such address"
    assert [attempt.outcome for attempt in store.attempts(dead.id)] == [
        AttemptOutcome.PERMANENT,
        AttemptOutcome.DELIVERED,
    ]
    assert len({request.headers["webhook-id"] for request in sink.requests}) == 1


def places(slow: Sink, quick: Sink, count: int) -> str:
    """A configuration with `count` slow destinations and a quick one."""
    names = [f"slow-{number}" for number in range(count)]
    line = '  {name}: {{ type: webhook, url: "{url}/{name}", allow_private: true }}'
    return "\n".join(
        [
            "version: 1",
            "notifiers:",
            *[line.format(name=name, url=slow.url) for name in names],
            line.format(name="quick", url=quick.url),
            "routes:",
            f"  - {{ match: {{ branch: slow }}, notify: [{', '.join(names)}] }}",
            "  - { match: { branch: quick }, notify: quick }",
        ]
    )


@pytest.mark.parametrize(
    ("count", "wait"),
    [(1, 3.0), (1, 3600.0), (8, 3600.0)],
    ids=["one answers late", "one never answers", "eight never answer"],
)
def test_slow_destinations_delay_no_other(
    store: Store, sink: Sink, tmp_path: Path, count: int, wait: float
) -> None:
    with (
        Sink(*[Play(wait=wait)] * 1000) as slow,
        working(store, make_relay(tmp_path, places(slow, sink, count))),
    ):
        accept(store, *[on_branch("slow", number) for number in range(20)])
        until(lambda: len({request.path for request in slow.requests}) == count)
        took = [time_to_deliver(store, sink, number) for number in range(5)]
        slow.release()

    assert max(took) < PROMPT_S


def time_to_deliver(store: Store, sink: Sink, number: int) -> float:
    before = len(sink.requests)
    accept(store, on_branch("quick", number))
    return until(lambda: len(sink.requests) > before)


def test_two_workers_share_the_work_and_deliver_each_once(
    database_url: str, store: Store, sink: Sink, tmp_path: Path
) -> None:
    sink.plays.extend([Play(wait=0.02)] * 200)
    text = TO_SINK.format(url=sink.url)
    ids = accept(store, *hooks(200))
    with Store.open(database_url) as other, working(other, make_relay(tmp_path / "two", text)):
        with working(store, make_relay(tmp_path / "one", text)):
            until(lambda: len(sink.requests) > 40)
        until_delivered(store, ids)

    attempts = [attempt for row in deliveries_of(store, ids) for attempt in store.attempts(row.id)]
    assert len(sink.requests) == len(attempts) == 200


def test_a_new_configuration_takes_effect_while_working(store: Store, sink: Sink, tmp_path: Path) -> None:
    with Sink() as newer:
        with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))) as worker:
            until_delivered(store, accept(store, workflow_completed(number=1)))
            worker.reload(make_relay(tmp_path, TO_SINK.format(url=newer.url)))
            until_delivered(store, accept(store, workflow_completed(number=2)))

        assert (len(sink.requests), len(newer.requests)) == (1, 1)


def test_a_notifier_taken_out_of_the_configuration_leaves_its_messages_dead(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    sink.plays.append(Play(status=503))
    text = TO_SINK.format(url=sink.url)
    with working(store, make_relay(tmp_path, text)) as worker:
        ids = accept(store, workflow_completed())
        until(lambda: sink.requests)
        worker.reload(
            make_relay(tmp_path, text.replace("sink: {", "other: {").replace("y: sink", "y: other"))
        )
        until(lambda: all_are(store, ids, DeliveryState.DEAD))

    (row,) = deliveries_of(store, ids)
    assert row.error == "notifier sink is no longer in the configuration; add it again and replay"


def test_stopping_finishes_what_is_in_hand(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(Play(wait=1.0))
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        ids = accept(store, workflow_completed())
        until(lambda: sink.requests)

    (row,) = deliveries_of(store, ids)
    assert (row.state, row.tries) == (DeliveryState.DELIVERED, 1)
    assert store.workers() == ()


def test_what_is_accepted_after_a_stop_is_left_for_the_next_start(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    relay = make_relay(tmp_path, TO_SINK.format(url=sink.url))
    with working(store, relay):
        until_delivered(store, accept(store, workflow_completed(number=1)))
    ids = accept(store, workflow_completed(number=2))
    assert store.counts()["planning"] == 1

    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, ids)

    assert len(sink.requests) == 2


def test_timers_are_punctual(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = TO_SINK.format(url=sink.url).replace("200ms", "100ms")
    with working(store, make_relay(tmp_path, text)):
        late = [lateness(store, sink, number) for number in range(5)]

    assert 0 <= min(late) < TIMER_S, late  # a busy machine may be late itself, but not each time


def lateness(store: Store, sink: Sink, number: int) -> float:
    """Seconds between when a message had to be tried again and when it was."""
    wait_s = 0.3
    sink.plays.append(Play(status=429, headers={"Retry-After": str(wait_s)}))
    wanted = len(sink.requests) + 2
    ids = accept(store, workflow_completed(number=number))
    until(lambda: len(sink.requests) == wanted)
    until_delivered(store, ids)
    first, second = store.attempts(deliveries_of(store, ids)[0].id)
    return (second.started_at - first.ended_at).total_seconds() - wait_s
