"""The steps where they meet: what is decided for events, and what becomes of one try at a delivery."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay import pipeline
from relay.errors import UsageError
from relay.model import (
    AttemptOutcome,
    Author,
    Change,
    DeliveryState,
    Event,
    EventKind,
    Generation,
    Pipeline,
    Status,
    Workflow,
)
from relay.pipeline import Relay
from relay.store import Claim, Finish, Planned, Step, StoredDelivery, StoredEvent
from tests.factories import NOON, body, make_event, workflow_completed
from tests.fakes.sink import Play, Sink
from tests.relays import JSON, TO_SINK, make_relay

KEY = "gh/acme/api | main | build-and-deploy"
SECRET = "s3cret-of-the-sink"
SECOND = timedelta(seconds=1)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def relay(tmp_path: Path, sink: Sink) -> Iterator[Relay]:
    relay = make_relay(tmp_path, TO_SINK.format(url=sink.url))
    yield relay
    relay.transport.close()


def result(number: int, status: Status, **fields: Any) -> Event:
    ids = {"workflow": Workflow(id=f"w-{number}", name="build-and-deploy")}
    ids |= {"pipeline": Pipeline(id=f"p-{number}", number=number)}  # type: ignore[dict-item]
    return make_event(id=f"event-{number}", number=number, status=status, **{**ids, **fields})


def changes_of(plans: tuple[Planned | Exception, ...]) -> list[Change]:
    return [plan.event.change for plan in plans if isinstance(plan, Planned)]


# Deciding


def test_a_stored_webhook_becomes_an_event_whose_author_is_known(tmp_path: Path) -> None:
    people = "people: {{ alice: {{ emails: [alice@example.com] }} }}\n"
    relay = make_relay(tmp_path, (TO_SINK + people).format(url="http://127.0.0.1:9"))
    stored = StoredEvent(
        id="event-1",
        received_at=NOON,
        kind=EventKind.WORKFLOW,
        generation=Generation.MODERN,
        type="workflow-completed",
        source_id=None,
        content_type=JSON,
        body=body(workflow_completed()),
    )

    event = pipeline.normalise(stored, relay)

    assert (event.id, event.received_at, event.author.known) == ("event-1", NOON, "alice")


def test_a_decision_has_its_change_its_key_and_its_deliveries(relay: Relay) -> None:
    decided = pipeline.decide(result(1, Status.FAILED), (), relay, NOON)

    (delivery,) = decided.deliveries
    assert (decided.event.change, decided.state_key) == (Change.FIRST_FAILURE, KEY)
    assert (delivery.target, delivery.route) == ("sink", "route-1")


def test_events_of_one_batch_see_what_the_ones_before_them_did(relay: Relay) -> None:
    events = [result(1, Status.SUCCESS), result(2, Status.FAILED), result(3, Status.SUCCESS)]

    plans = pipeline.decide_all(events, {KEY: ()}, relay, NOON)

    assert changes_of(plans) == [Change.FIRST_SUCCESS, Change.BROKE, Change.FIXED]


def test_events_of_different_branches_do_not_see_each_other(relay: Relay) -> None:
    events = [result(1, Status.SUCCESS), result(2, Status.FAILED, branch="topic")]

    plans = pipeline.decide_all(events, {}, relay, NOON)

    assert changes_of(plans) == [Change.FIRST_SUCCESS, Change.FIRST_FAILURE]


def test_an_event_that_cannot_be_planned_does_not_hold_up_the_others(tmp_path: Path) -> None:
    text = TO_SINK.format(url="http://127.0.0.1:9")
    text += "  - { match: { branch: evil }, notify: gone }\n"
    text = text.replace("notifiers:\n", "notifiers:\n  gone: { type: console }\n")
    whole = make_relay(tmp_path, text)
    relay = replace(whole, targets={"sink": whole.targets["sink"]})
    events = [result(1, Status.SUCCESS), result(2, Status.FAILED, branch="evil"), result(3, Status.FAILED)]

    first, fault, last = pipeline.decide_all(events, {}, relay, NOON)

    assert isinstance(fault, UsageError)
    assert str(fault) == "route route-2: no notifier or action is called gone"
    assert changes_of((first, last)) == [Change.FIRST_SUCCESS, Change.BROKE]


@pytest.mark.parametrize(("notify", "wanted"), [("[]", []), ("rest", [("rest", "unmatched")])])
def test_an_event_no_route_wants_goes_where_unmatched_says(
    tmp_path: Path, notify: str, wanted: list[tuple[str, str]]
) -> None:
    text = f"""\
version: 1
notifiers: {{ rest: {{ type: console }} }}
routes: [{{ match: {{ branch: release }}, notify: rest }}]
unmatched: {{ notify: {notify} }}
"""

    decided = pipeline.decide(result(1, Status.FAILED), (), make_relay(tmp_path, text), NOON)

    assert [(delivery.target, delivery.route) for delivery in decided.deliveries] == wanted


def test_a_condition_that_fails_is_in_the_record_and_the_other_routes_fire(tmp_path: Path) -> None:
    text = """\
version: 1
notifiers: { console: { type: console } }
routes:
  - { name: odd, when: "1 / (duration - duration) > 1", notify: console }
  - { name: plain, notify: console }
"""
    planned = pipeline.plan(result(1, Status.FAILED), (), make_relay(tmp_path, text), NOON)

    results = {line[0]: line[2] for line in planned.decision["trace"]}
    assert results == {"odd": "error", "plain": "FIRE"}
    assert [delivery.route for delivery in planned.deliveries] == ["plain"]


def make_claim(attempt: int = 1) -> Claim:
    return Claim(
        id=1,
        step=Step.DELIVER,
        ref="delivery-1",
        destination="webhook:1",
        lane=None,
        attempt=attempt,
        worker="worker-one",
        lost=False,
        grouped=False,
    )


def test_planning_is_tried_again_at_growing_intervals_and_then_given_up(relay: Relay) -> None:
    error = ValueError(f"no such thing as {SECRET}")

    finishes = [pipeline.plan_failed(make_claim(number), error, relay, NOON) for number in range(1, 6)]

    waits = [finish.again_at - NOON if finish.again_at else None for finish in finishes]
    assert waits == [SECOND, 10 * SECOND, 60 * SECOND, 600 * SECOND, None]
    assert [finish.outcome for finish in finishes] == [AttemptOutcome.TEMPORARY] * 4 + [
        AttemptOutcome.PERMANENT
    ]
    assert finishes[0].error == f"ValueError: no such thing as {SECRET}"


# Delivering


def make_delivery(**fields: Any) -> StoredDelivery:
    stored: dict[str, Any] = {
        "id": "delivery-1",
        "target": "sink",
        "kind": "notify",
        "route": "route-1",
        "also": (),
        "mention": (),
        "destination": "webhook:1",
        "lane": None,
        "group_key": None,
        "created_at": NOON,
        "queued_at": NOON,
        "direct": None,
        "settings": {},
        "events": (make_event(change=Change.BROKE),),
    }
    return StoredDelivery(**{**stored, **fields})


def deliver(relay: Relay, claim: Claim | None = None, at: datetime = NOON, **fields: Any) -> Finish:
    return pipeline.deliver_one(claim or make_claim(), make_delivery(**fields), relay, lambda: at)


def test_a_message_that_is_taken_is_delivered(relay: Relay, sink: Sink) -> None:
    sink.plays.append(Play(status=202, body=b"thanks"))

    finish = deliver(relay)

    (request,) = sink.requests
    assert (finish.outcome, finish.state, finish.error) == (
        AttemptOutcome.DELIVERED,
        DeliveryState.DELIVERED,
        None,
    )
    assert (finish.answer.status, finish.answer.excerpt) == (202, "thanks")
    assert finish.title == "🔴 api / build-and-deploy broke on main"
    assert request.headers["webhook-id"] == "delivery-1"
    assert request.json()["data"]["reason"] == {"route": "route-1", "change": "broke"}


def test_a_failure_that_may_pass_is_tried_again_on_schedule(relay: Relay, sink: Sink) -> None:
    sink.plays.append(Play(status=503, body=b"down for a moment"))

    finish = deliver(relay)

    assert (finish.outcome, finish.state) == (AttemptOutcome.TEMPORARY, DeliveryState.WAITING)
    assert finish.error == "HTTP 503: the other side failed"
    assert finish.answer.excerpt == "down for a moment"
    assert finish.again_at
    assert 0.16 * SECOND <= finish.again_at - NOON <= 0.24 * SECOND
    assert finish.pause_until is None


def test_a_refusal_is_the_end(relay: Relay, sink: Sink) -> None:
    sink.plays.append(Play(status=410))

    finish = deliver(relay)

    assert (finish.outcome, finish.state, finish.again_at) == (
        AttemptOutcome.PERMANENT,
        DeliveryState.DEAD,
        None,
    )
    assert finish.error == "HTTP 410: gone for good"


def test_after_the_last_try_in_time_a_delivery_is_dead(relay: Relay, sink: Sink) -> None:
    sink.plays.append(Play(status=503))

    finish = deliver(relay, at=NOON + 60 * SECOND)

    assert (finish.outcome, finish.state) == (AttemptOutcome.TEMPORARY, DeliveryState.DEAD)


def test_retry_after_moves_the_next_try_and_pauses_the_destination(relay: Relay, sink: Sink) -> None:
    sink.plays.append(Play(status=429, headers={"Retry-After": "20"}))

    finish = deliver(relay)

    assert finish.again_at == finish.pause_until == NOON + 20 * SECOND


@pytest.mark.parametrize("seconds", ["100000", "1e300"])
def test_a_destination_is_never_paused_for_more_than_an_hour(relay: Relay, sink: Sink, seconds: str) -> None:
    sink.plays.append(Play(status=429, headers={"Retry-After": seconds}))

    finish = deliver(relay)

    assert (finish.state, finish.pause_until) == (DeliveryState.DEAD, NOON + 3600 * SECOND)
    assert finish.error == "HTTP 429: too many requests"


def test_no_answer_at_all_is_tried_again(tmp_path: Path) -> None:
    relay = make_relay(tmp_path, TO_SINK.format(url="http://127.0.0.1:9"))

    finish = deliver(relay)

    assert (finish.outcome, finish.error) == (
        AttemptOutcome.TEMPORARY,
        "http://127.0.0.1: connection refused",
    )


def test_a_notifier_that_is_gone_from_the_configuration_ends_its_deliveries(relay: Relay) -> None:
    finish = deliver(relay, target="team-slack")

    assert (finish.outcome, finish.state) == (AttemptOutcome.PERMANENT, DeliveryState.DEAD)
    assert finish.error == ("notifier team-slack is no longer in the configuration; add it again and replay")


def test_a_message_whose_template_fails_is_sent_plain_and_says_so(tmp_path: Path, sink: Sink) -> None:
    text = TO_SINK.format(url=sink.url)
    text += 'templates: { odd: { title: "{{ 1 / (duration - duration) }}" } }\n'
    relay = make_relay(tmp_path, text)

    finish = deliver(relay, settings={"template": "odd"})

    (request,) = sink.requests
    assert finish.outcome is AttemptOutcome.DELIVERED
    assert finish.error == "The template odd could not be used: float division by zero"
    assert "build-and-deploy" in request.json()["data"]["message"]["title"]


def test_a_group_is_one_message_about_all_its_events(relay: Relay, sink: Sink) -> None:
    events = tuple(make_event(id=f"event-{n}", source_id=f"source-{n}") for n in range(3))

    deliver(relay, events=events)

    (request,) = sink.requests
    assert [event["id"] for event in request.json()["data"]["events"]] == ["source-0", "source-1", "source-2"]


def test_a_mention_of_the_author_names_who_it_is(tmp_path: Path) -> None:
    text = """\
version: 1
people: { alice: { emails: [alice@example.com] }, bob: { emails: [bob@example.com] } }
notifiers: { console: { type: console } }
routes: [{ notify: console, mention: [author, bob] }]
"""
    relay = make_relay(tmp_path, text)
    known = make_event(author=Author(name="Alice Archer", known="alice"))
    delivery = make_delivery(target="console", mention=("author", "bob", "carol"), events=(known,))

    outgoing = pipeline.outgoing(make_claim(), delivery, relay, NOON)

    assert [person.key for person in outgoing.mentions] == ["alice", "bob"]


SECRETIVE = """\
version: 1
circleci: {{ hooks: {{ secrets: ["${{HOOK_SECRET}}"] }} }}
notifiers:
  sink: {{ type: webhook, url: "{url}/ci", allow_private: true, sign_with: "${{SIGN_WITH}}" }}
routes:
  - notify: sink
"""
ENVIRON = {"HOOK_SECRET": "s3cret-of-the-hook", "SIGN_WITH": SECRET}


@pytest.mark.parametrize("status", [200, 404, 503])
def test_secrets_do_not_stand_in_what_is_kept_of_an_answer(tmp_path: Path, sink: Sink, status: int) -> None:
    relay = make_relay(tmp_path, SECRETIVE.format(url=sink.url), ENVIRON)
    said = f"signed with {SECRET}, received with s3cret-of-the-hook".encode()
    sink.plays.append(Play(status=status, body=said))

    finish = deliver(relay)

    assert finish.answer.excerpt == "signed with ***, received with ***"


def test_secrets_do_not_stand_in_errors(tmp_path: Path) -> None:
    relay = make_relay(tmp_path, SECRETIVE.format(url="http://127.0.0.1:9"), ENVIRON)
    error = RuntimeError(f"cannot sign with {SECRET}")

    planning = pipeline.plan_failed(make_claim(), error, relay, NOON)
    sending = pipeline.broke_down(make_claim(), make_delivery(), relay, error, NOON, NOON)

    assert planning.error == sending.error == "RuntimeError: cannot sign with ***"


def test_an_unforeseen_error_is_tried_again(relay: Relay) -> None:
    finish = pipeline.broke_down(make_claim(), make_delivery(), relay, KeyError("x"), NOON, NOON)

    assert (finish.outcome, finish.state) == (AttemptOutcome.TEMPORARY, DeliveryState.WAITING)


def test_a_delivery_that_cannot_be_read_is_dead(relay: Relay) -> None:
    finish = pipeline.broke_down(make_claim(), None, relay, ValueError("odd"), NOON, NOON)

    assert (finish.state, finish.error) == (DeliveryState.DEAD, "ValueError: odd")


def test_a_held_message_without_news_is_not_sent(relay: Relay, sink: Sink) -> None:
    finish = pipeline.deliver_one(make_claim(), make_delivery(events=()), relay, lambda: NOON)

    assert (finish.outcome, finish.title) == (
        AttemptOutcome.DELIVERED,
        "nothing was sent: what was held is fixed by now",
    )
    assert sink.requests == []
