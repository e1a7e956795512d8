"""The generic webhook: body, signature, and where it may go."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Build
from relay.notifiers.webhook import MOST_EVENTS, Webhook, event_fields
from relay.secret import Secret
from relay.signature import verify_standard
from relay.transport import Transport
from tests.factories import NOON, make_commit, make_event
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

KEY = Secret("whsec_c2VjcmV0LW9mLXRoZS1hdWRpdC1sb2c=")


def make(sink: Sink, **more: Any) -> Webhook:
    return Webhook.model_validate({"url": f"{sink.url}/ci", "allow_private": True, **more})


def test_the_body_in_full() -> None:
    webhook, event = Webhook(url=Secret("https://audit.example.com/ci")), make_broken()

    payload = webhook.payload(make_message(webhook), make_outgoing())

    assert payload == {
        "type": "relay.notification",
        "timestamp": "2026-11-23T12:00:00+00:00",
        "data": {
            "reason": {"route": "trunk-broke", "change": "broke"},
            "message": {
                "title": "🔴 api / build-and-deploy broke on main",
                "body": f"Fix <!channel> & login ({event.commit.url}) by Alice Archer\n"
                "- Run tests exit code 2",
                "url": event.url,
                "level": "bad",
            },
            "events": [event_fields(event)],
        },
    }


def test_an_event_is_told_by_the_names_of_its_fields() -> None:
    told = json.loads(json.dumps(event_fields(make_event(build=Build(parameters={"deploy": True})))))

    assert told["id"] == "3888f21b-eaa7-38e3-8f3d-75a63bba8895"
    assert told["event"] == "workflow"
    assert told["status"] == "failed"
    assert told["project"]["slug"] == "gh/acme/api"
    assert told["commit"]["author"].keys() == {"name", "email", "login"}
    assert told["build"]["parameters"] == {"deploy": True}
    assert told["finished_at"] == "2026-11-23T12:00:00+00:00"
    assert told["tag"] is None
    assert told["notes"] == {}


def test_what_was_fetched_stands_by_its_name_and_what_actions_found_in_the_notes() -> None:
    fetched = {
        "failed_jobs": [{"name": "test", "number": 7, "status": "failed", "url": None, "first_error": None}],
        "failed_tests": [{"name": "opens", "classname": "Door", "file": None, "message": "shut"}],
        "artifacts": [{"path": "a.xml", "url": "https://ci.example/a.xml"}],
        "log": "no door",
    }
    learned = {
        "actions": {"again": {"type": "retry", "text": "ran it again", "url": None}},
        "coverage": 81.5,
        "enrichment_problem": "CircleCI was slow",
    }

    told = json.loads(json.dumps(event_fields(make_event(notes={**fetched, **learned}))))

    assert {name: told[name] for name in fetched} == fetched
    assert told["notes"] == learned


def test_what_was_not_fetched_is_left_out() -> None:
    assert {"failed_jobs", "failed_tests", "artifacts", "log"} & event_fields(make_event()).keys() == set()


def test_a_classic_build_has_our_own_id() -> None:
    event = make_event(source_id=None)

    assert event_fields(event)["id"] == event.id


def test_it_is_sent_signed(transport: Transport) -> None:
    with Sink() as sink:
        webhook = make(sink, sign_with=KEY, headers={"X-Team": "platform"})
        webhook.send(make_message(webhook), make_outgoing(), transport)
    request = sink.requests[0]
    headers = {name.lower(): value for name, value in request.headers.items()}

    assert verify_standard(headers, request.body, [KEY], NOON.timestamp())
    assert headers["webhook-id"] == "01kaqz000000000000delivery"
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-team"] == "platform"
    assert request.json()["type"] == "relay.notification"


def test_the_id_is_the_same_on_every_attempt(transport: Transport) -> None:
    with Sink(Play(status=503)) as sink:
        webhook = make(sink)
        with pytest.raises(DeliveryError):
            webhook.send(make_message(webhook), make_outgoing(), transport)
        webhook.send(make_message(webhook), make_outgoing(attempt=2), transport)

    assert [request.headers["webhook-id"] for request in sink.requests] == ["01kaqz000000000000delivery"] * 2


def test_without_a_key_nothing_is_signed(transport: Transport) -> None:
    with Sink() as sink:
        webhook = make(sink)
        webhook.send(make_message(webhook), make_outgoing(), transport)

    assert "webhook-signature" not in sink.requests[0].headers


@pytest.mark.parametrize(
    ("status", "message", "permanent"),
    [
        (410, "HTTP 410: gone for good", True),
        (404, "HTTP 404: no such address", True),
        (301, "HTTP 301: redirects are not followed", True),
        (500, "HTTP 500: the other side failed", False),
    ],
)
def test_answers_decide_whether_to_try_again(
    transport: Transport, status: int, message: str, permanent: bool
) -> None:
    with Sink(Play(status=status)) as sink:
        webhook = make(sink)
        with pytest.raises(DeliveryError) as caught:
            webhook.send(make_message(webhook), make_outgoing(), transport)

    assert (str(caught.value), caught.value.permanent) == (message, permanent)


def test_a_private_address_is_refused_unless_allowed(transport: Transport) -> None:
    webhook = Webhook(url=Secret("https://127.0.0.1/ci"))

    with pytest.raises(DeliveryError, match="a private address; set allow_private") as caught:
        webhook.send(make_message(webhook), make_outgoing(), transport)

    assert caught.value.permanent


def test_secrets_the_receiver_repeats_are_masked(transport: Transport) -> None:
    with Sink(Play(status=400, body=b"bad key k-12345678 for " + KEY.reveal().encode())) as sink:
        webhook = make(sink, sign_with=KEY, headers={"X-Key": "k-12345678"})
        with pytest.raises(DeliveryError) as caught:
            webhook.send(make_message(webhook), make_outgoing(), transport)

    assert caught.value.excerpt == "bad key *** for ***"


def test_of_many_events_the_first_are_told_and_the_others_counted() -> None:
    webhook = Webhook(url=Secret("https://audit.example.com/ci"))
    events = (make_event(),) * 150

    data = webhook.payload(make_message(webhook), make_outgoing(events=events))["data"]

    assert (len(data["events"]), data["more_events"]) == (MOST_EVENTS, 50)


def test_what_an_account_only_counts_is_counted() -> None:
    webhook = Webhook(url=Secret("https://audit.example.com/ci"))
    outgoing = make_outgoing(events=(make_event(),), more_events=40)

    assert webhook.payload(make_message(webhook), outgoing)["data"]["more_events"] == 40


def test_text_that_is_no_unicode_can_be_sent(transport: Transport) -> None:
    event = replace(make_broken(), commit=make_commit(subject="half \ud800", body="x" * 10_000))
    with Sink() as sink:
        webhook = make(sink)
        webhook.send(make_message(webhook, event), make_outgoing(events=(event,)), transport)

    assert sink.requests[0].json()["data"]["events"][0]["commit"]["subject"] == "half ?"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "http://audit.example.com/s3cret"}, "url has to begin with https://"),
        ({"url": "ftp://audit.example.com/s3cret", "allow_private": True}, "url has to begin with https://"),
        ({"headers": {"Bad Name": "x"}}, "headers.Bad Name cannot be set"),
        ({"headers": {"webhook-id": "x"}}, "headers.webhook-id cannot be set"),
        ({"headers": {"Content-Length": "0"}}, "headers.Content-Length cannot be set"),
        (
            {"headers": {"X-Key": "s3cret\r\nX: y"}},
            "headers.X-Key holds characters that a header cannot have",
        ),
        ({"sign_with": "whsec_s3cret!"}, "Value error"),
    ],
)
def test_wrong_options_are_refused_without_telling_secrets(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Webhook.model_validate({"url": "https://audit.example.com/ci", **options})

    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)
