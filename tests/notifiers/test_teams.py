"""Microsoft Teams: the card, its limits, and what a workflow's answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Button, Level, Message
from relay.notifiers.teams import MOST_BUTTONS, MOST_BYTES, MOST_FACTS, MOST_MENTIONS, Teams
from relay.people import PersonSpec
from relay.transport import Transport
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing
from tests.notifiers.strangers import EVIL, make_endless, make_hostile

SIGNATURE = "not-a-real-signature"
PATH = f"/workflows/w1/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers&sig={SIGNATURE}"
URL = f"https://prod-01.westeurope.logic.example.com{PATH}"
ALICE = PersonSpec(key="alice", ids={"teams": "alice@acme.example.com"})
BOB = PersonSpec(key="bob", ids={"slack": "U045FGHIJ"})
GAP = "\u200b"


def make_teams(**more: Any) -> Teams:
    return Teams.model_validate({"url": URL, **more})


def card_of(payload: dict[str, Any]) -> dict[str, Any]:
    (attachment,) = payload["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card: dict[str, Any] = attachment["content"]
    return card


def size(payload: Any) -> int:
    return len(json.dumps(payload, ensure_ascii=False).encode())


def send(transport: Transport, *plays: Play) -> Sink:
    with Sink(*plays) as sink:
        teams = make_teams(url=f"{sink.url}{PATH}", allow_private=True)
        teams.send(make_message(teams), make_outgoing(), transport)
    return sink


def refusal(transport: Transport, play: Play) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        send(transport, play)
    return caught.value


def error(code: str, status: int = 400) -> Play:
    body = {"error": {"code": code, "message": f"with {SIGNATURE}"}}
    return Play(status=status, body=json.dumps(body).encode())


# the payload


def test_the_payload_in_full() -> None:
    event, teams = make_broken(), make_teams()
    payload = teams.payload(make_message(teams), make_outgoing(mentions=(ALICE, BOB)))

    assert payload["type"] == "message"
    assert card_of(payload) == {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": "🔴 api / build-and-deploy broke on main",
        "body": [
            {
                "type": "Container",
                "style": "attention",
                "bleed": True,
                "items": [
                    {
                        "type": "TextBlock",
                        "text": f"[🔴 api / build-and-deploy broke on main]({event.url})",
                        "wrap": True,
                        "weight": "Bolder",
                        "size": "Medium",
                    }
                ],
            },
            {"type": "TextBlock", "text": "<at>alice</at>", "wrap": True},
            {
                "type": "TextBlock",
                "text": f"[Fix <{GAP}!channel> & login]({event.commit.url}) by Alice Archer\n\n"
                "- Run tests exit code 2",
                "wrap": True,
            },
            {
                "type": "FactSet",
                "facts": [
                    {"title": "Pipeline", "value": "#7812"},
                    {"title": "Took", "value": "4 min 12 s"},
                    {"title": "Commit", "value": "a1b2c3d"},
                ],
            },
            {
                "type": "TextBlock",
                "text": "route trunk-broke · "
                f"[event {event.id}](https://relay.example.com/events/{event.id})",
                "wrap": True,
                "size": "Small",
                "isSubtle": True,
            },
        ],
        "msteams": {
            "width": "Full",
            "entities": [
                {
                    "type": "mention",
                    "text": "<at>alice</at>",
                    "mentioned": {"id": "alice@acme.example.com", "name": "alice"},
                }
            ],
        },
        "actions": [
            {"type": "Action.OpenUrl", "title": "Open in CircleCI", "url": event.url},
            {"type": "Action.OpenUrl", "title": "Commit", "url": event.commit.url},
        ],
    }


@pytest.mark.parametrize(
    ("level", "style"),
    [
        (Level.GOOD, "good"),
        (Level.BAD, "attention"),
        (Level.WARNING, "warning"),
        (Level.INFO, "emphasis"),
    ],
)
def test_the_title_has_the_colour_of_the_level(level: Level, style: str) -> None:
    payload = make_teams().payload(Message(title="hello", level=level), make_outgoing())

    assert card_of(payload)["body"][0]["style"] == style


def test_a_message_without_anything_but_a_title_is_a_title() -> None:
    card = card_of(make_teams().payload(Message(title="hello"), make_outgoing()))

    assert (len(card["body"]), card["fallbackText"], card["msteams"]) == (1, "hello", {"width": "Full"})
    assert "actions" not in card


def test_a_card_of_ones_own_replaces_ours() -> None:
    own = {"type": "AdaptiveCard", "version": "1.2", "body": []}

    assert card_of(make_teams().payload(Message(title="hello", override=own), make_outgoing())) == own


def test_elements_of_ones_own_replace_those_of_our_card() -> None:
    own = [{"type": "TextBlock", "text": "own"}]

    card = card_of(make_teams().payload(Message(title="hello", override=own), make_outgoing()))

    assert (card["body"], card["version"]) == (own, "1.4")


def test_a_message_of_ones_own_is_sent_as_it_is() -> None:
    own = {"attachments": [], "summary": "own"}

    payload = make_teams().payload(Message(title="hello", override=own), make_outgoing())

    assert payload == {"type": "message", "attachments": [], "summary": "own"}


def test_an_escaped_button_is_shown_without_its_escapes() -> None:
    button = Button(text=MARKUPS["teams"].text("Open [x]_y"), url="https://example.com/")

    card = card_of(make_teams().payload(Message(title="t", buttons=(button,)), make_outgoing()))

    assert card["actions"][0]["title"] == "Open [x]_y"


def test_a_stranger_can_neither_ping_nor_link_nor_format() -> None:
    teams, event = make_teams(), make_hostile()
    payload = teams.payload(make_message(teams, event), make_outgoing(events=(event,), mentions=(ALICE,)))
    said = json.dumps({**card_of(payload), "fallbackText": ""}, ensure_ascii=False)

    assert said.count('"<at>alice</at>"') == 2  # the mention and its entity
    assert "<at>alice</at>" not in said.replace('"<at>alice</at>"', "")
    assert f"://{EVIL}" not in said
    assert "[x]" not in said
    assert "*b*" not in said
    assert "~~" not in said
    assert "`" not in said.replace("\\\\`", "")
    assert not set("\x00\x1b\u202e\u2066\ud800") & set(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# title", f"{GAP}# title"),
        ("- item\n1. one\n2) two", f"{GAP}- item\n{GAP}1. one\n{GAP}2) two"),
        ("#7812 and fix-login 1.2", "#7812 and fix-login 1.2"),
        ("{{DATE(2026-01-01,SHORT)}}", f"{{{GAP}{{DATE(2026-01-01,SHORT)}}}}"),
        ("snake_case\\", "snake\\_case\\\\"),
        ("&lt;at&gt;", f"&{GAP}lt;at&{GAP}gt;"),
    ],
)
def test_text_is_shown_as_it_is(text: str, said: str) -> None:
    assert MARKUPS["teams"].text(text) == said


def test_code_is_text_since_cards_know_none() -> None:
    markup = MARKUPS["teams"]

    assert markup.code("[x](y) `z`") == "\\[x\\](y) \\`z\\`"
    assert markup.code_block("a_b\n- c") == f"a\\_b\n{GAP}- c"


@pytest.mark.parametrize("unit", ["x", "é", "🔴", '"', "\\*"])
def test_everything_too_long_is_cut_to_what_teams_takes(unit: str) -> None:
    payload = make_teams().payload(make_endless(unit), make_outgoing(mentions=(ALICE,) * 200))
    card = card_of(payload)
    title, _, body, facts, _ = card["body"]

    assert size(payload) <= MOST_BYTES
    assert title["items"][0]["text"].startswith(f"[{unit}")
    assert "more\n\n- " in body["text"]
    assert body["text"].endswith(" 499")
    assert len(facts["facts"]) == MOST_FACTS
    assert len(card["actions"]) == MOST_BUTTONS
    assert len(card["msteams"]["entities"]) == MOST_MENTIONS


def test_a_link_that_is_too_long_is_left_out() -> None:
    long = "https://example.com/" + "x" * 10_000
    message = Message(title="hello", url=long, buttons=(Button(text="Open", url=long),))

    assert long not in json.dumps(make_teams().payload(message, make_outgoing()))


def test_the_name_of_a_mention_cannot_end_its_tag() -> None:
    person = replace(ALICE, key="a<b>&lt;")

    card = card_of(make_teams().payload(Message(title="t"), make_outgoing(mentions=(person,))))

    assert card["body"][1]["text"] == "<at>ablt;</at>"


# sending


def test_the_card_is_posted_and_accepted(transport: Transport) -> None:
    with Sink(Play(status=202, body=b"")) as sink:
        teams = make_teams(url=f"{sink.url}{PATH}", allow_private=True)
        answer = teams.send(make_message(teams), make_outgoing(), transport)

    assert (answer.status, dict(answer.receipt)) == (202, {})
    assert sink.requests[0].path == PATH
    assert sink.requests[0].json() == teams.payload(make_message(teams), make_outgoing())


@pytest.mark.parametrize(
    ("play", "message"),
    [
        (
            error("WorkflowTriggerIsNotEnabled"),
            "HTTP 400: Teams says WorkflowTriggerIsNotEnabled (the workflow is turned off; turn it on)",
        ),
        (
            error("WorkflowNotFound", 404),
            "HTTP 404: Teams says WorkflowNotFound (the workflow is gone; make a new one)",
        ),
        (
            error("DirectApiAuthorizationRequired", 401),
            "HTTP 401: Teams says DirectApiAuthorizationRequired"
            " (copy `url` whole, with its sig=, and let anyone trigger the workflow)",
        ),
        (
            error("DirectApiInvalidAuthorizationScheme", 401),
            "HTTP 401: Teams says DirectApiInvalidAuthorizationScheme (let anyone trigger the workflow)",
        ),
        (error("AuthorizationFailed", 403), "HTTP 403: Teams says AuthorizationFailed"),
        (Play(status=404, body=b""), "HTTP 404: no such address"),
    ],
)
def test_a_workflow_that_is_gone_or_shut_is_dead(transport: Transport, play: Play, message: str) -> None:
    error = refusal(transport, play)

    assert (str(error), error.is_dead, error.permanent) == (message, True, True)


@pytest.mark.parametrize(
    ("play", "message"),
    [
        (error("TriggerInputSchemaMismatch"), "HTTP 400: Teams says TriggerInputSchemaMismatch"),
        (error("InvalidRequestContent"), "HTTP 400: Teams says InvalidRequestContent"),
        (Play(status=413, body=b""), "HTTP 413: too large"),
        (Play(status=400, body=b'{"error": []}'), "HTTP 400: the request was not understood"),
    ],
)
def test_a_card_that_is_refused_is_permanent_and_not_dead(
    transport: Transport, play: Play, message: str
) -> None:
    error = refusal(transport, play)

    assert (str(error), error.is_dead, error.permanent) == (message, False, True)


@pytest.mark.parametrize(
    ("play", "wait"),
    [
        (Play(status=429, headers={"Retry-After": "12"}, body=b""), 12.0),
        (error("WorkflowRunActionThrottled", 429), None),
        (error("ServerTimeout", 504), None),
        (Play(status=502, body=b"<html>"), None),
    ],
)
def test_too_many_requests_and_trouble_there_may_pass(
    transport: Transport, play: Play, wait: float | None
) -> None:
    error = refusal(transport, play)

    assert (error.permanent, error.is_dead, error.retry_after) == (False, False, wait)


def test_the_signature_is_masked_when_it_is_repeated(transport: Transport) -> None:
    error = refusal(transport, Play(status=400, body=f"bad sig {SIGNATURE}".encode()))

    assert error.excerpt == "bad sig ***"


# configuration


def test_it_tells_no_secret() -> None:
    teams = make_teams()

    assert SIGNATURE not in f"{teams!r} {teams.destination()} {teams.remarks()}"


def test_its_address_is_its_place() -> None:
    assert make_teams().destination() != make_teams(url=URL.replace("w1", "w2")).destination()


def test_a_message_cannot_be_edited() -> None:
    teams = make_teams(style="update")

    assert (teams.can_edit, teams.can_thread) == (False, False)


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.webhook.office.com/webhookb2/x@y/IncomingWebhook/z/w",
        "https://webhook.office.com/webhook/x",
        "https://ACME.Webhook.Office.com./webhookb2/x",
        "https://outlook.office.com/webhook/x",
        "https://outlook.office365.com/webhook/x/IncomingWebhook/y",
    ],
)
def test_an_office_365_connector_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make_teams(url=url)

    assert "url is that of an Office 365 connector, which Microsoft has shut down" in str(caught.value)
    assert "take 'Send webhook alerts to a channel' and use the address it gives" in str(caught.value)
    assert "webhookb2" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": f"http://logic.example.com{PATH}"}, "url has to begin with https://"),
        ({"url": ""}, "url has to begin with https://"),
        ({"style": "thread"}, "teams cannot answer in threads; use style: post"),
        ({"channel": "general"}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        make_teams(**options)

    assert SIGNATURE not in str(caught.value)


def test_an_address_that_is_none_fails_for_good_when_it_is_used(transport: Transport) -> None:
    teams = make_teams(url="https://[::1")

    with pytest.raises(DeliveryError, match="the URL is not one of http or https") as caught:
        teams.send(make_message(teams), make_outgoing(), transport)

    assert caught.value.permanent
