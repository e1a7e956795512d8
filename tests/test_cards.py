"""Conversations: one message for a pipeline, people written to directly, fallbacks, dead places."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay import cards
from relay.model import AttemptOutcome, Conversation, DeliveryState, Job, Pipeline, Status, Workflow
from relay.store import Store
from tests.factories import MINUTE, NOON, make_event, workflow_completed
from tests.fakes.sink import Play, Sink
from tests.relays import accept, all_are, deliveries_of, make_relay, until, until_delivered, working

CARD = """\
version: 1
notifiers:
  team:
    type: slack
    token: xoxb-1-secret
    channel: C1
    style: {style}
    api_url: "{url}/api"
    allow_private: true
defaults:
  delivery: {{ timeout: 5s, retries: [200ms], give_up_after: 1m }}
routes:
  - notify: team
"""
FALLBACK = """\
version: 1
notifiers:
  team: {{ type: webhook, url: "{url}/team", allow_private: true, fallback: [second, third] }}
  second: {{ type: webhook, url: "{url}/second", allow_private: true, fallback: team }}
  third: {{ type: webhook, url: "{url}/third", allow_private: true }}
routes:
  - notify: team
"""
DIRECT = """\
version: 1
people:
  alice: {{ emails: [alice@example.com], slack: U1 }}
notifiers:
  console: {{ type: console }}
  team: {{ type: slack, token: "xoxb-1-secret", channel: C1, api_url: "{url}/api", allow_private: true }}
routes:
  - notify: "dm:author"
"""
POSTED = Play(body=json.dumps({"ok": True, "ts": "1.5", "channel": "C1"}).encode())
GONE = Play(status=404, body=b"no_service")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def said(sink: Sink) -> list[tuple[str, dict[str, Any]]]:
    """Method and body of every call."""
    return [(request.path.rpartition("/")[2], request.json()) for request in sink.requests]


# What belongs together


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({}, "p-7812"),
        ({"pipeline": Pipeline()}, "w-7812"),
        ({"pipeline": Pipeline(), "workflow": Workflow(), "number": 7}, "gh/acme/api#7"),
    ],
)
def test_a_card_is_about_a_pipeline_or_what_stands_for_it(fields: dict[str, Any], subject: str) -> None:
    assert cards.subject(make_event(**fields), Conversation.PIPELINE, "key") == subject


def test_a_card_tells_the_newest_result_of_each_workflow_and_job() -> None:
    first = make_event(id="a", status=Status.FAILED)
    job = make_event(id="b", job=Job(name="unit"))
    again = make_event(id="c", status=Status.SUCCESS, workflow=Workflow(name="build-and-deploy", attempt=2))
    late = make_event(id="d", finished_at=NOON - MINUTE)

    assert cards.current((first, job, again, late)) == (again, job)


# Cards in chat


def test_a_card_is_posted_once_and_then_changed(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.extend([POSTED] * 3)
    relay = make_relay(tmp_path, CARD.format(url=sink.url, style="update"))
    with working(store, relay):
        for name, status in (("build", "failed"), ("lint", "success"), ("deploy", "success")):
            until_delivered(store, accept(store, workflow_completed(number=5, name=name, status=status)))

    assert [method for method, _ in said(sink)] == ["chat.postMessage", "chat.update", "chat.update"]
    last = json.dumps(said(sink)[-1][1], ensure_ascii=False)
    assert all(name in last for name in ("build", "lint", "deploy", "3 results"))
    assert said(sink)[-1][1]["ts"] == "1.5"


def test_another_pipeline_gets_a_card_of_its_own(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.extend([POSTED] * 2)
    relay = make_relay(tmp_path, CARD.format(url=sink.url, style="update"))
    with working(store, relay):
        until_delivered(store, accept(store, workflow_completed(number=5), workflow_completed(number=6)))

    assert [method for method, _ in said(sink)] == ["chat.postMessage"] * 2


def test_a_card_goes_on_after_a_restart(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.extend([POSTED] * 2)
    for name in ("build", "deploy"):
        relay = make_relay(tmp_path, CARD.format(url=sink.url, style="thread"))
        with working(store, relay):
            until_delivered(store, accept(store, workflow_completed(number=5, name=name)))

    assert [body.get("thread_ts") for _, body in said(sink)] == [None, "1.5"]


def test_messages_of_a_card_keep_their_order_while_one_is_tried_again(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    sink.plays.extend([Play(status=503), POSTED, POSTED, POSTED])
    relay = make_relay(tmp_path, CARD.format(url=sink.url, style="thread"))
    names = ("build", "lint", "deploy")
    with working(store, relay):
        ids = accept(store, *(workflow_completed(number=5, name=name) for name in names))
        until_delivered(store, ids)

    told = [json.dumps(body) for _, body in said(sink)]
    assert [next(name for name in names if f"/ {name}" in each) for each in told] == [
        "build",
        "build",
        "lint",
        "deploy",
    ]


# Fallbacks and dead places


def test_a_fallback_is_used_when_a_message_fails_for_good(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(GONE)
    relay = make_relay(tmp_path, FALLBACK.format(url=sink.url))
    with working(store, relay):
        ids = accept(store, workflow_completed())
        until(lambda: sorted(states(store, ids)) == ["dead", "delivered"])

    assert [request.path for request in sink.requests] == ["/team", "/second"]


def test_fallbacks_do_not_go_round(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.extend([GONE] * 4)
    relay = make_relay(tmp_path, FALLBACK.format(url=sink.url))
    with working(store, relay):
        ids = accept(store, workflow_completed())
        until(lambda: states(store, ids) == ["dead"] * 3)

    assert [request.path for request in sink.requests] == ["/team", "/second", "/third"]


def test_a_dead_place_is_left_alone_until_it_is_mended(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(GONE)
    relay = make_relay(tmp_path, FALLBACK.format(url=sink.url).replace(", fallback: [second, third]", ""))
    with working(store, relay):
        first = accept(store, workflow_completed(number=1))
        until(lambda: all_are(store, first, DeliveryState.DEAD))
        second = accept(store, workflow_completed(number=2))
        until(lambda: all_are(store, second, DeliveryState.DEAD))
        (row,) = deliveries_of(store, second)
        assert len(sink.requests) == 1
        store.replay([row.id])
        until_delivered(store, second)
        until_delivered(store, accept(store, workflow_completed(number=3)))

    refused, taken = store.attempts(row.id)
    assert refused.outcome is AttemptOutcome.PERMANENT
    assert refused.error is not None
    assert refused.error.startswith("notifier team is disabled since ")
    assert refused.error.endswith(
        ": HTTP 404: no such address; mend it, try it with `relay send-test team`,"
        " then `relay replay --dead --target team`"
    )
    assert taken.outcome is AttemptOutcome.DELIVERED


def test_a_new_start_tries_dead_places_again(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(GONE)
    text = FALLBACK.format(url=sink.url).replace(", fallback: [second, third]", "")
    with working(store, make_relay(tmp_path, text)):
        first = accept(store, workflow_completed(number=1))
        until(lambda: all_are(store, first, DeliveryState.DEAD))

    with working(store, make_relay(tmp_path, text)):
        until_delivered(store, accept(store, workflow_completed(number=2)))


# Direct messages


def test_the_author_is_written_to_alone(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(POSTED)
    with working(store, make_relay(tmp_path, DIRECT.format(url=sink.url))):
        until_delivered(store, accept(store, workflow_completed()))

    ((method, body),) = said(sink)
    assert (method, body["channel"]) == ("chat.postMessage", "U1")


def states(store: Store, ids: tuple[str, ...]) -> list[str]:
    return [row.state.value for row in deliveries_of(store, ids)]
