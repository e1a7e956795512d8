"""Discord: the payload, its limits, edits and threads, and what its answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.markup.room import utf16_units
from relay.model import Answer, Button, Fact, Message
from relay.notifiers.discord import ALL_TEXT, FIELD_TEXT, MOST_FIELDS, TITLE, Discord
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit, make_event
from tests.fakes.sink import Play, Request, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

SECRET = "not-a-real-token-of-a-webhook"
WEBHOOK = f"https://discord.example.com/api/webhooks/7001/{SECRET}"
ALICE = PersonSpec(key="alice", ids={"discord": "80351110224678912"})
TEAM = PersonSpec(key="platform-team", ids={"discord_role": "165511591545143296"})
BOB = PersonSpec(key="bob", ids={"slack": "U045FGHIJ"})
CARD = {"id": "11", "channel_id": "500"}
MARKUP = MARKUPS["discord"]


def discord(url: str = "", **more: Any) -> Discord:
    address = f"{url}/api/webhooks/7001/{SECRET}" if url else WEBHOOK
    return Discord.model_validate({"url": address, "allow_private": True, **more})


def posted(id: str = "12", channel_id: str = "500") -> Play:
    return Play(body=json.dumps({"id": id, "channel_id": channel_id, "content": ""}).encode())


def refused(status: int, code: int, message: str = "Words", **more: Any) -> Play:
    return Play(status=status, body=json.dumps({"message": message, "code": code, **more}).encode())


def send(transport: Transport, *plays: Play, card: dict[str, str] | None = None, **more: Any) -> Answer:
    with Sink(*plays) as sink:
        notifier = discord(sink.url, **more)
        return notifier.send(make_message(notifier), make_outgoing(card=card or {}), transport)


def sent(
    transport: Transport, *plays: Play, card: dict[str, str], **more: Any
) -> tuple[Answer, list[Request]]:
    with Sink(*plays) as sink:
        notifier = discord(sink.url, **more)
        answer = notifier.send(make_message(notifier), make_outgoing(card=card), transport)
        return answer, sink.requests


def path(rest: str) -> str:
    return f"/api/webhooks/7001/{SECRET}{rest}"


# the payload


def test_the_payload_in_full() -> None:
    event, notifier = make_broken(), discord()
    outgoing = make_outgoing(mentions=(ALICE, TEAM, BOB, ALICE))

    assert notifier.payload(make_message(notifier), outgoing) == {
        "content": "<@80351110224678912> <@&165511591545143296>",
        "embeds": [
            {
                "title": "🔴 api / build-and-deploy broke on main",
                "url": event.url,
                "description": f"[Fix \\<\\!channel\\> \\& login]({event.commit.url}) by Alice Archer\n"
                "- `Run tests` exit code 2",
                "color": 0xE01E5A,
                "fields": [
                    {"name": "Pipeline", "value": "\\#7812", "inline": True},
                    {"name": "Took", "value": "4 min 12 s", "inline": True},
                    {"name": "Commit", "value": "`a1b2c3d`", "inline": True},
                    {
                        "name": "\u200b",
                        "value": f"[Open in CircleCI]({event.url}) · [Commit]({event.commit.url})\n"
                        f"-# route trunk-broke · "
                        f"[event {event.id}](https://relay.example.com/events/{event.id})",
                        "inline": False,
                    },
                ],
            }
        ],
        "allowed_mentions": {
            "parse": [],
            "users": ["80351110224678912"],
            "roles": ["165511591545143296"],
        },
    }


def test_a_message_without_anything_but_a_title_is_an_embed_with_a_title() -> None:
    payload = discord().payload(Message(title="hello"), make_outgoing())

    assert payload["embeds"] == [{"title": "hello", "color": 0x868686}]


def test_nobody_may_be_called_who_was_not_named() -> None:
    payload = discord().payload(Message(title="@everyone"), make_outgoing(mentions=(BOB,)))

    assert payload["content"] == ""
    assert payload["allowed_mentions"] == {"parse": [], "users": [], "roles": []}


@pytest.mark.parametrize("id", ["alice", "12 34", "<@1>", "١٢٣", ""])
def test_an_id_that_is_no_number_calls_nobody(id: str) -> None:
    person = PersonSpec(key="alice", ids={"discord": id})

    assert discord().mention(person) == ""


def test_embeds_of_ones_own_replace_ours() -> None:
    message = Message(title="hello", override=[{"title": "own"}] * 12)

    payload = discord().payload(message, make_outgoing())

    assert payload["embeds"] == [{"title": "own"}] * 10


def test_a_body_of_ones_own_cannot_call_everybody() -> None:
    message = Message(title="hello", override={"content": "own", "allowed_mentions": {"parse": ["everyone"]}})

    payload = discord().payload(message, make_outgoing(mentions=(ALICE,)))

    assert payload == {
        "content": "own",
        "allowed_mentions": {"parse": [], "users": ["80351110224678912"], "roles": []},
    }


@pytest.mark.parametrize("long", ["\\*" * 5000, "😀" * 10_000, "x" * 10_000])
def test_everything_too_long_is_cut_to_discords_limits(long: str) -> None:
    message = Message(
        title=long,
        body=long,
        facts=tuple(Fact(name=long, value=long) for _ in range(40)),
        buttons=tuple(Button(text=long, url="https://example.com/" + "x" * 900) for _ in range(30)),
        footer=long,
        url="https://example.com/" + "x" * 10_000,
    )

    (embed,) = discord().payload(message, make_outgoing(mentions=(ALICE,) * 200))["embeds"]
    texts = [text for each in embed["fields"] for text in (each["name"], each["value"])]

    assert utf16_units(embed["title"]) <= TITLE
    assert embed["title"].startswith(long[:2])
    assert "url" not in embed
    assert all(utf16_units(text) <= FIELD_TEXT for text in texts)
    assert sum(map(utf16_units, (embed["title"], embed["description"], *texts))) <= ALL_TEXT
    assert any(text.startswith("… and ") for text in texts)


@pytest.mark.parametrize(("count", "last"), [(24, "Fact 23"), (25, "\u200b"), (400, "\u200b")])
def test_more_facts_than_fields_are_counted(count: int, last: str) -> None:
    message = Message(title="t", facts=tuple(Fact(name=f"Fact {n}", value="v") for n in range(count)))

    (embed,) = discord().payload(replace(message, footer="f"), make_outgoing())["embeds"]

    assert len(embed["fields"]) <= MOST_FIELDS
    assert embed["fields"][-2]["name"] == last


def test_a_fact_without_a_value_is_left_out() -> None:
    message = Message(title="t", facts=(Fact(name="a", value=" "), Fact(name="", value="b")))

    assert discord().payload(message, make_outgoing())["embeds"] == [{"title": "t", "color": 0x868686}]


def test_five_hundred_lines_are_counted_within_the_limits() -> None:
    notifier = discord()
    events = tuple(replace(make_broken(), id=f"e{n}") for n in range(500))

    (embed,) = notifier.payload(make_message(notifier, *events), make_outgoing(events=events))["embeds"]

    assert utf16_units(embed["description"]) <= 4096
    assert "… and " in embed["description"]


# what strangers write


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@everyone @here", "@\u200beveryone @\u200bhere"),
        ("<@80351110224678912> <@&1> <#2>", "\\<@\u200b80351110224678912\\> \\<@\u200b\\&1\\> \\<\\#2\\>"),
        ("<:x:1> <t:0:R> </ban:2>", "\\<:x:1\\> \\<t:0:R\\> \\</ban:2\\>"),
        ("[x](http://evil.example.com)", "\\[x\\]\\(http://evil.example.com\\)"),
        ("||spoiler|| ~~gone~~", "\\|\\|spoiler\\|\\| \\~\\~gone\\~\\~"),
        ("-# small\n> quote\n# title", "\\-\\# small\n\\> quote\n\\# title"),
        ("```\ncode", "\\`\\`\\`\ncode"),
        ("a\u202eb\x1b[2J", "a\ufffdb␛\\[2J"),
    ],
)
def test_what_strangers_write_stays_text(text: str, said: str) -> None:
    assert MARKUP.text(text) == said


def test_a_stranger_cannot_ping_link_or_leave_the_title() -> None:
    notifier = discord(style="thread", thread_name="{title}")
    hostile = "@everyone <@&1> [x](http://evil.example.com)\n# big\u202e"
    event = make_event(branch=hostile, commit=make_commit(subject=hostile, body=hostile))

    payload = notifier.payload(make_message(notifier, event), make_outgoing(events=(event,)))
    (embed,) = payload["embeds"]

    assert payload["allowed_mentions"] == {"parse": [], "users": [], "roles": []}
    assert payload["content"] == ""
    assert "@everyone" not in embed["title"] + embed["description"]
    assert "[x](" not in embed["title"] + embed["description"]
    assert "\n" not in embed["title"] + payload["thread_name"]
    assert "\u202e" not in json.dumps(payload, ensure_ascii=False)


def test_an_address_cannot_end_the_bold_around_it() -> None:
    assert MARKUP.bold(MARKUP.link("x", "https://example.com/**")) == "**[x](https://example.com/%2A%2A)**"


@pytest.mark.parametrize(
    ("text", "limit", "said"),
    [
        ("😀😀😀", 6, "😀😀😀"),
        ("😀😀😀", 5, "😀…"),
        ("ab \\* cd", 5, "ab…"),
        ("abc", 0, ""),
    ],
)
def test_a_cut_counts_as_javascript_does(text: str, limit: int, said: str) -> None:
    assert MARKUP.cut(text, limit) == said


# edits and threads


def test_a_post_waits_for_its_id(transport: Transport) -> None:
    answer, requests = sent(transport, posted(), card={})

    assert answer.receipt == {"id": "12", "channel_id": "500"}
    assert [(each.method, each.path) for each in requests] == [("POST", path("?wait=true"))]
    assert "thread_name" not in requests[0].json()


def test_a_card_is_edited_in_place(transport: Transport) -> None:
    answer, requests = sent(transport, posted("11"), card=CARD, style="update")

    assert answer.receipt == CARD
    assert [(each.method, each.path) for each in requests] == [("PATCH", path("/messages/11"))]


@pytest.mark.parametrize(("status", "code"), [(404, 10008), (429, 30046), (403, 50005), (404, 10003)])
def test_a_card_that_cannot_be_edited_is_posted_anew(transport: Transport, status: int, code: int) -> None:
    answer, requests = sent(transport, refused(status, code), posted(), card=CARD, style="update")

    assert answer.receipt == {"id": "12", "channel_id": "500"}
    assert [each.method for each in requests] == ["PATCH", "POST"]


def test_an_edit_with_the_webhook_gone_is_not_posted_anew(transport: Transport) -> None:
    with pytest.raises(DeliveryError, match="10015") as caught:
        send(transport, refused(404, 10015), card=CARD, style="update")

    assert caught.value.is_dead


def test_a_thread_of_ones_own_is_posted_into(transport: Transport) -> None:
    answer, requests = sent(transport, posted(), card=CARD, style="thread", thread_id="900")

    assert answer.receipt == CARD
    assert [(each.method, each.path) for each in requests] == [("POST", path("?wait=true&thread_id=900"))]


def test_a_card_in_a_thread_is_edited_there(transport: Transport) -> None:
    _, requests = sent(transport, posted("11"), card=CARD, style="update", thread_id="900")

    assert requests[0].path == path("/messages/11?thread_id=900")


def test_a_forum_post_is_named_and_gone_on_with(transport: Transport) -> None:
    with Sink(posted("21", "600"), posted("22", "600")) as sink:
        notifier = discord(sink.url, style="thread", thread_name="CI: {title}")
        message = make_message(notifier)
        first = notifier.send(message, make_outgoing(), transport)
        second = notifier.send(message, make_outgoing(card=first.receipt), transport)

    assert first.receipt == second.receipt == {"id": "21", "channel_id": "600"}
    assert sink.requests[0].json()["thread_name"] == "CI: 🔴 api / build-and-deploy broke on main"
    assert sink.requests[1].path == path("?wait=true&thread_id=600")
    assert "thread_name" not in sink.requests[1].json()


def test_a_forum_post_that_is_gone_is_begun_anew(transport: Transport) -> None:
    options = {"style": "thread", "thread_name": "CI"}
    answer, requests = sent(transport, refused(404, 10003), posted("31", "700"), card=CARD, **options)

    assert answer.receipt == {"id": "31", "channel_id": "700"}
    assert (requests[1].path, requests[1].json()["thread_name"]) == (path("?wait=true"), "CI")


def test_a_forum_posts_name_fits() -> None:
    notifier = discord(thread_name="{title}")

    payload = notifier.payload(Message(title="t", fallback="x" * 10_000), make_outgoing())

    assert payload["thread_name"] == "x" * 99 + "…"


def test_a_thread_in_the_address_is_kept(transport: Transport) -> None:
    with Sink(posted()) as sink:
        notifier = Discord.model_validate({"url": f"{sink.url}/api/x?thread_id=5", "allow_private": True})
        notifier.send(make_message(notifier), make_outgoing(), transport)

    assert sink.requests[0].path == "/api/x?thread_id=5&wait=true"


def test_nobody_is_written_to_alone() -> None:
    assert discord().address_of(ALICE) is None


# errors


def verdict(error: DeliveryError) -> str:
    return "dead" if error.is_dead else "permanent" if error.permanent else "temporary"


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (404, 10015, "the webhook is gone; make a new one"),
        (401, 50027, "copy the webhook's address again"),
        (404, 10003, "the channel or thread is gone; check `thread_id`"),
        (400, 220001, "a forum channel needs `thread_name` or `thread_id`"),
        (400, 220003, "leave `thread_name` out; only forum channels take it"),
    ],
)
def test_a_place_that_is_shut_comes_with_what_to_do(
    transport: Transport, status: int, code: int, remedy: str
) -> None:
    with pytest.raises(DeliveryError) as caught:
        send(transport, refused(status, code, "Unknown"))

    assert str(caught.value) == f"HTTP {status}: Discord says {code} Unknown ({remedy})"
    assert verdict(caught.value) == "dead"


@pytest.mark.parametrize(
    ("play", "said", "meaning"),
    [
        (refused(403, 50013, "Missing Permissions"), "Discord says 50013 Missing Permissions", "dead"),
        (refused(401, 0, "401: Unauthorized"), "not authorized", "dead"),
        (Play(status=404, body=b"<html>"), "no such address", "dead"),
        (refused(400, 50035, "Invalid\nForm Body"), "Discord says 50035 Invalid Form Body", "permanent"),
        (refused(400, 50006), "Discord says 50006 Words", "permanent"),
        (refused(403, 240000), "Discord says 240000 Words", "permanent"),
        (refused(400, 200000), "Discord says 200000 Words", "permanent"),
        (Play(status=413), "too large", "permanent"),
        (refused(429, 20016), "Discord says 20016 Words", "temporary"),
        (Play(status=500), "the other side failed", "temporary"),
        (Play(status=502, body=b"<html>"), "the other side failed", "temporary"),
        (Play(body=b"<html>"), "Discord's answer is not a message", "temporary"),
        (Play(body=b"[]"), "Discord's answer is not a message", "temporary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_other_errors_mean(transport: Transport, play: Play, said: str, meaning: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        send(transport, play)

    assert str(caught.value).removeprefix(f"HTTP {play.status}: ") == said
    assert verdict(caught.value) == meaning


def test_too_many_requests_waits_for_a_part_of_a_second(transport: Transport) -> None:
    body = json.dumps({"message": "You are being rate limited.", "retry_after": 0.468, "global": False})

    with pytest.raises(DeliveryError) as caught:
        send(transport, Play(status=429, body=body.encode()))

    assert (caught.value.permanent, caught.value.retry_after) == (False, 0.468)


def test_the_token_is_masked_when_discord_repeats_it(transport: Transport) -> None:
    with pytest.raises(DeliveryError) as caught:
        send(transport, refused(404, 10015, f"no {SECRET}"), card={})

    assert SECRET not in str(caught.value) + caught.value.excerpt


# configuration


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "http://discord.example.com/x"}, "url has to begin with https://"),
        ({"url": f"{WEBHOOK}/slack"}, "leave /slack or /github off the end of url"),
        ({"url": WEBHOOK, "thread_id": "1", "thread_name": "x"}, "either thread_id or thread_name"),
        ({"url": WEBHOOK, "style": "thread"}, "style: thread needs thread_id, or in a forum channel"),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Discord.model_validate(options)

    assert problem in str(caught.value)
    assert SECRET not in str(caught.value)


def test_what_explain_tells_has_no_secret() -> None:
    plain, thread, forum = discord(), discord(thread_id="900"), discord(thread_name="CI")

    assert (plain.remarks(), thread.remarks(), forum.remarks()) == ((), ("thread 900",), ("forum posts",))
    assert SECRET not in repr(plain) + plain.destination()
    assert plain.destination() != thread.destination()


@pytest.mark.parametrize(
    ("outgoing", "options", "flags"),
    [
        ({"is_silent": True}, {}, 4096),
        ({}, {}, None),
        ({"is_silent": True, "card": CARD}, {"style": "update"}, None),
    ],
    ids=["silent", "not silent", "an edit, which rings nobody"],
)
def test_a_silent_message_suppresses_notifications(
    outgoing: dict[str, Any], options: dict[str, Any], flags: int | None
) -> None:
    discord = Discord.model_validate({"url": "https://discord.com/api/webhooks/1/x", **options})

    payload = discord.payload(make_message(discord), make_outgoing(**outgoing))

    assert payload.get("flags") == flags


def test_a_silent_message_keeps_the_flags_of_its_template() -> None:
    discord = Discord.model_validate({"url": "https://discord.com/api/webhooks/1/x"})
    message = replace(make_message(discord), override={"content": "x", "flags": 4})

    assert discord.payload(message, make_outgoing(is_silent=True))["flags"] == 4100
