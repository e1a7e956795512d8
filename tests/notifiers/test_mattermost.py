"""Mattermost: the payload, its limits, edits, threads and direct messages, and what its answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Button, Fact, Message
from relay.notifiers.mattermost import ATTACHMENTS, Mattermost
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit, make_event
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

SECRET = "not-a-real-webhook-of-ours"
TOKEN = "not-a-real-token-of-a-bot"
WEBHOOK = f"https://chat.example.com/hooks/{SECRET}"
CHANNEL = "c" * 26
ALICE = PersonSpec(key="alice", ids={"mattermost": "alice"})
TEAM = PersonSpec(key="platform-team", ids={"mattermost": "@platform"})
BOB = PersonSpec(key="bob", ids={"slack": "U045FGHIJ"})
CARD = {"id": "root", "channel_id": CHANNEL}
MARKUP = MARKUPS["mattermost"]


def by_webhook(**more: Any) -> Mattermost:
    return Mattermost.model_validate({"url": WEBHOOK, **more})


def by_token(url: str = "https://chat.example.com", **more: Any) -> Mattermost:
    options = {"url": url, "token": TOKEN, "channel": CHANNEL, "allow_private": True}
    return Mattermost.model_validate({**options, **more})


def said(status: int = 201, **body: Any) -> Play:
    return Play(status=status, body=json.dumps(body).encode())


def refused(status: int, id: str) -> Play:
    return said(status, id=id, message="Words.", detailed_error="", status_code=status)


def send_by_webhook(transport: Transport, *plays: Play) -> Answer:
    with Sink(*plays) as sink:
        mattermost = Mattermost.model_validate({"url": f"{sink.url}/hooks/{SECRET}", "allow_private": True})
        return mattermost.send(make_message(mattermost), make_outgoing(), transport)


def send_by_token(transport: Transport, *plays: Play, style: str = "post", **outgoing: Any) -> Answer:
    with Sink(*plays) as sink:
        mattermost = by_token(sink.url, style=style)
        return mattermost.send(make_message(mattermost), make_outgoing(**outgoing), transport)


def verdict(error: DeliveryError) -> str:
    return "dead" if error.is_dead else "permanent" if error.permanent else "temporary"


# the payload


def test_the_payload_of_a_webhook_in_full() -> None:
    event, mattermost = make_broken(), by_webhook()
    outgoing = make_outgoing(mentions=(ALICE, TEAM, BOB))

    assert mattermost.payload(make_message(mattermost), outgoing) == {
        "text": f"**[🔴 api / build-and-deploy broke on main]({event.url})** @alice @platform",
        "attachments": [
            {
                "color": "#e01e5a",
                "text": f"[Fix &lt;!channel&gt; &amp; login]({event.commit.url}) by Alice Archer\n"
                "- `Run tests` exit code 2",
                "fields": [
                    {"title": "Pipeline", "value": "\\#7812", "short": True},
                    {"title": "Took", "value": "4 min 12 s", "short": True},
                    {"title": "Commit", "value": "`a1b2c3d`", "short": True},
                    {
                        "title": "",
                        "value": f"[Open in CircleCI]({event.url}) · [Commit]({event.commit.url})\n"
                        "route trunk-broke · "
                        f"[event {event.id}](https://relay.example.com/events/{event.id})",
                        "short": False,
                    },
                ],
            }
        ],
    }


def test_a_post_has_the_same_content() -> None:
    webhook, bot = by_webhook(), by_token()
    content = webhook.payload(make_message(webhook), make_outgoing())

    assert bot.payload(make_message(bot), make_outgoing()) == {
        "channel_id": CHANNEL,
        "message": content["text"],
        "props": {"attachments": content["attachments"]},
    }


def test_a_message_without_anything_but_a_title_has_no_attachment() -> None:
    assert by_webhook().payload(Message(title="hello"), make_outgoing()) == {
        "text": "**hello**",
        "attachments": [],
    }


@pytest.mark.parametrize("override", [[{"text": "own"}], {"attachments": [{"text": "own"}]}])
def test_attachments_of_ones_own_replace_ours(override: Any) -> None:
    message = Message(title="hello", override=override)

    assert by_webhook().payload(message, make_outgoing()) == {
        "text": "**hello**",
        "attachments": [{"text": "own"}],
    }


def test_a_body_of_ones_own_cannot_change_the_channel() -> None:
    message = Message(title="hello", override={"text": "own", "channel_id": "x", "props": {"card": "more"}})

    assert by_token().payload(message, make_outgoing()) == {
        "message": "own",
        "props": {"card": "more", "attachments": []},
        "channel_id": CHANNEL,
    }


@pytest.mark.parametrize("long", ["\\*" * 5000, '"' * 10_000, "&amp;" * 2000, "😀" * 10_000])
def test_everything_too_long_is_cut_to_mattermosts_limits(long: str) -> None:
    message = Message(
        title=long,
        body=long,
        facts=tuple(Fact(name=long, value=long) for _ in range(40)),
        buttons=tuple(Button(text=long, url="https://example.com/" + "x" * 700) for _ in range(30)),
        footer=long,
        url="https://example.com/" + "x" * 10_000,
    )

    payload = by_webhook().payload(message, make_outgoing(mentions=(ALICE,) * 200))
    (attachment,) = payload["attachments"]

    assert len(payload["text"]) < 1000
    assert len(json.dumps(attachment, ensure_ascii=False)) < ATTACHMENTS + 100
    assert attachment["fields"][-2]["value"].startswith("… and ")
    assert "&am…" not in json.dumps(payload, ensure_ascii=False)


def test_five_hundred_lines_are_counted_within_the_limits() -> None:
    mattermost = by_webhook()
    events = tuple(replace(make_broken(), id=f"e{n}") for n in range(500))

    (attachment,) = mattermost.payload(make_message(mattermost, *events), make_outgoing(events=events))[
        "attachments"
    ]

    assert len(attachment["text"]) <= 3000
    assert "… and " in attachment["text"]


# what strangers write


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("@channel @all @here", "@\u200bchannel @\u200ball @\u200bhere"),
        ("<!channel> <@U012ABCDE>", "&lt;!channel&gt; &lt;@\u200bU012ABCDE&gt;"),
        ("&#64;channel", "&amp;\\#64;channel"),
        ("[x](http://evil.example.com)", "&#91;x&#93;(http://evil.example.com)"),
        ("<http://evil.example.com|x>", "&lt;http://evil.example.com\\|x&gt;"),
        ("~town-square #tag", "\\~town-square \\#tag"),
        ("*a* __b__ `c`", "\\*a\\* \\_\\_b\\_\\_ \\`c\\`"),
        ("C:\\Users\\bob \\_ \\", "C:\\Users\\bob \\\\\\_ \\\\"),
        ("- a\n+ b\n1. c\n2) d\n> e", "\\- a\n\\+ b\n1\\. c\n2\\) d\n&gt; e"),
        ("title\n===", "title\n\u200b==="),
        ("f(x) fix-login 1.2 = 3", "f(x) fix-login 1.2 = 3"),
        ("a\u202eb\x1b[2J", "a\ufffdb␛&#91;2J"),
    ],
)
def test_what_strangers_write_stays_text(text: str, written: str) -> None:
    assert MARKUP.text(text) == written


def test_code_cannot_be_left_and_calls_nobody() -> None:
    assert MARKUP.code("`<!channel> @all") == "`'<\u200b!channel> @\u200ball`"
    assert MARKUP.code_block("```\n<!here>") == "```\n`\u200b`\u200b`\n<\u200b!here>\n```"


def test_an_address_cannot_end_the_bold_around_it_or_mention() -> None:
    said = MARKUP.bold(MARKUP.link("x", "https://example.com/**/@all"))

    assert said == "**[x](https://example.com/%2A%2A/%40all)**"


@pytest.mark.parametrize(
    ("text", "limit", "kept"), [("ab &#91;x", 8, "ab…"), ("ab &#91;x", 9, "ab &#91;x"), ("a\\_b", 3, "a…")]
)
def test_a_cut_leaves_references_and_escapes_whole(text: str, limit: int, kept: str) -> None:
    assert MARKUP.cut(text, limit) == kept


def test_a_stranger_cannot_ping_link_or_leave_the_title() -> None:
    mattermost = by_webhook()
    hostile = "@channel <!here> [x](http://evil.example.com)\n# big\u202e"
    event = make_event(branch=hostile, commit=make_commit(subject=hostile, body=hostile))

    payload = mattermost.payload(make_message(mattermost, event), make_outgoing(events=(event,)))
    everything = json.dumps(payload, ensure_ascii=False)

    assert "@channel" not in everything
    assert "<!" not in everything
    assert "[x](" not in everything
    assert "\u202e" not in everything
    assert "\n" not in payload["text"]


# edits and threads


def test_a_webhook_is_posted_to(transport: Transport) -> None:
    with Sink() as sink:
        mattermost = Mattermost.model_validate({"url": f"{sink.url}/hooks/x", "allow_private": True})
        answer = mattermost.send(make_message(mattermost), make_outgoing(), transport)

    assert answer == Answer(status=200, excerpt="ok")
    assert sink.requests[0].json() == mattermost.payload(make_message(mattermost), make_outgoing())
    assert "Authorization" not in sink.requests[0].headers


def test_a_post_is_made_with_the_token_and_its_receipt_kept(transport: Transport) -> None:
    with Sink(said(id="p1", channel_id=CHANNEL, message="x" * 3000)) as sink:
        mattermost = by_token(f"{sink.url}/chat/")
        answer = mattermost.send(make_message(mattermost), make_outgoing(), transport)

    assert answer.receipt == {"id": "p1", "channel_id": CHANNEL}
    assert (sink.requests[0].method, sink.requests[0].path) == ("POST", "/chat/api/v4/posts")
    assert sink.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_card_is_edited_in_place(transport: Transport) -> None:
    with Sink(said(200, **CARD)) as sink:
        mattermost = by_token(sink.url, style="update")
        answer = mattermost.send(make_message(mattermost), make_outgoing(card=CARD), transport)

    assert answer.receipt == CARD
    assert [(each.method, each.path) for each in sink.requests] == [("PUT", "/api/v4/posts/root/patch")]
    assert set(sink.requests[0].json()) == {"message", "props"}


@pytest.mark.parametrize(
    ("status", "id"),
    [
        (400, "api.post.update_post.permissions_time_limit.app_error"),
        (400, "api.post.update_post.permissions_details.app_error"),
        (403, "api.context.permissions.app_error"),
        (404, "app.post.get.app_error"),
    ],
)
def test_a_card_that_cannot_be_edited_is_posted_anew(transport: Transport, status: int, id: str) -> None:
    with Sink(refused(status, id), said(id="p2", channel_id=CHANNEL)) as sink:
        mattermost = by_token(sink.url, style="update")
        answer = mattermost.send(make_message(mattermost), make_outgoing(card=CARD), transport)

    assert answer.receipt == {"id": "p2", "channel_id": CHANNEL}
    assert [each.method for each in sink.requests] == ["PUT", "POST"]
    assert sink.requests[1].json()["channel_id"] == CHANNEL


def test_an_edit_that_is_refused_is_not_posted_anew(transport: Transport) -> None:
    play = refused(400, "model.post.is_valid.message_length.app_error")

    with pytest.raises(DeliveryError, match="message_length") as caught:
        send_by_token(transport, play, style="update", card=CARD)

    assert verdict(caught.value) == "permanent"


def test_a_thread_goes_on_below_its_root(transport: Transport) -> None:
    with Sink(said(id="p1", channel_id=CHANNEL), said(id="p2", channel_id=CHANNEL, root_id="p1")) as sink:
        mattermost = by_token(sink.url, style="thread")
        message = make_message(mattermost)
        first = mattermost.send(message, make_outgoing(), transport)
        second = mattermost.send(message, make_outgoing(card=first.receipt), transport)

    assert first.receipt == second.receipt == {"id": "p1", "channel_id": CHANNEL}
    assert [each.json().get("root_id") for each in sink.requests] == [None, "p1"]


def test_a_thread_whose_root_is_gone_is_begun_anew(transport: Transport) -> None:
    plays = refused(400, "api.post.create_post.root_id.app_error"), said(id="p2", channel_id=CHANNEL)

    answer = send_by_token(transport, *plays, style="thread", card=CARD)

    assert answer.receipt == {"id": "p2", "channel_id": CHANNEL}


def test_what_can_be_done_hangs_on_the_token() -> None:
    bot, hook = by_token(), by_webhook(style="update")

    assert (bot.can_edit, bot.can_thread, bot.address_of(ALICE)) == (True, True, "alice")
    assert (hook.can_edit, hook.can_thread, hook.address_of(ALICE)) == (False, False, None)
    assert bot.address_of(BOB) is None


# direct messages


def test_a_direct_message_goes_through_a_channel_of_two(transport: Transport) -> None:
    plays = said(200, id="bot"), said(200, id="u1"), said(id="dm1"), said(id="p3", channel_id="dm1")
    with Sink(*plays) as sink:
        mattermost = by_token(sink.url)
        answer = mattermost.send(make_message(mattermost), make_outgoing(direct=ALICE), transport)

    assert answer.receipt == {"id": "p3", "channel_id": "dm1"}
    assert [(each.method, each.path) for each in sink.requests] == [
        ("GET", "/api/v4/users/me"),
        ("GET", "/api/v4/users/username/alice"),
        ("POST", "/api/v4/channels/direct"),
        ("POST", "/api/v4/posts"),
    ]
    assert sink.requests[2].json() == ["bot", "u1"]
    assert sink.requests[3].json()["channel_id"] == "dm1"


def test_a_direct_card_is_edited_without_looking_anybody_up(transport: Transport) -> None:
    with Sink(said(200, id="p3", channel_id="dm1")) as sink:
        mattermost = by_token(sink.url, style="update")
        outgoing = make_outgoing(direct=ALICE, card={"id": "p3", "channel_id": "dm1"})
        mattermost.send(make_message(mattermost), outgoing, transport)

    assert [each.path for each in sink.requests] == ["/api/v4/posts/p3/patch"]


def test_a_name_cannot_lead_elsewhere(transport: Transport) -> None:
    with Sink(said(200, id="bot"), refused(404, "app.user.missing_account.const")) as sink:
        mattermost = by_token(sink.url)
        person = PersonSpec(key="eve", ids={"mattermost": "../../posts?x"})
        with pytest.raises(DeliveryError):
            mattermost.send(make_message(mattermost), make_outgoing(direct=person), transport)

    assert sink.requests[1].path == "/api/v4/users/username/..%2F..%2Fposts%3Fx"


def test_a_person_who_is_not_there_does_not_shut_the_place(transport: Transport) -> None:
    plays = said(200, id="bot"), refused(404, "app.user.missing_account.const")

    with pytest.raises(DeliveryError) as caught:
        send_by_token(transport, *plays, direct=ALICE)

    assert str(caught.value) == (
        "HTTP 404: Mattermost says app.user.missing_account.const "
        "(check `mattermost` of the person under `people`)"
    )
    assert verdict(caught.value) == "permanent"


def test_a_token_that_does_not_count_shuts_the_place_for_everybody(transport: Transport) -> None:
    with pytest.raises(DeliveryError) as caught:
        send_by_token(transport, refused(401, "api.context.session_expired.app_error"), direct=ALICE)

    assert verdict(caught.value) == "dead"


# errors


@pytest.mark.parametrize(
    ("status", "id", "remedy"),
    [
        (401, "api.context.session_expired.app_error", "check `token`"),
        (403, "api.context.permissions.app_error", "add the bot to the team and to the channel"),
        (404, "app.channel.get.existing.app_error", "the channel is gone; check `channel`"),
        (400, "api.post.create_post.can_not_post_to_deleted.error", "the channel is archived"),
    ],
)
def test_a_place_that_is_shut_comes_with_what_to_do(
    transport: Transport, status: int, id: str, remedy: str
) -> None:
    with pytest.raises(DeliveryError) as caught:
        send_by_token(transport, refused(status, id))

    assert str(caught.value) == f"HTTP {status}: Mattermost says {id} ({remedy})"
    assert verdict(caught.value) == "dead"


@pytest.mark.parametrize(
    ("status", "word", "remedy"),
    [
        (400, "invalid", "the webhook is gone; make a new one"),
        (501, "disabled", "an administrator turned incoming webhooks off"),
        (404, "channel", "the webhook's channel is gone"),
        (403, "channel_locked", "the webhook is locked to another channel"),
        (403, "permissions", "the webhook's owner may not post in the channel"),
        (403, "user", "the webhook's owner is gone"),
    ],
)
def test_a_webhook_that_is_shut_comes_with_what_to_do(
    transport: Transport, status: int, word: str, remedy: str
) -> None:
    id = f"web.incoming_webhook.{word}.app_error"

    with pytest.raises(DeliveryError) as caught:
        send_by_webhook(transport, refused(status, id))

    assert str(caught.value) == f"HTTP {status}: Mattermost says {id} ({remedy})"
    assert verdict(caught.value) == "dead"


@pytest.mark.parametrize(
    ("play", "meaning"),
    [
        (refused(400, "web.incoming_webhook.text.app_error"), "permanent"),
        (refused(400, "web.incoming_webhook.split_props_length.app_error"), "permanent"),
        (refused(413, "api.context.request_body_too_large.app_error"), "permanent"),
        (refused(500, "api.post.create_webhook_post.creating.app_error"), "temporary"),
        (Play(status=404, body=b"<html>"), "dead"),
        (Play(status=429, body=b"limit exceeded"), "temporary"),
        (Play(status=502, body=b"<html>"), "temporary"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.status),
)
def test_what_other_errors_mean(transport: Transport, play: Play, meaning: str) -> None:
    for send in (send_by_webhook, send_by_token):
        with pytest.raises(DeliveryError) as caught:
            send(transport, play)

        assert verdict(caught.value) == meaning


def test_too_many_requests_waits_as_long_as_mattermost_says(transport: Transport) -> None:
    play = Play(status=429, headers={"Retry-After": "3", "X-RateLimit-Reset": "1"}, body=b"limit exceeded")

    with pytest.raises(DeliveryError) as caught:
        send_by_webhook(transport, play)

    assert (caught.value.permanent, caught.value.retry_after) == (False, 3.0)


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"", b"[]", b"{}"])
def test_an_answer_that_is_not_mattermosts_is_temporary(transport: Transport, body: bytes) -> None:
    with pytest.raises(DeliveryError, match="Mattermost's answer has no id") as caught:
        send_by_token(transport, Play(body=body))

    assert verdict(caught.value) == "temporary"


def test_secrets_are_masked_when_mattermost_repeats_them(transport: Transport) -> None:
    for send, secret in ((send_by_webhook, SECRET), (send_by_token, TOKEN)):
        with pytest.raises(DeliveryError) as caught:
            send(transport, refused(400, f"bad {secret}"))

        assert secret not in str(caught.value) + caught.value.excerpt


# configuration


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "http://chat.example.com/hooks/x"}, "url has to begin with https://"),
        ({"token": TOKEN}, "channel is missing or empty"),
        ({"channel": CHANNEL}, "token is missing or empty"),
        ({"token": "", "channel": CHANNEL}, "token is missing or empty"),
        ({"token": TOKEN, "channel": "town-square"}, "channel is a channel's id, 26 letters and digits"),
        ({"token": TOKEN, "channel": CHANNEL, "url": WEBHOOK}, "url is the server's address and not a"),
        ({"style": "thread"}, "style: thread needs token and channel; an incoming webhook cannot answer"),
    ],
)
def test_one_way_to_post_is_wanted(options: dict[str, str], problem: str) -> None:
    url = WEBHOOK if "token" not in options else "https://chat.example.com"

    with pytest.raises(ValidationError) as caught:
        Mattermost.model_validate({"url": url, **options})

    assert problem in str(caught.value)
    assert "not-a-real" not in str(caught.value)


def test_what_explain_tells_has_no_secret() -> None:
    bot, hook = by_token(), by_webhook()

    assert (bot.remarks(), hook.remarks()) == ((f"channel {CHANNEL}",), ("incoming webhook",))
    assert SECRET not in repr(hook) + hook.destination()
    assert TOKEN not in repr(bot) + bot.destination()
