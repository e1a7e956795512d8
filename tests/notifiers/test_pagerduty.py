"""PagerDuty: when it is paged, what it is told, and what its answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Answer, Button, Change, Event, Fact, Level, Message, Status, Workflow
from relay.notifiers.base import Conversation
from relay.notifiers.pagerduty import DEDUP_KEY, MOST_BYTES, SUMMARY, PagerDuty
from relay.transport import Transport
from tests.factories import make_commit, make_event
from tests.fakes.pagerduty_server import KEY, PagerDutyServer
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing
from tests.own_events import make_notice_event

STATE = "gh/acme/api | main | build-and-deploy"
FIXED = make_event(status=Status.SUCCESS, change=Change.FIXED)


def make(**more: Any) -> PagerDuty:
    return PagerDuty.model_validate({"routing_key": KEY, **more})


def local(url: str, **more: Any) -> PagerDuty:
    return make(api_url=url, allow_private=True, **more)


def payload(*events: Event, message: Message | None = None, **more: Any) -> dict[str, Any]:
    outgoing = make_outgoing(events=events or (make_broken(),), subject=STATE)
    return make(**more).payload(message or Message(title="broke", level=Level.BAD), outgoing)


def send(transport: Transport, url: str, *events: Event, **more: Any) -> Answer:
    notifier = local(url, **more)
    outgoing = make_outgoing(events=events or (make_broken(),), subject=STATE)
    return notifier.send(make_message(notifier, *events), outgoing, transport)


def refused(transport: Transport, play: Play) -> DeliveryError:
    with Sink(play) as sink, pytest.raises(DeliveryError) as caught:
        send(transport, sink.url)
    return caught.value


# the payload


def test_the_payload_in_full() -> None:
    event, notifier = make_broken(), make()

    assert notifier.payload(make_message(notifier), make_outgoing(subject=STATE)) == {
        "event_action": "trigger",
        "dedup_key": STATE,
        "client": "relay",
        "client_url": event.url,
        "links": [
            {"href": event.url, "text": "Open in CircleCI"},
            {"href": event.commit.url, "text": "Commit"},
        ],
        "payload": {
            "summary": "🔴 api / build-and-deploy broke on main",
            "severity": "error",
            "timestamp": "2026-11-23T12:00:00+00:00",
            "source": "gh/acme/api",
            "component": "api",
            "group": "main",
            "class": "build-and-deploy",
            "custom_details": {
                "message": f"Fix <!channel> & login ({event.commit.url}) by Alice Archer\n"
                "- Run tests exit code 2",
                "Pipeline": "#7812",
                "Took": "4 min 12 s",
                "Commit": "a1b2c3d",
                "sent by": f"route trunk-broke · event {event.id} "
                f"(https://relay.example.com/events/{event.id})",
            },
        },
    }


def test_what_fixes_it_resolves_the_same_incident() -> None:
    assert payload(FIXED) == {"event_action": "resolve", "dedup_key": STATE}


def test_a_missing_run_opens_an_incident_that_its_arrival_resolves() -> None:
    assert payload(make_notice_event())["event_action"] == "trigger"
    assert payload(make_notice_event(what="run_arrived", level="good"))["event_action"] == "resolve"


def test_our_own_events_that_are_not_bad_page_nobody() -> None:
    assert payload(make_notice_event(what="project_silent", level="warning")) == {}


@pytest.mark.parametrize(
    "status",
    [Status.FAILED, Status.ERROR, Status.TIMEDOUT, Status.INFRASTRUCTURE_FAIL, Status.NO_TESTS],
)
def test_bad_results_trigger(status: Status) -> None:
    assert payload(make_event(status=status))["event_action"] == "trigger"


@pytest.mark.parametrize(
    "event",
    [
        make_event(status=Status.CANCELED),
        make_event(status=Status.UNKNOWN),
        make_event(status=Status.SUCCESS, change=Change.STILL_PASSING),
        make_event(status=Status.SUCCESS, change=Change.FIRST_SUCCESS),
    ],
    ids=["canceled", "unknown", "still passing", "first success"],
)
def test_other_results_page_nobody(event: Event) -> None:
    assert payload(event) == {}


def test_what_resolves_is_a_condition() -> None:
    good = make_event(status=Status.SUCCESS, change=Change.STILL_PASSING)

    assert payload(good, resolve_when="status == 'success' and branch == 'main'")["event_action"] == "resolve"


def test_a_bad_result_never_resolves() -> None:
    assert payload(make_broken(), resolve_when="branch == 'main'")["event_action"] == "trigger"


def test_the_last_result_of_each_workflow_counts() -> None:
    build = make_event(workflow=Workflow(name="build"))
    build_fixed = replace(build, status=Status.SUCCESS, change=Change.FIXED)
    deploy_fixed = replace(build_fixed, workflow=Workflow(name="deploy"))

    assert payload(build, build_fixed)["event_action"] == "resolve"
    assert payload(build_fixed, build)["event_action"] == "trigger"
    assert payload(build, deploy_fixed)["event_action"] == "trigger"


@pytest.mark.parametrize(
    ("level", "severity"),
    [(Level.BAD, "error"), (Level.WARNING, "warning"), (Level.INFO, "info"), (Level.GOOD, "info")],
)
def test_the_severity_is_the_messages_level(level: Level, severity: str) -> None:
    assert payload(message=Message(title="x", level=level))["payload"]["severity"] == severity


def test_the_severity_can_be_set() -> None:
    assert payload(severity="critical")["payload"]["severity"] == "critical"


def test_a_long_subject_is_shortened_and_still_tells_incidents_apart() -> None:
    one, other = (
        make().payload(Message(title="x"), make_outgoing(subject="b" * 10_000 + end))["dedup_key"]
        for end in "12"
    )

    assert (len(one), len(other)) == (DEDUP_KEY, DEDUP_KEY)
    assert one != other


def test_without_a_subject_the_event_names_the_incident() -> None:
    made = make().payload(Message(title="x"), make_outgoing())

    assert made["dedup_key"] == STATE


def test_everything_too_long_is_cut() -> None:
    long = "w" * 10_000
    message = Message(
        title=long,
        body=long,
        facts=tuple(Fact(name=f"{n} {long}", value=long) for n in range(500)),
        buttons=tuple(Button(text=long, url="https://example.com/" + "x" * 900) for _ in range(500)),
        footer=long,
    )

    made = payload(make_event(branch=long), message=message)

    assert len(made["payload"]["summary"]) == SUMMARY
    assert len(made["payload"]["group"]) == 255
    assert len(json.dumps(made)) < 100_000


@pytest.mark.parametrize(
    ("message", "summary"),
    [(Message(title="", fallback="broke"), "broke"), (Message(title=" "), "a result without a title")],
)
def test_a_summary_is_never_empty(message: Message, summary: str) -> None:
    assert payload(message=message)["payload"]["summary"] == summary


def test_a_template_of_ones_own_replaces_what_it_names() -> None:
    own = {"payload": {"severity": "critical", "custom_details": {"a": 1}}, "dedup_key": "x", "images": []}

    made = payload(message=Message(title="broke", override=own))

    assert (made["dedup_key"], made["images"]) == (STATE, [])
    assert (made["payload"]["summary"], made["payload"]["severity"]) == ("broke", "critical")
    assert made["payload"]["custom_details"] == {"a": 1}


def test_details_of_ones_own_that_are_too_long_are_left_out() -> None:
    own = {"payload": {"custom_details": {"log": "x" * MOST_BYTES}}}

    made = payload(message=Message(title="broke", override=own))

    assert made["payload"]["custom_details"] == {"message": "The details were too long for PagerDuty."}


def test_hostile_text_is_plain_text() -> None:
    hostile = "<!channel> [x](http://evil)\r\n@everyone\x1b[2J\u202e"
    event = make_event(branch=hostile, commit=make_commit(subject=hostile))

    made = payload(event, message=make_message(make(), event))

    assert made["payload"]["group"] == "<!channel> [x](http://evil) @everyone␛[2J\ufffd"
    assert "\n" not in made["payload"]["summary"]
    assert "\x1b" not in json.dumps(made, ensure_ascii=False)


# sending


def test_an_incident_is_opened_and_resolved(transport: Transport) -> None:
    with PagerDutyServer() as pagerduty:
        opened = send(transport, pagerduty.url)
        assert pagerduty.open_incidents() == [STATE]
        send(transport, pagerduty.url, FIXED)

    assert (opened.status, opened.receipt) == (202, {"dedup_key": STATE})
    assert pagerduty.open_incidents() == []


def test_the_same_incident_is_not_opened_twice(transport: Transport) -> None:
    with PagerDutyServer() as pagerduty:
        send(transport, pagerduty.url)
        send(transport, pagerduty.url)

    assert pagerduty.open_incidents() == [STATE]


def test_nothing_to_page_about_sends_nothing_and_says_so(transport: Transport) -> None:
    with Sink() as sink:
        answer = send(transport, sink.url, make_event(status=Status.CANCELED))

    assert answer == Answer(excerpt="nothing to page about: canceled")
    assert not sink.requests


def test_a_condition_that_cannot_be_told_is_refused_in_words(transport: Transport) -> None:
    with pytest.raises(DeliveryError, match="resolve_when: ") as caught:
        send(transport, "http://127.0.0.1:9", FIXED, resolve_when="number + branch == 3")

    assert (caught.value.permanent, caught.value.is_dead) == (True, False)


def test_a_bad_result_pages_even_when_the_condition_cannot_be_told(transport: Transport) -> None:
    with PagerDutyServer() as pagerduty:
        send(transport, pagerduty.url, resolve_when="number + branch == 3")

    assert pagerduty.open_incidents() == [STATE]


# answers


def test_a_wrong_key_ends_it(transport: Transport) -> None:
    with PagerDutyServer() as pagerduty, pytest.raises(DeliveryError) as caught:
        send(transport, pagerduty.url, routing_key="short-key")

    assert str(caught.value) == (
        "HTTP 400: PagerDuty says Event object is invalid: "
        "Length of 'routing_key' is incorrect (should be 32 characters) (check `routing_key`)"
    )
    assert caught.value.is_dead


def test_an_event_that_is_refused_for_what_it_says_is_not_the_end(transport: Transport) -> None:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'summary' is blank"]}

    error = refused(transport, Play(status=400, body=json.dumps(body).encode()))

    assert str(error) == "HTTP 400: PagerDuty says Event object is invalid: 'summary' is blank"
    assert (error.permanent, error.is_dead) == (True, False)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": "none"}'])
def test_a_refusal_without_words_is_permanent(transport: Transport, body: bytes) -> None:
    error = refused(transport, Play(status=400, body=body))

    assert str(error) == "HTTP 400: PagerDuty says the event is not valid"
    assert error.permanent


@pytest.mark.parametrize(("headers", "wait"), [({}, 60.0), ({"Retry-After": "30"}, 30.0)])
def test_too_many_events_wait(transport: Transport, headers: dict[str, str], wait: float) -> None:
    error = refused(transport, Play(status=429, headers=headers))

    assert (error.permanent, error.retry_after) == (False, wait)


@pytest.mark.parametrize(
    ("status", "permanent", "is_dead"),
    [(500, False, False), (503, False, False), (404, True, True), (403, True, True), (413, True, False)],
)
def test_other_answers(transport: Transport, status: int, permanent: bool, is_dead: bool) -> None:
    error = refused(transport, Play(status=status))

    assert (error.permanent, error.is_dead) == (permanent, is_dead)


def test_the_key_is_in_no_error(transport: Transport) -> None:
    error = refused(transport, Play(status=400, body=json.dumps({"message": f"bad {KEY}"}).encode()))

    assert KEY not in str(error) + error.excerpt + repr(make())


# configuration


def test_what_belongs_to_one_branch_and_workflow_stays_in_order() -> None:
    assert make().conversation is Conversation.STATE


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"routing_key": ""}, "routing_key is missing or empty"),
        ({"api_url": "http://events.example.com"}, "api_url has to begin with https://"),
        ({"resolve_when": "chnge == 'fixed'"}, "resolve_when: `chnge` is not a field, did you mean change?"),
        ({"resolve_when": "{{ change }}"}, "resolve_when: a condition is one expression, without {{ }}"),
        ({"severity": "loud"}, "Input should be 'critical', 'error', 'warning' or 'info'"),
        ({"style": "thread"}, "cannot answer in threads"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**options)

    assert problem in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("is_silent", "severity"), [(True, "info"), (False, "critical")], ids=["silent", "not silent"]
)
def test_a_silent_incident_is_of_the_least_severity(is_silent: bool, severity: str) -> None:
    pager = PagerDuty.model_validate({"routing_key": "k", "severity": "critical"})

    payload = pager.payload(make_message(pager), make_outgoing(is_silent=is_silent))

    assert payload["payload"]["severity"] == severity
