"""Slack: the payload, its limits, and what its answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Answer, Button, Fact, Level, Message
from relay.notifiers.slack import (
    BUTTON_TEXT,
    FIELD_TEXT,
    MOST_BLOCKS,
    MOST_FIELDS,
    SECTION_TEXT,
    Slack,
)
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

BOTH = "write either webhook, or token and channel, not both"
TOKEN = "xoxb-not-a-real-token"
WEBHOOK = "https://hooks.example.com/services/T0/B0/not-a-real-hook"
ALICE = PersonSpec(key="alice", ids={"slack": "U012ABCDE"})
TEAM = PersonSpec(key="platform-team", ids={"slack_group": "S0PLATFRM"})
BOB = PersonSpec(key="bob", ids={"discord": "80351110224678912"})


def by_webhook(**more: Any) -> Slack:
    return Slack.model_validate({"webhook": WEBHOOK, **more})


def by_token(url: str) -> Slack:
    return Slack.model_validate({"token": TOKEN, "channel": "#ci", "api_url": url, "allow_private": True})


def send_by_token(transport: Transport, *plays: Play) -> Answer:
    with Sink(*plays) as sink:
        slack = by_token(sink.url)
        return slack.send(make_message(slack), make_outgoing(), transport)


def said(**body: Any) -> Play:
    return Play(headers={"Content-Type": "application/json"}, body=json.dumps(body).encode())


# the payload


def test_the_payload_in_full() -> None:
    event, slack = make_broken(), by_webhook()
    outgoing = make_outgoing(mentions=(ALICE, TEAM, BOB))

    assert slack.payload(make_message(slack), outgoing) == {
        "text": f"*<{event.url}|🔴 api / build-and-deploy broke on main>* <@U012ABCDE> <!subteam^S0PLATFRM>",
        "attachments": [
            {
                "color": "#e01e5a",
                "blocks": [
                    {
                        "type": "section",
                        "text": {
                            "type": "mrkdwn",
                            "text": f"<{event.commit.url}|Fix &lt;!channel&gt; &amp; login> by Alice Archer\n"
                            "- `Run tests` exit code 2",
                            "verbatim": True,
                        },
                    },
                    {
                        "type": "section",
                        "fields": [
                            {"type": "mrkdwn", "text": "*Pipeline*\n#7812", "verbatim": True},
                            {"type": "mrkdwn", "text": "*Took*\n4 min 12 s", "verbatim": True},
                            {"type": "mrkdwn", "text": "*Commit*\n`a1b2c3d`", "verbatim": True},
                        ],
                    },
                    {
                        "type": "actions",
                        "elements": [
                            {
                                "type": "button",
                                "text": {"type": "plain_text", "text": "Open in CircleCI", "emoji": False},
                                "url": event.url,
                            },
                            {
                                "type": "button",
                                "text": {"type": "plain_text", "text": "Commit", "emoji": False},
                                "url": event.commit.url,
                            },
                        ],
                    },
                    {
                        "type": "context",
                        "elements": [
                            {
                                "type": "mrkdwn",
                                "text": "route trunk-broke · "
                                f"<https://relay.example.com/events/{event.id}|event {event.id}>",
                                "verbatim": True,
                            }
                        ],
                    },
                ],
            }
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_with_a_token_the_channel_is_named() -> None:
    slack = by_token("https://slack.example.com/api")

    assert slack.payload(make_message(slack), make_outgoing())["channel"] == "#ci"


def test_a_message_without_anything_but_a_title_has_no_blocks() -> None:
    payload = by_webhook().payload(Message(title="hello"), make_outgoing())

    assert (payload["text"], payload["attachments"]) == ("*hello*", [])


def test_blocks_of_ones_own_replace_ours() -> None:
    message = Message(title="hello", override=[{"type": "divider"}] * 60)

    payload = by_webhook().payload(message, make_outgoing())

    assert payload["text"] == "*hello*"
    assert payload["blocks"] == [{"type": "divider"}] * MOST_BLOCKS
    assert "attachments" not in payload


def test_a_body_of_ones_own_cannot_change_the_channel() -> None:
    message = Message(title="hello", override={"text": "own", "channel": "#general"})

    payload = by_token("https://slack.example.com/api").payload(message, make_outgoing())

    assert (payload["text"], payload["channel"]) == ("own", "#ci")


def test_everything_too_long_is_cut_to_slacks_limits() -> None:
    long = "&amp;" * 10_000
    message = Message(
        title=long,
        body=long,
        facts=tuple(Fact(name=long, value=long) for _ in range(30)),
        buttons=tuple(Button(text=long, url="https://example.com/" + "x" * 900) for _ in range(30)),
        footer=long,
        url="https://example.com/",
        level=Level.WARNING,
    )

    payload = by_webhook().payload(message, make_outgoing(mentions=(ALICE,) * 200))
    body, fields, actions, _ = payload["attachments"][0]["blocks"]

    assert len(payload["text"]) < 4000
    assert len(body["text"]["text"]) <= SECTION_TEXT
    assert len(fields["fields"]) == MOST_FIELDS
    assert all(len(each["text"]) <= FIELD_TEXT for each in fields["fields"])
    assert all(len(each["text"]["text"]) <= BUTTON_TEXT for each in actions["elements"])
    assert len(json.dumps(payload["attachments"][0]["blocks"])) < 13_200
    assert "&am…" not in json.dumps(payload, ensure_ascii=False)


def test_a_stranger_cannot_ping_link_or_leave_a_link() -> None:
    slack = by_webhook()
    hostile = "<!channel> <https://evil.example.com|Sign in> | > @here"
    event = replace(make_broken(), branch=hostile, commit=make_commit(subject=hostile))

    text = json.dumps(slack.payload(make_message(slack, event), make_outgoing()))

    assert "<!" not in text
    assert "<https://evil" not in text


# sending


def test_a_webhook_is_posted_to(transport: Transport) -> None:
    with Sink() as sink:
        slack = Slack.model_validate({"webhook": f"{sink.url}/services/x", "allow_private": True})
        answer = slack.send(make_message(slack), make_outgoing(), transport)

    assert answer == Answer(status=200, excerpt="ok")
    assert sink.requests[0].path == "/services/x"
    assert sink.requests[0].json() == slack.payload(make_message(slack), make_outgoing())
    assert "Authorization" not in sink.requests[0].headers


def test_the_api_is_called_with_the_token_and_the_receipt_kept(transport: Transport) -> None:
    with Sink(said(ok=True, ts="1795.0001", channel="C0CI", message={"text": "x" * 3000})) as sink:
        slack = by_token(sink.url)
        answer = slack.send(make_message(slack), make_outgoing(), transport)

    assert answer.receipt == {"ts": "1795.0001", "channel": "C0CI"}
    assert sink.requests[0].path == "/chat.postMessage"
    assert sink.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "channel_not_found",
            "HTTP 200: Slack says channel_not_found (check `channel`; a private one has to invite the app)",
        ),
        ("invalid_auth", "HTTP 200: Slack says invalid_auth (check `token`)"),
        ("token_revoked", "HTTP 200: Slack says token_revoked (renew `token`)"),
        ("account_inactive", "HTTP 200: Slack says account_inactive (the token's user or workspace is gone)"),
        ("not_in_channel", "HTTP 200: Slack says not_in_channel (invite the app to the channel)"),
        ("is_archived", "HTTP 200: Slack says is_archived (the channel is archived)"),
        ("missing_scope", "HTTP 200: Slack says missing_scope (give the app the scope chat:write)"),
        ("msg_blocks_too_long", "HTTP 200: Slack says msg_blocks_too_long"),
        ("invalid_blocks", "HTTP 200: Slack says invalid_blocks"),
    ],
)  # fmt: skip
def test_an_error_that_will_stay_is_permanent(transport: Transport, code: str, message: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        send_by_token(transport, said(ok=False, error=code))

    assert (str(caught.value), caught.value.permanent) == (message, True)


@pytest.mark.parametrize(
    "code",
    [
        "ratelimited",
        "rate_limited",
        "fatal_error",
        "internal_error",
        "service_unavailable",
        "request_timeout",
    ],
)
def test_an_error_that_may_pass_is_temporary(transport: Transport, code: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        send_by_token(transport, said(ok=False, error=code))

    assert not caught.value.permanent


def test_too_many_requests_waits_as_long_as_slack_says(transport: Transport) -> None:
    play = Play(status=429, headers={"Retry-After": "30"}, body=b'{"ok": false, "error": "ratelimited"}')

    with pytest.raises(DeliveryError) as caught:
        send_by_token(transport, play)

    assert (caught.value.permanent, caught.value.retry_after) == (False, 30.0)


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"", b"[]", b'"ok"'])
def test_an_answer_that_is_not_slacks_is_temporary(transport: Transport, body: bytes) -> None:
    with pytest.raises(DeliveryError, match="Slack's answer is not JSON") as caught:
        send_by_token(transport, Play(body=body))

    assert not caught.value.permanent


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (404, b"no_service", True),
        (404, b"channel_not_found", True),
        (410, b"channel_is_archived", True),
        (403, b"action_prohibited", True),
        (400, b"invalid_token", True),
        (400, b"invalid_payload", True),
        (500, b"rollup_error", False),
        (503, b"", False),
    ],
)
def test_answers_of_a_webhook(transport: Transport, status: int, body: bytes, permanent: bool) -> None:
    with Sink(Play(status=status, body=body)) as sink:
        slack = Slack.model_validate({"webhook": f"{sink.url}/services/x", "allow_private": True})
        with pytest.raises(DeliveryError) as caught:
            slack.send(make_message(slack), make_outgoing(), transport)

    assert (caught.value.permanent, caught.value.excerpt) == (permanent, body.decode())


def test_the_token_is_masked_when_slack_repeats_it(transport: Transport) -> None:
    with pytest.raises(DeliveryError) as caught:
        send_by_token(transport, said(ok=False, error=f"bad {TOKEN}"))

    assert TOKEN not in str(caught.value) + caught.value.excerpt


# configuration


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "webhook, or token and channel is missing or empty"),
        ({"webhook": ""}, "webhook, or token and channel is missing or empty"),
        ({"token": TOKEN}, "channel is missing or empty"),
        ({"channel": "#ci"}, "token is missing or empty"),
        ({"webhook": WEBHOOK, "token": TOKEN, "channel": "#ci"}, BOTH),
        ({"webhook": WEBHOOK, "channel": "#ci"}, BOTH),
        ({"webhook": "http://hooks.example.com/x"}, "webhook has to begin with https://"),
        ({"token": TOKEN, "channel": "#ci", "api_url": "http://x"}, "api_url has to begin with https://"),
    ],
)  # fmt: skip
def test_one_way_to_post_is_wanted(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Slack.model_validate(options)

    assert problem in str(caught.value)
    assert "not-a-real" not in str(caught.value)
