"""Zulip: the text and the topic, edits, direct messages, limits, and what the answers mean."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Button, Job, Message, Workflow
from relay.notifiers.zulip import MOST_BYTES, TOPIC, Zulip
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_project
from tests.fakes.sink import Play, Request, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing
from tests.notifiers.strangers import EVIL, make_endless, make_hostile

TOKEN = "not-a-real-api-key"
EMAIL = "relay-bot@acme.example.com"
BASIC = b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
ALICE = PersonSpec(
    key="alice", emails=("*+alice@example.com", "alice@example.com"), ids={"zulip": "Alice Archer"}
)
CAROL = PersonSpec(key="carol", ids={"zulip": "Carol Cook|42"})
BOB = PersonSpec(key="bob", emails=("bob@example.com",))
CARD = {"id": "7"}


def make_zulip(**more: Any) -> Zulip:
    options = {"url": "https://acme.zulip.example.com", "email": EMAIL, "token": TOKEN, "channel": "ci"}
    return Zulip.model_validate({**options, **more})


def posted(number: int = 7) -> Play:
    return Play(body=json.dumps({"result": "success", "msg": "", "id": number}).encode())


EDITED = Play(body=b'{"result": "success", "msg": ""}')


def refused(msg: str, code: str = "BAD_REQUEST", status: int = 400, **headers: str) -> Play:
    body = json.dumps({"result": "error", "msg": msg, "code": code}).encode()
    return Play(status=status, body=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def send(
    transport: Transport, *plays: Play, outgoing: dict[str, Any] | None = None, **options: Any
) -> tuple[Answer, list[Request]]:
    with Sink(*plays) as sink:
        zulip = make_zulip(url=f"{sink.url}/", allow_private=True, **options)
        answer = zulip.send(make_message(zulip), make_outgoing(**outgoing or {}), transport)
    return answer, sink.requests


def refusal(transport: Transport, *plays: Play, **more: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        send(transport, *plays, **more)
    return caught.value


def form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


# the payload


def test_the_payload_in_full() -> None:
    event, zulip = make_broken(), make_zulip()

    assert zulip.payload(make_message(zulip), make_outgoing(mentions=(ALICE, CAROL, BOB))) == {
        "type": "stream",
        "to": '"ci"',
        "topic": "api / main",
        "content": f"**[🔴 api / build-and-deploy broke on main]({event.url})**"
        " @**Alice Archer** @**Carol Cook|42**\n"
        f"[Fix &#60;&#33;channel&#62; &#38; login]({event.commit.url}) by Alice Archer\n"
        "- `Run tests` exit code 2\n"
        "\n"
        "**Pipeline** &#35;7812 · **Took** 4 min 12 s · **Commit** `a1b2c3d`\n"
        f"[Open in CircleCI]({event.url}) · [Commit]({event.commit.url})\n"
        f"route trunk-broke · [event {event.id}](https://relay.example.com/events/{event.id})",
    }


def test_a_message_without_anything_but_a_title_is_its_title() -> None:
    assert make_zulip().payload(Message(title="hello"), make_outgoing())["content"] == "**hello**"


def test_a_body_of_ones_own_cannot_change_the_channel() -> None:
    message = Message(title="hello", override={"content": "own", "topic": "mine", "to": "general"})

    payload = make_zulip().payload(message, make_outgoing())

    assert payload == {"type": "stream", "to": '"ci"', "topic": "mine", "content": "own"}


def test_a_stranger_can_neither_ping_nor_link_nor_format() -> None:
    zulip, event = make_zulip(), make_hostile()
    payload = zulip.payload(make_message(zulip, event), make_outgoing(events=(event,), mentions=(ALICE,)))
    outside_code = re.sub("`[^`\n]*`", "", payload["content"])

    assert re.findall(r"@\W*\w+", outside_code) == ["@**Alice"]
    assert re.findall(r"\]\(([^)]*)\)", outside_code) == [
        event.url,
        event.commit.url,
        event.url,
        event.commit.url,
        f"https://relay.example.com/events/{event.id}",
    ]
    assert EVIL not in outside_code
    assert not re.search(r"(?m)#\*\*|\*b\*|~~|\$\$|```|:smile:|^#|^>", outside_code.replace("&#", ""))
    assert "@**" not in payload["content"].replace("@**Alice Archer**", "")
    assert not set("\x00\x1b\u202e\u2066\ud800") & set("".join(payload.values()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@**all**", "&#64;&#42;&#42;all&#42;&#42;"),
        ("@_**Bob Baker**", "&#64;_&#42;&#42;Bob Baker&#42;&#42;"),
        ("#**general**", "&#35;&#42;&#42;general&#42;&#42;"),
        ("/me waves", "&#47;me waves"),
        ("- item\n1. one\n2) two", "&#45; item\n1&#46; one\n2&#41; two"),
        (":smile: at 12: 30", "&#58;smile: at 12: 30"),
        ("evil.example.com", "evil&#46;example&#46;com"),
        ("fix-login, done. ok", "fix-login, done. ok"),
        ("&lt; &#64;", "&#38;lt; &#38;&#35;64;"),
        ("C:\\dir", "C&#58;&#92;dir"),
    ],
)
def test_text_is_shown_as_it_is(text: str, said: str) -> None:
    assert MARKUPS["zulip"].text(text) == said


def test_code_cannot_be_left_or_ping() -> None:
    markup = MARKUPS["zulip"]

    assert markup.code("a`b @**all**") == "`a'b @\u200b**all**`"
    assert markup.code_block("a\n```\n@**all**") == "```\na\n`\u200b`\u200b`\n@\u200b**all**\n```"


def test_an_address_cannot_ping() -> None:
    link = MARKUPS["zulip"].link("x", "https://x.example.com/,@**all**$$y$$")

    assert link == "[x](https://x.example.com/,%40%2A%2Aall%2A%2A%24%24y%24%24)"


@pytest.mark.parametrize(
    ("text", "limit", "said"),
    [
        ("ab &#42; cd", 7, "ab…"),
        ("ab &#42; cd", 9, "ab &#42;…"),
        ("see [here](https://x.example.com) now", 20, "see…"),
        ("```\nlong code in a fence\n```", 15, "```\nlong c\n```…"),
    ],
)
def test_a_cut_leaves_escapes_and_links_whole(text: str, limit: int, said: str) -> None:
    assert MARKUPS["zulip"].cut(text, limit) == said


@pytest.mark.parametrize("unit", ["x", "é", "🔴", "&#42;"])
def test_everything_too_long_is_cut_to_what_zulip_takes(unit: str) -> None:
    payload = make_zulip().payload(make_endless(unit), make_outgoing(mentions=(ALICE,) * 200))
    content = payload["content"]

    assert len(content.encode()) <= MOST_BYTES
    assert content.startswith(f"**[{unit}")
    assert "more\n- " in content
    assert " 499\n\n**" in content
    assert content.endswith(f"{unit}…")
    assert "&#4…" not in content


def test_a_link_that_is_too_long_is_left_out() -> None:
    long = "https://example.com/" + "x" * 10_000
    message = Message(title="hello", url=long, buttons=(Button(text="Open", url=long),))

    assert make_zulip().payload(message, make_outgoing())["content"] == "**hello**"


# the topic


@pytest.mark.parametrize(
    ("fields", "topic"),
    [
        ({"branch": "feature/login"}, "api / feature/login"),
        ({"branch": None, "tag": "v1.2.3"}, "api / v1.2.3"),
        ({"branch": None}, "api / no branch"),
        ({"project": make_project(name=None)}, "api / main"),
        ({"branch": "a\nb\tc"}, "api / a b c"),
        ({"branch": "{{ workflow }}"}, "api / {{ workflow }}"),
        ({"branch": "\u2714 done"}, "api /  done"),
        ({"branch": "http://evil.example.com"}, "api / http://\u200bevil.\u200bexample.\u200bcom"),
        ({"branch": "b" * 100}, "api / " + "b" * 39 + "…"),
        ({"branch": "b" * 100, "project": make_project(name="p" * 100)}, "p" * 39 + "… / " + "b" * 16 + "…"),
    ],
)
def test_a_branch_is_a_topic(fields: dict[str, Any], topic: str) -> None:
    event = replace(make_broken(), **fields)

    said = make_zulip().payload(Message(title="t"), make_outgoing(events=(event,)))["topic"]

    assert said == topic
    assert len(said) <= TOPIC


@pytest.mark.parametrize(
    ("template", "topic"),
    [
        ("builds", "builds"),
        ("{{workflow}} of {{ project }}", "build-and-deploy of api"),
        ("  {{ branch }}\n", "main"),
    ],
)
def test_a_topic_may_be_written(template: str, topic: str) -> None:
    assert make_zulip(topic=template).payload(Message(title="t"), make_outgoing())["topic"] == topic


def test_a_job_stands_for_its_missing_workflow() -> None:
    event = replace(make_broken(), workflow=Workflow(), job=Job(name="lint"))

    payload = make_zulip(topic="{{ workflow }}").payload(Message(title="t"), make_outgoing(events=(event,)))

    assert payload["topic"] == "lint"


# sending


def test_a_message_is_sent_as_a_form_and_its_receipt_kept(transport: Transport) -> None:
    answer, (request,) = send(transport, posted(number=8))
    zulip = make_zulip()

    assert answer.receipt == {"id": "8"}
    assert (request.method, request.path) == ("POST", "/api/v1/messages")
    assert request.headers["Authorization"] == f"Basic {BASIC}"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form(request) == zulip.payload(make_message(zulip), make_outgoing())


def test_update_edits_the_message_in_place(transport: Transport) -> None:
    answer, (request,) = send(transport, EDITED, style="update", outgoing={"card": CARD})

    assert answer.receipt == CARD
    assert (request.method, request.path) == ("PATCH", "/api/v1/messages/7")
    assert list(form(request)) == ["content"]


def test_the_first_message_of_an_update_is_sent(transport: Transport) -> None:
    answer, (request,) = send(transport, posted(), style="update")

    assert (answer.receipt, request.method) == (CARD, "POST")


@pytest.mark.parametrize(
    "words",
    [
        "Invalid message(s)",
        "The time limit for editing this message has passed",
        "You don't have permission to edit this message",
        "Your organization has turned off message editing",
    ],
)
def test_a_message_that_can_no_longer_be_edited_is_replaced(transport: Transport, words: str) -> None:
    answer, requests = send(transport, refused(words), posted(9), style="update", outgoing={"card": CARD})

    assert answer.receipt == {"id": "9"}
    assert [request.method for request in requests] == ["PATCH", "POST"]
    assert form(requests[1])["topic"] == "api / main"


def test_a_receipt_that_is_none_of_zulips_leads_nowhere(transport: Transport) -> None:
    _, (request,) = send(transport, posted(), style="update", outgoing={"card": {"id": "7/../8"}})

    assert request.path == "/api/v1/messages"


def test_a_thread_is_the_topic_and_keeps_its_first_receipt(transport: Transport) -> None:
    answer, (request,) = send(transport, posted(number=9), style="thread", outgoing={"card": CARD})

    assert answer.receipt == CARD
    assert (request.method, form(request)["topic"]) == ("POST", "api / main")


@pytest.mark.parametrize(("person", "to"), [(ALICE, '["alice@example.com"]'), (CAROL, "[42]")])
def test_a_direct_message_goes_to_the_person(transport: Transport, person: PersonSpec, to: str) -> None:
    _, (request,) = send(transport, posted(), outgoing={"direct": person})
    fields = form(request)

    assert (fields["type"], fields["to"]) == ("private", to)
    assert "topic" not in fields


def test_a_direct_message_never_goes_to_the_channel_instead(transport: Transport) -> None:
    error = refusal(transport, posted(), outgoing={"direct": BOB})

    assert (str(error), error.permanent) == ("people.bob has no address in Zulip", True)


@pytest.mark.parametrize(
    ("person", "address"),
    [
        (ALICE, "alice@example.com"),
        (CAROL, "42"),
        (BOB, None),
        (replace(ALICE, emails=("*@example.com",)), None),
    ],
)
def test_a_person_is_reached_by_number_or_mail(person: PersonSpec, address: str | None) -> None:
    assert make_zulip().address_of(person) == address


@pytest.mark.parametrize(
    "name", ["", " ", "all", "Everyone", "stream", "channel", "topic", "a*b", "a\nb", "a`b"]
)
def test_nobody_else_is_mentioned(name: str) -> None:
    assert make_zulip().mention(replace(ALICE, ids={"zulip": name})) == ""


# errors


@pytest.mark.parametrize(
    ("play", "message"),
    [
        (
            refused("Invalid API key", "INVALID_API_KEY", 401),
            "HTTP 401: Zulip says Invalid API key (check `email` and `token`)",
        ),
        (
            refused("Not logged in", "UNAUTHORIZED", 401),
            "HTTP 401: Zulip says Not logged in (check `email` and `token`)",
        ),
        (
            refused("Account is deactivated", "USER_DEACTIVATED", 403),
            "HTTP 403: Zulip says Account is deactivated (the bot is deactivated)",
        ),
        (
            refused("This organization has been deactivated", "REALM_DEACTIVATED", 403),
            "HTTP 403: Zulip says This organization has been deactivated (the organization is deactivated)",
        ),
        (
            refused("Channel 'ci' does not exist", "STREAM_DOES_NOT_EXIST"),
            "HTTP 400: Zulip says Channel 'ci' does not exist"
            " (check `channel`; a private one has to have the bot as a subscriber)",
        ),
        (
            refused("Not authorized to send to channel 'ci'"),
            "HTTP 400: Zulip says Not authorized to send to channel 'ci' (let the bot post in the channel)",
        ),
        (
            refused("You do not have permission to post in this channel."),
            "HTTP 400: Zulip says You do not have permission to post in this channel."
            " (let the bot post in the channel)",
        ),
        (refused("Something new", status=403), "HTTP 403: Zulip says Something new"),
        (Play(status=404, body=b"<html>"), "HTTP 404: no such address"),
    ],
)  # fmt: skip
def test_a_channel_that_is_gone_or_shut_is_dead(transport: Transport, play: Play, message: str) -> None:
    error = refusal(transport, play)

    assert (str(error), error.is_dead) == (message, True)


@pytest.mark.parametrize(
    ("play", "is_dead"),
    [
        (refused("Invalid email 'alice@example.com'"), False),
        (refused("Not authorized to send to this person"), False),
        (refused("Invalid API key", "INVALID_API_KEY", 401), True),
    ],
    ids=["unknown", "may not", "token"],
)
def test_one_person_who_is_not_reached_does_not_shut_it_for_all(
    transport: Transport, play: Play, is_dead: bool
) -> None:
    error = refusal(transport, play, outgoing={"direct": ALICE})

    assert (error.permanent, error.is_dead) == (True, is_dead)


@pytest.mark.parametrize(
    "words", ["Message must not be empty", "Missing 'topic' argument", "Bad\r\nthing\x1b"]
)
def test_a_message_that_is_refused_is_permanent_and_not_dead(transport: Transport, words: str) -> None:
    error = refusal(transport, refused(words))

    assert (error.permanent, error.is_dead) == (True, False)
    assert str(error).isprintable()


def test_too_many_requests_wait_as_long_as_zulip_says(transport: Transport) -> None:
    play = refused("API usage exceeded rate limit", "RATE_LIMIT_HIT", 429, Retry_After="28.7")

    error = refusal(transport, play)

    assert (error.permanent, error.is_dead, error.retry_after) == (False, False, 28.7)


@pytest.mark.parametrize(
    "play",
    [
        refused("Internal server error", status=500),
        Play(status=502, body=b"<html>"),
        Play(body=b"<html>"),
        Play(body=b"[]"),
    ],
    ids=["500", "a page", "a page with 200", "a list"],
)
def test_trouble_there_may_pass(transport: Transport, play: Play) -> None:
    error = refusal(transport, play)

    assert (error.permanent, error.is_dead) == (False, False)


@pytest.mark.parametrize("secret", [TOKEN, BASIC])
def test_the_token_is_masked_when_it_is_repeated(transport: Transport, secret: str) -> None:
    error = refusal(transport, refused(f"bad {secret}"))

    assert str(error) == "HTTP 400: Zulip says bad ***"
    assert secret not in error.excerpt


# configuration


def test_it_tells_no_secret() -> None:
    zulip = make_zulip()

    assert TOKEN not in f"{zulip!r} {zulip.destination()} {zulip.remarks()}"
    assert zulip.remarks() == ("#ci",)


def test_a_channel_is_a_place() -> None:
    assert make_zulip().destination() != make_zulip(channel="ops").destination()
    assert make_zulip().destination() == make_zulip(channel="CI", topic="builds").destination()


def test_it_edits_and_threads() -> None:
    assert (make_zulip().can_edit, make_zulip().can_thread) == (True, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "http://acme.example.com"}, "url has to begin with https://"),
        ({"email": " "}, "email is empty"),
        ({"token": ""}, "token is empty"),
        ({"channel": ""}, "channel is empty"),
        ({"topic": " "}, "topic is empty"),
        (
            {"topic": "{{ brnch }}"},
            "topic: unknown name 'brnch'; there are project, branch, workflow",
        ),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        make_zulip(**options)

    assert TOKEN not in str(caught.value)
