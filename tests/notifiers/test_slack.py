"""Slack: the payload, its limits, and what its answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Answer, Button, Fact, Level, Message
from relay.notifiers.slack import (
    ALL_BLOCKS,
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
CARD = {"ts": "1795.0001", "channel": "C0CI"}
POSTED = {"ok": True, "ts": "1795.0002", "channel": "C0CI"}
BOB = PersonSpec(key="bob", ids={"discord": "80351110224678912"})


def by_webhook(**more: Any) -> Slack:
    return Slack.model_validate({"webhook": WEBHOOK, **more})


def by_token(url: str, **more: Any) -> Slack:
    options = {"token": TOKEN, "channel": "#ci", "api_url": url, "allow_private": True}
    return Slack.model_validate({**options, **more})


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
    assert fields["fields"][-1]["text"] == "… and 21 more"
    assert "&am…" not in json.dumps(payload, ensure_ascii=False)


def test_a_stranger_cannot_ping_link_or_leave_a_link() -> None:
    slack = by_webhook()
    hostile = "<!channel> <https://evil.example.com|Sign in> | > @here"
    event = replace(make_broken(), branch=hostile, commit=make_commit(subject=hostile))

    text = json.dumps(slack.payload(make_message(slack, event), make_outgoing()))

    assert "<!" not in text
    assert "<https://evil" not in text


def test_facts_make_room_for_a_body_that_grows_in_json() -> None:
    message = Message(
        title="t",
        body='"' * 3000,
        facts=tuple(Fact(name=f"Fact {n}", value='"' * 300) for n in range(10)),
        buttons=tuple(Button(text="Open", url="https://example.com/" + "x" * 900) for _ in range(4)),
    )

    blocks = by_webhook().payload(message, make_outgoing())["attachments"][0]["blocks"]

    assert len(json.dumps(blocks, ensure_ascii=False)) <= ALL_BLOCKS
    assert [each["text"] for each in blocks[1]["fields"]][-1] == "… and 6 more"


def test_a_title_without_a_short_address_is_no_link() -> None:
    message = Message(title="hello", url="https://example.com/" + "x" * 10_000)

    assert by_webhook().payload(message, make_outgoing())["text"] == "*hello*"


def test_line_breaks_stay_out_of_one_line_texts() -> None:
    message = Message(
        title="two\nlines",
        facts=(Fact(name="a\nb", value="c"),),
        buttons=(Button(text="d\ne", url="https://example.com/"),),
    )

    payload = by_webhook().payload(message, make_outgoing())
    fields, actions = payload["attachments"][0]["blocks"]

    assert payload["text"] == "*two lines*"
    assert fields["fields"][0]["text"] == "*a b*\nc"
    assert actions["elements"][0]["text"]["text"] == "d e"


def test_control_characters_and_turned_text_are_shown_as_such() -> None:
    slack = by_webhook()
    event = replace(make_broken(), branch="a\x1b[2J\u202eb\x00")

    assert "a␛[2J\ufffdb␀" in slack.payload(make_message(slack, event), make_outgoing())["text"]


# edits, threads, direct messages


def test_a_card_is_edited_in_place(transport: Transport) -> None:
    with Sink(said(ok=True, **CARD)) as sink:
        slack = by_token(sink.url, style="update")
        answer = slack.send(make_message(slack), make_outgoing(card=CARD), transport)

    assert answer.receipt == CARD
    assert [each.path for each in sink.requests] == ["/chat.update"]
    assert sink.requests[0].json() == slack.payload(make_message(slack), make_outgoing(card=CARD))
    assert {"channel": "C0CI", "ts": "1795.0001"}.items() <= sink.requests[0].json().items()


def test_an_edit_takes_away_what_the_new_message_has_not() -> None:
    slack = by_token("https://slack.example.com", style="update")

    payload = slack.payload(Message(title="hello"), make_outgoing(card=CARD))

    assert payload == {
        "text": "*hello*",
        "blocks": [],
        "attachments": [],
        "channel": "C0CI",
        "ts": "1795.0001",
    }


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed"])
def test_a_card_that_cannot_be_edited_is_posted_anew(transport: Transport, code: str) -> None:
    with Sink(said(ok=False, error=code), said(**POSTED)) as sink:
        slack = by_token(sink.url, style="update")
        answer = slack.send(make_message(slack), make_outgoing(card=CARD), transport)

    assert answer.receipt == {"ts": "1795.0002", "channel": "C0CI"}
    assert [each.path for each in sink.requests] == ["/chat.update", "/chat.postMessage"]
    assert sink.requests[1].json() == slack.payload(make_message(slack), make_outgoing())


def test_an_edit_that_is_refused_is_not_posted_anew(transport: Transport) -> None:
    with Sink(said(ok=False, error="msg_blocks_too_long")) as sink:
        slack = by_token(sink.url, style="update")
        with pytest.raises(DeliveryError, match="msg_blocks_too_long") as caught:
            slack.send(make_message(slack), make_outgoing(card=CARD), transport)

    assert (len(sink.requests), caught.value.permanent, caught.value.is_dead) == (1, True, False)


def test_a_first_message_has_its_own_receipt(transport: Transport) -> None:
    with Sink(said(**POSTED)) as sink:
        slack = by_token(sink.url, style="thread")
        answer = slack.send(make_message(slack), make_outgoing(), transport)

    assert answer.receipt == {"ts": "1795.0002", "channel": "C0CI"}
    assert "thread_ts" not in sink.requests[0].json()


def test_a_thread_goes_on_below_its_root(transport: Transport) -> None:
    with Sink(said(**POSTED)) as sink:
        slack = by_token(sink.url, style="thread")
        answer = slack.send(make_message(slack), make_outgoing(card=CARD), transport)

    assert answer.receipt == CARD
    assert sink.requests[0].path == "/chat.postMessage"
    assert {"channel": "C0CI", "thread_ts": "1795.0001"}.items() <= sink.requests[0].json().items()


def test_a_thread_that_takes_no_answers_is_begun_anew(transport: Transport) -> None:
    with Sink(said(ok=False, error="cannot_reply_to_message"), said(**POSTED)) as sink:
        slack = by_token(sink.url, style="thread")
        answer = slack.send(make_message(slack), make_outgoing(card=CARD), transport)

    assert answer.receipt == {"ts": "1795.0002", "channel": "C0CI"}
    assert "thread_ts" not in sink.requests[1].json()


@pytest.mark.parametrize("card", [CARD, {"ts": "1795.0001"}, {"id": "of another service"}])
def test_a_card_that_is_of_no_use_is_left_alone(card: dict[str, str]) -> None:
    slack = by_token("https://slack.example.com", style="post" if card == CARD else "update")

    payload = slack.payload(make_message(slack), make_outgoing(card=card))

    assert payload == slack.payload(make_message(slack), make_outgoing())


def test_what_can_be_done_hangs_on_the_token() -> None:
    bot, hook = by_token("https://slack.example.com"), by_webhook(style="update")

    assert (bot.can_edit, bot.can_thread, bot.address_of(ALICE)) == (True, True, "U012ABCDE")
    assert (hook.can_edit, hook.can_thread, hook.address_of(ALICE)) == (False, False, None)
    assert bot.address_of(BOB) is None


def test_a_direct_message_goes_to_the_member(transport: Transport) -> None:
    with Sink(said(ok=True, ts="1795.0003", channel="D0ALICE")) as sink:
        slack = by_token(sink.url)
        answer = slack.send(make_message(slack), make_outgoing(direct=ALICE), transport)

    assert sink.requests[0].json()["channel"] == "U012ABCDE"
    assert answer.receipt == {"ts": "1795.0003", "channel": "D0ALICE"}


def test_a_direct_card_is_edited_where_it_is() -> None:
    slack = by_token("https://slack.example.com", style="update")
    card = {"ts": "1795.0003", "channel": "D0ALICE"}

    assert slack.payload(make_message(slack), make_outgoing(direct=ALICE, card=card))["channel"] == "D0ALICE"


@pytest.mark.parametrize(
    ("code", "is_dead"),
    [
        ("channel_not_found", False),
        ("user_not_found", False),
        ("is_archived", False),
        ("token_revoked", True),
    ],
)
def test_a_person_who_cannot_be_reached_does_not_shut_the_place(
    transport: Transport, code: str, is_dead: bool
) -> None:
    with Sink(said(ok=False, error=code)) as sink:
        slack = by_token(sink.url)
        with pytest.raises(DeliveryError) as caught:
            slack.send(make_message(slack), make_outgoing(direct=ALICE), transport)

    assert (caught.value.permanent, caught.value.is_dead) == (True, is_dead)


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
    assert caught.value.is_dead is ("(" in message)  # a remedy: nothing gets through before


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
    ("status", "body", "permanent", "is_dead"),
    [
        (404, b"no_service", True, True),
        (404, b"no_active_hooks", True, True),
        (404, b"no_team", True, True),
        (404, b"channel_not_found", True, True),
        (410, b"channel_is_archived", True, True),
        (403, b"action_prohibited", True, True),
        (403, b"posting_to_general_channel_denied", True, True),
        (403, b"invalid_token", True, True),
        (400, b"invalid_token", True, True),
        (400, b"invalid_payload", True, False),
        (400, b"no_text", True, False),
        (400, b"too_many_attachments", True, False),
        (429, b"", False, False),
        (500, b"rollup_error", False, False),
        (503, b"", False, False),
    ],
)  # fmt: skip
def test_answers_of_a_webhook(
    transport: Transport, status: int, body: bytes, permanent: bool, is_dead: bool
) -> None:
    with Sink(Play(status=status, body=body)) as sink:
        slack = Slack.model_validate({"webhook": f"{sink.url}/services/x", "allow_private": True})
        with pytest.raises(DeliveryError) as caught:
            slack.send(make_message(slack), make_outgoing(), transport)

    assert (caught.value.permanent, caught.value.is_dead) == (permanent, is_dead)
    assert caught.value.excerpt == body.decode()


def test_a_webhook_that_is_gone_says_what_to_do(transport: Transport) -> None:
    with Sink(Play(status=404, body=b"no_service")) as sink:
        slack = Slack.model_validate({"webhook": f"{sink.url}/services/x", "allow_private": True})
        with pytest.raises(DeliveryError, match=r"^HTTP 404: Slack says no_service \(make a new webhook\)$"):
            slack.send(make_message(slack), make_outgoing(), transport)


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
        ({"webhook": WEBHOOK, "style": "thread"}, "style: thread needs token and channel"),
        ({"webhook": "http://hooks.example.com/x"}, "webhook has to begin with https://"),
        ({"token": TOKEN, "channel": "#ci", "api_url": "http://x"}, "api_url has to begin with https://"),
    ],
)  # fmt: skip
def test_one_way_to_post_is_wanted(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Slack.model_validate(options)

    assert problem in str(caught.value)
    assert "not-a-real" not in str(caught.value)
