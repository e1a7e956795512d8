"""Telegram: the text, edits and answers, limits, and what the Bot API's answers mean."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Button, Message
from relay.notifiers.telegram import MOST_BUTTONS, MOST_UNITS, Telegram
from relay.people import PersonSpec
from relay.transport import Transport
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing
from tests.notifiers.strangers import EVIL, make_endless, make_hostile

TOKEN = "123456:not-a-real-token"
ALICE = PersonSpec(key="alice", ids={"telegram": "4242"})
CAROL = PersonSpec(key="carol", ids={"telegram": "@carol_c"})
BOB = PersonSpec(key="bob", ids={"slack": "U045FGHIJ"})
CARD = {"message_id": "7", "chat_id": "-1001"}
GAP = "\u200b"


def make_telegram(**more: Any) -> Telegram:
    return Telegram.model_validate({"token": TOKEN, "chat_id": -1001, **more})


def posted(number: int = 7, chat: int = -1001) -> Play:
    """What Telegram answers when it has a message."""
    result = {"message_id": number, "date": 1795435200, "chat": {"id": chat, "type": "supergroup"}}
    return Play(body=json.dumps({"ok": True, "result": result}).encode())


def refused(description: str, status: int = 400, **parameters: Any) -> Play:
    said = {"ok": False, "error_code": status, "description": description}
    body = {**said, "parameters": parameters} if parameters else said
    return Play(status=status, body=json.dumps(body).encode())


def send(
    transport: Transport, *plays: Play, outgoing: dict[str, Any] | None = None, **options: Any
) -> tuple[Answer, list[tuple[str, Any]]]:
    """The answer, and the calls that were made: the method's name and its body."""
    with Sink(*plays) as sink:
        telegram = make_telegram(api_url=sink.url, allow_private=True, **options)
        answer = telegram.send(make_message(telegram), make_outgoing(**outgoing or {}), transport)
    prefix = f"/bot{TOKEN}/"
    return answer, [(each.path.removeprefix(prefix), each.json()) for each in sink.requests]


def refusal(transport: Transport, *plays: Play, **more: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        send(transport, *plays, **more)
    return caught.value


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# the payload


def test_the_payload_in_full() -> None:
    event, telegram = make_broken(), make_telegram(message_thread_id=5)

    assert telegram.payload(make_message(telegram), make_outgoing(mentions=(ALICE, CAROL, BOB))) == {
        "chat_id": -1001,
        "message_thread_id": 5,
        "text": f'<b><a href="{event.url}">🔴 api / build-and-deploy broke on main</a></b>'
        ' <a href="tg://user?id=4242">alice</a> @carol_c\n'
        f'<a href="{event.commit.url}">Fix &lt;!channel&gt; &amp; login</a> by Alice Archer\n'
        "- <code>Run tests</code> exit code 2\n"
        "<b>Pipeline</b> #7812 · <b>Took</b> 4 min 12 s · <b>Commit</b> <code>a1b2c3d</code>\n"
        "<i>route trunk-broke · "
        f'<a href="https://relay.example.com/events/{event.id}">event {event.id}</a></i>',
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {
            "inline_keyboard": [
                [
                    {"text": "Open in CircleCI", "url": event.url},
                    {"text": "Commit", "url": event.commit.url},
                ]
            ]
        },
    }


def test_a_message_without_anything_but_a_title_is_its_title() -> None:
    payload = make_telegram().payload(Message(title="hello"), make_outgoing())

    assert payload["text"] == "<b>hello</b>"
    assert "reply_markup" not in payload


def test_a_body_of_ones_own_cannot_change_the_chat() -> None:
    message = Message(title="hello", override={"text": "own", "chat_id": 5})

    payload = make_telegram().payload(message, make_outgoing())

    assert (payload["text"], payload["chat_id"]) == ("own", -1001)


def test_a_channel_may_be_named() -> None:
    payload = make_telegram(chat_id="@acme_builds").payload(Message(title="t"), make_outgoing())

    assert payload["chat_id"] == "@acme_builds"


def test_buttons_that_telegram_refuses_are_left_out() -> None:
    urls = ("http://localhost/x", "https://circleci.example.com/x", "https://example.com/" + "x" * 10_000)
    message = Message(title="t", buttons=tuple(Button(text="a &lt; b", url=url) for url in urls))

    payload = make_telegram().payload(message, make_outgoing())

    assert payload["reply_markup"]["inline_keyboard"] == [[{"text": "a < b", "url": urls[1]}]]


def test_a_stranger_can_neither_ping_nor_link_nor_format() -> None:
    telegram, event = make_telegram(), make_hostile()
    payload = telegram.payload(make_message(telegram, event), make_outgoing(events=(event,)))
    outside_code = re.sub("<(code|pre)>.*?</\\1>", "", payload["text"])
    links = re.findall('href="([^"]*)"', payload["text"])

    assert set(re.findall("</?([a-z]+)", payload["text"])) == {"a", "b", "code", "i"}
    assert links == [event.url, event.commit.url, f"https://relay.example.com/events/{event.id}"]
    assert not re.search(r"@\w", outside_code)
    assert EVIL not in outside_code
    assert "://" not in re.sub("<[^>]*>", "", outside_code).replace(f"://{GAP}", "")
    assert not set("\x00\x1b\u202e\u2066\ud800") & set(payload["text"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@alice_a", f"@{GAP}alice_a"),
        ("/start now", f"/{GAP}start now"),
        ("src/app and a / b", "src/app and a / b"),
        ("setup.py", f"setup.{GAP}py"),
        ("v1.2.3", "v1.2.3"),
        ("10.0.0.1", f"10.{GAP}0.0.1"),
        ("http://x", f"http://{GAP}x"),
        ("a < b & 'c' \"d\"", "a &lt; b &amp; 'c' \"d\""),
    ],
)
def test_telegram_makes_nothing_of_a_text(text: str, said: str) -> None:
    assert MARKUPS["telegram"].text(text) == said


def test_code_cannot_be_left_and_can_be_copied() -> None:
    markup = MARKUPS["telegram"]

    assert markup.code("</code>@a setup.py") == "<code>&lt;/code&gt;@a setup.py</code>"
    assert markup.code_block("a\n</pre>") == "<pre>a\n&lt;/pre&gt;</pre>"
    assert markup.code("") == ""


@pytest.mark.parametrize("unit", ["x", "é", "🔴", '"', "&amp;", "<b>x</b>"])
def test_everything_too_long_is_cut_to_what_telegram_takes(unit: str) -> None:
    payload = make_telegram().payload(make_endless(unit), make_outgoing(mentions=(ALICE,) * 200))
    text, rows = payload["text"], payload["reply_markup"]["inline_keyboard"]

    assert units(text) <= MOST_UNITS
    assert f'x">{unit}' in text
    assert "more\n- " in text
    assert " 499\n" in text
    assert text.endswith("…</i>")
    assert sum(map(len, rows)) == MOST_BUTTONS
    assert "&am…" not in text
    for tag in ("b", "i", "a"):
        assert len(re.findall(f"<{tag}[ >]", text)) == text.count(f"</{tag}>")


# sending


def test_a_message_is_sent_and_its_receipt_kept(transport: Transport) -> None:
    answer, calls = send(transport, posted(number=8))

    assert answer.receipt == {"message_id": "8", "chat_id": "-1001"}
    assert [name for name, _ in calls] == ["sendMessage"]


def test_update_edits_the_message_in_place(transport: Transport) -> None:
    answer, calls = send(transport, posted(), style="update", message_thread_id=5, outgoing={"card": CARD})
    ((name, body),) = calls

    assert answer.receipt == CARD
    assert (name, body["chat_id"], body["message_id"]) == ("editMessageText", -1001, 7)
    assert "message_thread_id" not in body


def test_the_first_message_of_an_update_is_sent(transport: Transport) -> None:
    answer, calls = send(transport, posted(), style="update")

    assert (answer.receipt, calls[0][0]) == (CARD, "sendMessage")


def test_an_edit_that_changes_nothing_is_delivered(transport: Transport) -> None:
    play = refused("Bad Request: message is not modified: specified new message content is exactly the same")

    answer, calls = send(transport, play, style="update", outgoing={"card": CARD})

    assert (answer.receipt, len(calls)) == (CARD, 1)


@pytest.mark.parametrize(
    "words",
    [
        "Bad Request: message to edit not found",
        "Bad Request: message can't be edited",
        "Bad Request: MESSAGE_ID_INVALID",
        "Bad Request: message identifier is not specified",
    ],
)
def test_a_message_that_can_no_longer_be_edited_is_replaced(transport: Transport, words: str) -> None:
    answer, calls = send(transport, refused(words), posted(9), style="update", outgoing={"card": CARD})

    assert answer.receipt == {"message_id": "9", "chat_id": "-1001"}
    assert [name for name, _ in calls] == ["editMessageText", "sendMessage"]
    assert "message_id" not in calls[1][1]


def test_thread_answers_the_first_message_and_keeps_to_it(transport: Transport) -> None:
    answer, calls = send(transport, posted(number=9), style="thread", outgoing={"card": CARD})
    ((name, body),) = calls

    assert answer.receipt == CARD
    assert name == "sendMessage"
    assert body["reply_parameters"] == {"message_id": 7, "allow_sending_without_reply": True}


def test_the_first_message_of_a_thread_answers_nothing(transport: Transport) -> None:
    answer, calls = send(transport, posted(), style="thread")

    assert answer.receipt == CARD
    assert "reply_parameters" not in calls[0][1]


def test_a_direct_message_goes_to_the_person(transport: Transport) -> None:
    answer, calls = send(transport, posted(chat=4242), message_thread_id=5, outgoing={"direct": ALICE})

    assert answer.receipt["chat_id"] == "4242"
    assert calls[0][1]["chat_id"] == 4242
    assert "message_thread_id" not in calls[0][1]


def test_a_direct_message_never_goes_to_the_chat_instead(transport: Transport) -> None:
    error = refusal(transport, posted(), outgoing={"direct": CAROL})

    assert (str(error), error.permanent) == ("people.carol has no user id in Telegram", True)


@pytest.mark.parametrize(("person", "address"), [(ALICE, "4242"), (CAROL, None), (BOB, None)])
def test_only_a_number_can_be_written_to(person: PersonSpec, address: str | None) -> None:
    assert make_telegram().address_of(person) == address


@pytest.mark.parametrize("who", ["", "alice", "42\n", "42 ", "@x y", '42"><b>', "-42"])
def test_nobody_else_is_mentioned(who: str) -> None:
    assert make_telegram().mention(replace(ALICE, ids={"telegram": who})) == ""


# errors


DEAD = [
    (401, "Unauthorized", "check `token`"),
    (404, "Not Found", "check `token`"),
    (400, "Bad Request: chat not found", "check `chat_id`, and let the bot into the chat"),
    (400, "Bad Request: PEER_ID_INVALID", "check `chat_id`"),
    (400, "Bad Request: message thread not found", "check `message_thread_id`"),
    (400, "Bad Request: TOPIC_DELETED", "the topic is gone; check `message_thread_id`"),
    (400, "Bad Request: TOPIC_CLOSED", "open the topic again, or check `message_thread_id`"),
    (
        400,
        "Bad Request: not enough rights to send text messages to the chat",
        "let the bot send messages there",
    ),
    (400, "Bad Request: have no rights to send a message", "let the bot send messages there"),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN", "let the bot send messages there"),
    (403, "Forbidden: bot was blocked by the user", "the person has to unblock the bot"),
    (403, "Forbidden: bot was kicked from the supergroup chat", "add the bot to the chat again"),
    (403, "Forbidden: bot is not a member of the channel chat", "add the bot to the chat"),
    (
        403,
        "Forbidden: bot can't initiate conversation with a user",
        "the person has to write to the bot first",
    ),
    (403, "Forbidden: user is deactivated", "the account is gone"),
    (403, "Forbidden: the group chat was deleted", "the group is gone"),
]


@pytest.mark.parametrize(("status", "words", "remedy"), DEAD)
def test_a_chat_that_is_gone_or_shut_is_dead(
    transport: Transport, status: int, words: str, remedy: str
) -> None:
    error = refusal(transport, refused(words, status))

    assert str(error) == f"HTTP {status}: Telegram says {words} ({remedy})"
    assert error.is_dead


def test_a_refusal_without_a_remedy_is_dead_all_the_same(transport: Transport) -> None:
    error = refusal(transport, refused("Forbidden: something new", 403))

    assert (str(error), error.is_dead) == ("HTTP 403: Telegram says Forbidden: something new", True)


def test_one_person_who_blocks_the_bot_does_not_shut_it_for_all(transport: Transport) -> None:
    play = refused("Forbidden: bot was blocked by the user", 403)

    error = refusal(transport, play, outgoing={"direct": ALICE})

    assert (error.permanent, error.is_dead) == (True, False)


def test_a_wrong_token_shuts_direct_messages_too(transport: Transport) -> None:
    assert refusal(transport, refused("Unauthorized", 401), outgoing={"direct": ALICE}).is_dead


def test_a_chat_that_has_moved_is_told_with_its_new_number(transport: Transport) -> None:
    words = "Bad Request: group chat was upgraded to a supergroup chat"

    error = refusal(transport, refused(words, migrate_to_chat_id=-1009))

    assert str(error) == f"HTTP 400: Telegram says {words} (set `chat_id` to -1009)"
    assert error.is_dead


@pytest.mark.parametrize(
    "words",
    [
        "Bad Request: message is too long",
        "Bad Request: can't parse entities: Unsupported start tag",
        "Bad Request: message text is empty",
        "Bad Request: BUTTON_URL_INVALID",
    ],
)
def test_a_message_that_is_refused_is_permanent_and_not_dead(transport: Transport, words: str) -> None:
    error = refusal(transport, refused(words))

    assert (str(error), error.permanent, error.is_dead) == (f"HTTP 400: Telegram says {words}", True, False)


def test_an_edit_may_be_refused_as_well(transport: Transport) -> None:
    play = refused("Bad Request: message is too long")

    error = refusal(transport, play, style="update", outgoing={"card": CARD})

    assert (error.permanent, error.is_dead) == (True, False)


def test_too_many_requests_wait_as_long_as_telegram_says(transport: Transport) -> None:
    error = refusal(transport, refused("Too Many Requests: retry after 35", 429, retry_after=35))

    assert (error.permanent, error.is_dead, error.retry_after) == (False, False, 35.0)


@pytest.mark.parametrize(
    "play",
    [
        refused("Internal Server Error", 500),
        refused("Bad Gateway", 502),
        Play(status=502, body=b"<html>"),
        Play(body=b"<html>"),
        Play(body=b"[]"),
    ],
    ids=["500", "502", "a page", "a page with 200", "a list"],
)
def test_trouble_there_may_pass(transport: Transport, play: Play) -> None:
    error = refusal(transport, play)

    assert (error.permanent, error.is_dead) == (False, False)


@pytest.mark.parametrize(
    "secret", [TOKEN, TOKEN.partition(":")[2]], ids=["whole", "without the bot's number"]
)
def test_the_token_is_masked_when_it_is_repeated(transport: Transport, secret: str) -> None:
    error = refusal(transport, refused(f"Bad Request: {secret}"))

    assert str(error) == "HTTP 400: Telegram says Bad Request: ***"
    assert secret not in error.excerpt


# configuration


def test_it_tells_no_secret() -> None:
    telegram = make_telegram(message_thread_id=5)

    assert TOKEN not in f"{telegram!r} {telegram.destination()} {telegram.remarks()}"
    assert telegram.remarks() == ("chat -1001", "topic 5")


def test_a_chat_is_a_place() -> None:
    assert make_telegram().destination() != make_telegram(chat_id=-1002).destination()
    assert make_telegram().destination() == make_telegram(chat_id="-1001").destination()


def test_it_edits_and_threads() -> None:
    assert (make_telegram().can_edit, make_telegram().can_thread) == (True, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"chat_id": "acme"}, "wanted a chat's number, such as -1001234567890, or @name of a public channel"),
        ({"chat_id": ""}, "wanted a chat's number"),
        ({"chat_id": True}, "wanted a chat's number"),
        ({"chat_id": "12\n"}, "wanted a chat's number"),
        ({"chat_id": 1.5}, "wanted a chat's number"),
        ({"message_thread_id": 0}, "greater than 0"),
        ({"token": ""}, "token is empty or holds characters that no token has"),
        ({"token": f"{TOKEN}/../x"}, "token is empty or holds characters that no token has"),
        ({"api_url": "http://127.0.0.1"}, "api_url has to begin with https://"),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        make_telegram(**options)

    assert TOKEN not in str(caught.value)


def test_a_silent_message_makes_no_sound(transport: Transport) -> None:
    _, calls = send(transport, posted(), outgoing={"is_silent": True})
    _, edits = send(transport, posted(), outgoing={"is_silent": True, "card": CARD}, style="update")

    assert calls[0][1]["disable_notification"] is True
    assert "disable_notification" not in edits[0][1]


def test_any_other_message_may_make_one(transport: Transport) -> None:
    _, calls = send(transport, posted())

    assert "disable_notification" not in calls[0][1]
