"""Google Chat: the card, its threads and limits, and what the answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Button, Level, Message
from relay.notifiers.googlechat import MOST_BUTTONS, MOST_BYTES, GoogleChat
from relay.people import PersonSpec
from relay.transport import Transport
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing
from tests.notifiers.strangers import EVIL, make_endless, make_hostile

KEY, TOKEN = "not-a-real-key", "not-a-real-token"
PATH = f"/v1/spaces/AAAA/messages?key={KEY}&token={TOKEN}"
URL = f"https://chat.googleapis.com{PATH}"
ALICE = PersonSpec(key="alice", ids={"googlechat": "112233445566778899001"})
BOB = PersonSpec(key="bob", ids={"slack": "U045FGHIJ"})
GAP = "\u200b"


def make_chat(**more: Any) -> GoogleChat:
    return GoogleChat.model_validate({"url": URL, **more})


def widgets_of(payload: dict[str, Any]) -> list[dict[str, Any]]:
    (card,) = payload["cardsV2"]
    (section,) = card["card"]["sections"]
    widgets: list[dict[str, Any]] = section["widgets"]
    return widgets


def paragraph(text: str) -> dict[str, Any]:
    return {"textParagraph": {"text": text}}


def text_of(widget: dict[str, Any]) -> str:
    return str(widget["textParagraph"]["text"])


def refusal(transport: Transport, status: int, body: object) -> DeliveryError:
    said = body if isinstance(body, bytes) else json.dumps({"error": body}).encode()
    with Sink(Play(status=status, body=said)) as sink:
        chat = make_chat(url=f"{sink.url}{PATH}", allow_private=True)
        with pytest.raises(DeliveryError) as caught:
            chat.send(make_message(chat), make_outgoing(), transport)
    return caught.value


# the payload


def test_the_payload_in_full() -> None:
    event, chat = make_broken(), make_chat()
    payload = chat.payload(make_message(chat), make_outgoing(mentions=(ALICE, BOB)))

    assert payload == {
        "fallbackText": "🔴 api / build-and-deploy broke on main",
        "text": "<users/112233445566778899001>",
        "cardsV2": [
            {
                "cardId": "01kaqz000000000000delivery",
                "card": {"sections": [{"widgets": widgets_of(payload)}]},
            }
        ],
    }
    assert widgets_of(payload) == [
        paragraph(
            f'<font color="#d93025"><b><a href="{event.url}">'
            "🔴 api / build-and-deploy broke on main</a></b></font>"
        ),
        paragraph(
            f'<a href="{event.commit.url}">Fix &lt;!channel&gt; &amp; login</a> by Alice Archer<br>'
            '- <font color="#5f6368">Run tests</font> exit code 2'
        ),
        paragraph(
            "<b>Pipeline</b> #7812 · <b>Took</b> 4 min 12 s · "
            '<b>Commit</b> <font color="#5f6368">a1b2c3d</font>'
        ),
        {
            "buttonList": {
                "buttons": [
                    {"text": "Open in CircleCI", "onClick": {"openLink": {"url": event.url}}},
                    {"text": "Commit", "onClick": {"openLink": {"url": event.commit.url}}},
                ]
            }
        },
        paragraph(
            '<font color="#5f6368">route trunk-broke · '
            f'<a href="https://relay.example.com/events/{event.id}">event {event.id}</a></font>'
        ),
    ]


@pytest.mark.parametrize(
    ("level", "colour"),
    [
        (Level.GOOD, "#188038"),
        (Level.BAD, "#d93025"),
        (Level.WARNING, "#e37400"),
        (Level.INFO, "#5f6368"),
    ],
)
def test_the_title_has_the_colour_of_the_level(level: Level, colour: str) -> None:
    payload = make_chat().payload(Message(title="hello", level=level), make_outgoing())

    assert text_of(widgets_of(payload)[0]) == f'<font color="{colour}"><b>hello</b></font>'


def test_a_thread_is_named_by_what_the_message_is_about() -> None:
    chat = make_chat(style="thread")
    first, second, other = (
        chat.payload(Message(title="t"), make_outgoing(subject=subject))["thread"]
        for subject in ("pipeline p-1", "pipeline p-1", "pipeline p-2")
    )

    assert first == second != other
    assert first["threadKey"].startswith("relay-")


@pytest.mark.parametrize(("style", "subject"), [("post", "p-1"), ("update", "p-1"), ("thread", "")])
def test_other_messages_start_no_thread(style: str, subject: str) -> None:
    payload = make_chat(style=style).payload(Message(title="t"), make_outgoing(subject=subject))

    assert "thread" not in payload


def test_cards_of_ones_own_replace_ours() -> None:
    payload = make_chat().payload(Message(title="hello", override=[{"card": {}}]), make_outgoing())

    assert payload == {"fallbackText": "hello", "cardsV2": [{"card": {}}]}


def test_a_body_of_ones_own_replaces_ours() -> None:
    payload = make_chat().payload(Message(title="hello", override={"text": "own"}), make_outgoing())

    assert payload == {"fallbackText": "hello", "text": "own"}


def test_an_escaped_button_is_shown_without_its_escapes() -> None:
    button = Button(text=MARKUPS["googlechat"].text("a & <b>"), url="https://example.com/")

    payload = make_chat().payload(Message(title="t", buttons=(button,)), make_outgoing())

    assert widgets_of(payload)[1]["buttonList"]["buttons"][0]["text"] == "a & <b>"


def test_a_stranger_can_neither_ping_nor_link_nor_format() -> None:
    chat, event = make_chat(), make_hostile()
    payload = chat.payload(make_message(chat, event), make_outgoing(events=(event,), mentions=(ALICE,)))
    said = json.dumps(payload, ensure_ascii=False)

    assert payload["text"] == "<users/112233445566778899001>"
    assert said.count("<users/") == 1
    assert f"://{EVIL}" not in json.dumps(widgets_of(payload))
    assert "<at>" not in json.dumps(widgets_of(payload))
    assert "href='" not in said
    assert not set("\x00\x1b\u202e\u2066\ud800") & set(said)


@pytest.mark.parametrize("number", ["all", "users/all", "", "12>", "1 2"])
def test_only_a_number_is_mentioned(number: str) -> None:
    assert make_chat().mention(replace(ALICE, ids={"googlechat": number})) == ""


def test_a_number_may_be_written_as_google_writes_it() -> None:
    assert make_chat().mention(replace(ALICE, ids={"googlechat": "users/42"})) == "<users/42>"


def test_code_is_grey_and_cannot_be_left() -> None:
    markup = MARKUPS["googlechat"]

    assert markup.code("</font><b>") == '<font color="#5f6368">&lt;/font&gt;&lt;b&gt;</font>'
    assert markup.code("") == ""


def test_an_address_in_a_text_is_no_link() -> None:
    assert MARKUPS["googlechat"].text("see https://x.y") == f"see https:{GAP}//x.y"


@pytest.mark.parametrize("unit", ["x", "é", "🔴", '"', "&amp;"])
def test_everything_too_long_is_cut_to_what_google_takes(unit: str) -> None:
    payload = make_chat().payload(make_endless(unit), make_outgoing(mentions=(ALICE,) * 200))
    title, body, _, buttons, _ = widgets_of(payload)

    assert len(json.dumps(payload, ensure_ascii=False).encode()) <= MOST_BYTES
    assert f'x">{unit}' in text_of(title)
    assert " more<br>- " in text_of(body)
    assert text_of(body).endswith(" 499")
    assert len(buttons["buttonList"]["buttons"]) == MOST_BUTTONS
    assert "&am…" not in json.dumps(payload, ensure_ascii=False)


def test_a_link_that_is_too_long_is_left_out() -> None:
    long = "https://example.com/" + "x" * 10_000
    message = Message(title="hello", url=long, buttons=(Button(text="Open", url=long),))

    assert long not in json.dumps(make_chat().payload(message, make_outgoing()))


# sending


def test_the_message_is_posted_to_the_space(transport: Transport) -> None:
    with Sink(Play(body=b'{"name": "spaces/AAAA/messages/M.M"}')) as sink:
        chat = make_chat(url=f"{sink.url}{PATH}", allow_private=True)
        answer = chat.send(make_message(chat), make_outgoing(), transport)

    assert answer.status == 200
    assert sink.requests[0].path == PATH
    assert sink.requests[0].json() == chat.payload(make_message(chat), make_outgoing())


def test_messages_of_a_thread_need_no_receipt(transport: Transport) -> None:
    with Sink(Play(body=b"{}"), Play(body=b"{}")) as sink:
        chat = make_chat(url=f"{sink.url}{PATH}", allow_private=True, style="thread")
        for _ in range(2):
            chat.send(make_message(chat), make_outgoing(subject="pipeline p-1"), transport)

    first, second = sink.requests
    assert first.path == f"{PATH}&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    assert first.json()["thread"] == second.json()["thread"]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (
            400,
            {"code": 400, "message": "API key not valid. Please pass a valid API key."},
            "HTTP 400: Google Chat says API key not valid. Please pass a valid API key."
            " (the webhook's key or token is not valid; copy `url` again)",
        ),
        (
            401,
            {"code": 401, "message": "Request had invalid credentials.", "status": "UNAUTHENTICATED"},
            "HTTP 401: Google Chat says Request had invalid credentials."
            " (the webhook's key or token is not valid; copy `url` again)",
        ),
        (
            403,
            {"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"},
            "HTTP 403: Google Chat says Permission denied"
            " (the webhook may not post; see whether the administrator allows webhooks)",
        ),
        (
            404,
            {"code": 404, "message": "Space not found.", "status": "NOT_FOUND"},
            "HTTP 404: Google Chat says Space not found."
            " (the space or its webhook is gone; make a new one)",
        ),
        (404, b"<html>", "HTTP 404: the space or its webhook is gone; make a new one"),
    ],
)  # fmt: skip
def test_a_space_that_is_gone_or_shut_is_dead(
    transport: Transport, status: int, body: object, message: str
) -> None:
    error = refusal(transport, status, body)

    assert (str(error), error.is_dead) == (message, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "Invalid JSON payload"}, "HTTP 400: Google Chat says Invalid JSON payload"),
        ({"message": "Message is too long"}, "HTTP 400: Google Chat says Message is too long"),
        (b"[]", "HTTP 400: the request was not understood"),
        ({"message": 7}, "HTTP 400: the request was not understood"),
    ],
)
def test_a_message_that_is_refused_is_permanent_and_not_dead(
    transport: Transport, body: object, message: str
) -> None:
    error = refusal(transport, 400, body)

    assert (str(error), error.permanent, error.is_dead) == (message, True, False)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_too_many_requests_and_trouble_there_may_pass(transport: Transport, status: int) -> None:
    error = refusal(
        transport, status, {"message": "Resource has been exhausted", "status": "RESOURCE_EXHAUSTED"}
    )

    assert (error.permanent, error.is_dead, error.retry_after) == (False, False, None)


def test_key_and_token_are_masked_when_they_are_repeated(transport: Transport) -> None:
    error = refusal(transport, 400, {"message": f"bad {KEY} {TOKEN}"})

    assert str(error) == "HTTP 400: Google Chat says bad *** ***"
    assert KEY not in error.excerpt
    assert TOKEN not in error.excerpt


# configuration


def test_it_tells_no_secret() -> None:
    chat = make_chat()

    assert KEY not in f"{chat!r} {chat.destination()} {chat.remarks()}"
    assert TOKEN not in f"{chat!r} {chat.destination()} {chat.remarks()}"


def test_webhooks_of_one_space_share_their_limits() -> None:
    assert make_chat().destination() == make_chat(url=URL.replace(TOKEN, "other")).destination()
    assert make_chat().destination() != make_chat(url=URL.replace("AAAA", "BBBB")).destination()


def test_it_threads_and_does_not_edit() -> None:
    assert (make_chat().can_thread, make_chat(style="update").can_edit) == (True, False)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"http://chat.googleapis.com{PATH}", "url has to begin with https://"),
        ("", "url has to begin with https://"),
        ("https://chat.googleapis.com/v1/spaces/AAAA/messages", "url lacks key and token; copy the webhook"),
        (URL.partition("&")[0], "url lacks token; copy the webhook's address whole"),
        ("https://[::1", "url lacks key and token"),
    ],
)
def test_an_address_that_cannot_work_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        make_chat(url=url)

    assert KEY not in str(caught.value)
