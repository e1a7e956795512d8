"""Matrix: the payload, its limits, and what a homeserver's answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Button, Fact, Level, Message
from relay.notifiers.matrix import Matrix
from relay.notifiers.parts.matrix_content import MOST_BYTES
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

TOKEN = "syt_not-a-real-token"
ROOM = "!ci:example.com"
ALICE = PersonSpec(key="alice", ids={"matrix": "@alice:example.com"})
BOB = PersonSpec(key="bob", ids={"slack": "U045FGHIJ"})
CARD = {"event_id": "$first", "room": ROOM, "mentioned": ""}
SENT = Play(body=b'{"event_id": "$new"}')
THERE = Play(body=b'{"event_id": "$first", "content": {"body": "hello"}, "unsigned": {"age": 3}}')
DELETED = Play(body=b'{"event_id": "$first", "content": {}, "unsigned": {"redacted_because": {}}}')
SENDING = "/_matrix/client/v3/rooms/%21ci%3Aexample.com/send/m.room.message"


def make(**more: Any) -> Matrix:
    told = {"homeserver": "https://matrix.example.com", "token": TOKEN, "room": ROOM}
    return Matrix.model_validate({**told, **more})


def local(url: str, **more: Any) -> Matrix:
    return make(homeserver=url, allow_private=True, **more)


def content(message: Message, **more: Any) -> dict[str, Any]:
    return make().payload(message, make_outgoing(**more))


def send(notifier: Matrix, transport: Transport, **more: Any) -> Answer:
    return notifier.send(Message(title="hello"), make_outgoing(delivery_id="d1", **more), transport)


def refused(transport: Transport, status: int, code: str, **more: Any) -> DeliveryError:
    body = json.dumps({"errcode": code, "error": "No.", **more}).encode()
    with Sink(Play(status=status, body=body)) as sink, pytest.raises(DeliveryError) as caught:
        send(local(sink.url), transport)
    return caught.value


# the payload


def test_the_payload_in_full() -> None:
    event, notifier = make_broken(), make()

    assert notifier.payload(make_message(notifier), make_outgoing(mentions=(ALICE, BOB))) == {
        "msgtype": "m.text",
        "body": "🔴 api / build-and-deploy broke on main\n"
        f"Fix <!channel> & login ({event.commit.url}) by Alice Archer\n"
        "- Run tests exit code 2\n"
        "Pipeline #7812, Took 4 min 12 s, Commit a1b2c3d\n"
        f"{event.url}\n"
        "@alice:example.com",
        "format": "org.matrix.custom.html",
        "formatted_body": '<p><span data-mx-color="#e01e5a">▌</span>'
        f'<b><a href="{event.url}">🔴 api / build-and-deploy broke on main</a></b></p>'
        f'<p><a href="{event.commit.url}">Fix &lt;!channel&gt; &amp; login</a> by Alice Archer<br>'
        "- <code>Run tests</code> exit code 2</p>"
        "<p><b>Pipeline</b> #7812 · <b>Took</b> 4 min 12 s · <b>Commit</b> <code>a1b2c3d</code></p>"
        f'<p><a href="{event.url}">Open in CircleCI</a> · <a href="{event.commit.url}">Commit</a></p>'
        '<p><a href="https://matrix.to/#/@alice:example.com">@alice:example.com</a></p>'
        "<p><sub>route trunk-broke · "
        f'<a href="https://relay.example.com/events/{event.id}">event {event.id}</a></sub></p>',
        "m.mentions": {"user_ids": ["@alice:example.com"]},
    }


def test_nobody_is_meant_unless_the_configuration_says_so() -> None:
    assert content(Message(title="hello"), mentions=(BOB,))["m.mentions"] == {}


def test_an_update_replaces_the_message() -> None:
    made = make(style="update").payload(Message(title="hello"), make_outgoing(card=CARD))

    assert made["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$first"}
    assert made["m.new_content"] == content(Message(title="hello"))
    assert made["body"] == "* hello"


def test_an_update_pings_only_whom_the_message_did_not_yet() -> None:
    carol = PersonSpec(key="carol", ids={"matrix": "@carol:example.com"})
    outgoing = make_outgoing(card={**CARD, "mentioned": "@alice:example.com"}, mentions=(ALICE, carol))

    made = make(style="update").payload(Message(title="hello"), outgoing)

    assert made["m.mentions"] == {"user_ids": ["@carol:example.com"]}
    assert made["m.new_content"]["m.mentions"] == {"user_ids": ["@alice:example.com", "@carol:example.com"]}


def test_an_answer_stands_in_the_thread() -> None:
    made = make(style="thread").payload(Message(title="hello"), make_outgoing(card=CARD))

    assert made == {
        **content(Message(title="hello")),
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": "$first",
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": "$first"},
        },
    }


def test_buttons_are_escaped_once() -> None:
    buttons = (Button(text="a &amp; b", url="https://example.com/"),)

    made = content(Message(title="x", buttons=buttons))

    assert '<a href="https://example.com/">a &amp; b</a>' in made["formatted_body"]


def test_style_post_never_relates() -> None:
    assert "m.relates_to" not in make().payload(Message(title="hello"), make_outgoing(card=CARD))


def test_lines_of_code_keep_their_ends() -> None:
    body = MARKUPS["matrix"].text("a\nb") + MARKUPS["matrix"].code_block("c\nd")

    assert "<p>a<br>b<pre>c\nd</pre></p>" in content(Message(title="x", body=body))["formatted_body"]


def test_a_template_of_ones_own_replaces_what_it_names_but_no_mentions() -> None:
    own = {"body": "mine", "m.mentions": {"room": True}}

    made = content(Message(title="hello", override=own))

    assert (made["body"], made["m.mentions"]) == ("mine", {})


@pytest.mark.parametrize("style", ["post", "update"])
@pytest.mark.parametrize("letter", ["x", "日", "\\", '"', "&lt;"])
def test_everything_too_long_fits_into_an_event(style: str, letter: str) -> None:
    long = letter * 10_000
    message = Message(
        title=long,
        body="\n".join([long] * 5),
        facts=tuple(Fact(name=long, value=long) for _ in range(500)),
        buttons=tuple(Button(text=long, url="https://example.com/" + "x" * 900) for _ in range(500)),
        footer=long,
        level=Level.WARNING,
    )

    made = make(style=style).payload(message, make_outgoing(card=CARD, mentions=(ALICE,) * 500))

    assert len(json.dumps(made, ensure_ascii=False).encode()) <= MOST_BYTES + 2000
    assert "<p>" in json.dumps(made)


def test_a_thousand_lines_say_that_there_are_more() -> None:
    events = tuple(replace(make_broken(), id=f"e{number}") for number in range(500))
    notifier = make()

    made = notifier.payload(make_message(notifier, *events), make_outgoing(events=events))

    assert " more<br>" in made["formatted_body"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@room @Room", "@\u200broom @\u200bRoom"),
        ("<a href='x'>y</a>", "&lt;a href=&#x27;x&#x27;&gt;y&lt;/a&gt;"),
        ("https://evil.example.com", "https:\u200b//evil.example.com"),
        ("see www.evil.example.com", "see www\u200b.evil.example.com"),
        ("abc\u202egpj \x1b[2J", "abc\ufffdgpj ␛[2J"),
        ("@alice:example.com", "@alice:example.com"),
        ("plain words, 100 %", "plain words, 100 %"),
    ],
)
def test_what_a_stranger_wrote_pings_and_links_nothing(text: str, said: str) -> None:
    assert MARKUPS["matrix"].text(text) == said


def test_code_calls_no_room_either() -> None:
    body = MARKUPS["matrix"].code("@room")

    assert "@room" not in content(Message(title="x", body=body))["body"]


def test_hostile_fields_stay_in_their_line() -> None:
    hostile = "x\n<b>@room</b>\r\n[x](http://evil)\x00"
    event = replace(make_broken(), branch=hostile, commit=make_commit(subject=hostile))
    notifier = make()

    made = notifier.payload(make_message(notifier, event), make_outgoing(events=(event,)))

    assert made["body"].partition("\n")[0].endswith("[x](http:\u200b//evil)␀")
    assert "<b>@" not in made["formatted_body"]
    assert made["m.mentions"] == {}


# sending


def test_a_message_is_put_once_for_each_delivery(transport: Transport) -> None:
    with Sink(SENT) as sink:
        answer = send(local(sink.url), transport)

    [request] = sink.requests
    assert (request.method, request.path) == ("PUT", f"{SENDING}/d1")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert answer.receipt == {"event_id": "$new", "room": ROOM, "mentioned": ""}


def test_an_alias_is_looked_up_first(transport: Transport) -> None:
    with Sink(Play(body=b'{"room_id": "!ci:example.com", "servers": []}'), SENT) as sink:
        send(local(sink.url, room="#ci:example.com"), transport)

    paths = [request.path for request in sink.requests]
    assert paths == ["/_matrix/client/v3/directory/room/%23ci%3Aexample.com", f"{SENDING}/d1"]


def test_a_room_once_found_is_not_looked_up_again(transport: Transport) -> None:
    with Sink(THERE, SENT) as sink:
        send(local(sink.url, room="#ci:example.com", style="thread"), transport, card=CARD)

    assert "directory" not in "".join(request.path for request in sink.requests)


@pytest.mark.parametrize("style", ["update", "thread"])
def test_a_conversation_goes_on_below_its_first_message(transport: Transport, style: str) -> None:
    with Sink(THERE, SENT) as sink:
        answer = send(local(sink.url, style=style), transport, card=CARD, mentions=(ALICE,))

    assert sink.requests[1].path == f"{SENDING}/d1-{style}"
    assert "m.relates_to" in sink.requests[1].json()
    assert answer.receipt == {**CARD, "mentioned": "@alice:example.com"}


@pytest.mark.parametrize(
    "gone",
    [
        DELETED,
        Play(status=404, body=b'{"errcode": "M_NOT_FOUND", "error": "Event not found."}'),
        Play(status=403, body=b'{"errcode": "M_FORBIDDEN", "error": "You cannot see that event."}'),
    ],
    ids=["deleted", "unknown", "from before the user came back"],
)
def test_a_message_that_is_gone_is_posted_anew(transport: Transport, gone: Play) -> None:
    with Sink(gone, SENT) as sink:
        answer = send(local(sink.url, style="update"), transport, card=CARD)

    assert sink.requests[1].path == f"{SENDING}/d1"
    assert "m.relates_to" not in sink.requests[1].json()
    assert answer.receipt["event_id"] == "$new"


def test_a_message_too_long_to_read_back_is_edited(transport: Transport) -> None:
    long = Play(body=b'{"event_id": "$first", "content": {"body": "' + b"x" * 70_000 + b'"}}')

    with Sink(long, SENT) as sink:
        answer = send(local(sink.url, style="update"), transport, card=CARD)

    assert answer.receipt["event_id"] == "$first"


# answers


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (401, "M_UNKNOWN_TOKEN", "renew `token`"),
        (401, "M_MISSING_TOKEN", "check `token`"),
        (403, "M_FORBIDDEN", "invite the token's user, let it join the room, and allow it to write there"),
        (403, "M_GUEST_ACCESS_FORBIDDEN", "make a user of its own for `token`"),
        (403, "M_CONSENT_NOT_GIVEN", "the token's user has to accept the homeserver's terms"),
        (403, "M_USER_DEACTIVATED", "the token's user is deactivated"),
        (403, "M_USER_SUSPENDED", "the token's user is suspended"),
        (401, "M_USER_LOCKED", "the token's user is locked"),
        (404, "M_UNRECOGNIZED", "check `homeserver`"),
        (404, "M_NOT_FOUND", "check `room`"),
    ],
)
def test_with_these_nothing_gets_through(transport: Transport, status: int, code: str, remedy: str) -> None:
    error = refused(transport, status, code)

    assert str(error) == f"HTTP {status}: the homeserver says {code}: No. ({remedy})"
    assert error.is_dead


@pytest.mark.parametrize(
    ("status", "code"), [(413, "M_TOO_LARGE"), (400, "M_BAD_JSON"), (400, "M_NOT_JSON"), (400, "M_UNKNOWN")]
)
def test_a_message_that_is_refused_is_not_the_end(transport: Transport, status: int, code: str) -> None:
    error = refused(transport, status, code)

    assert (error.permanent, error.is_dead) == (True, False)


def test_too_many_messages_wait_as_long_as_the_homeserver_says(transport: Transport) -> None:
    error = refused(transport, 429, "M_LIMIT_EXCEEDED", retry_after_ms=2500)

    assert (error.permanent, error.retry_after) == (False, 2.5)


@pytest.mark.parametrize(
    ("status", "code"), [(403, "M_RESOURCE_LIMIT_EXCEEDED"), (500, "M_UNKNOWN"), (502, ""), (429, "")]
)
def test_an_error_that_may_pass_is_temporary(transport: Transport, status: int, code: str) -> None:
    assert not refused(transport, status, code).permanent


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b"[]", b'{"event_id": 5}'])
def test_an_answer_that_is_no_homeservers_is_temporary(transport: Transport, body: bytes) -> None:
    with Sink(Play(body=body)) as sink, pytest.raises(DeliveryError, match="not a homeserver's") as caught:
        send(local(sink.url), transport)

    assert not caught.value.permanent


def test_the_token_is_in_no_error(transport: Transport) -> None:
    error = refused(transport, 400, f"M_{TOKEN}")

    assert TOKEN not in str(error) + error.excerpt + repr(make())


# configuration


def test_it_edits_and_threads() -> None:
    assert make().can_edit
    assert make().can_thread


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"token": ""}, "token is missing or empty"),
        ({"homeserver": "http://matrix.example.com"}, "homeserver has to begin with https://"),
        ({"room": ""}, "room: wanted an id such as !abc:example.com or an alias such as #ci:example.com"),
        ({"room": "ci"}, "room: wanted an id"),
        ({"room": "#ci"}, "room: wanted an id"),
        ({"room": "@alice:example.com"}, "room: wanted an id"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**options)

    assert problem in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("room", ["!abc:example.com", "!hashWithoutServer_-1", "#ci:example.com:8448"])
def test_rooms_of_every_kind_are_understood(room: str) -> None:
    assert make(room=room).remarks() == (room,)


@pytest.mark.parametrize(("is_silent", "kind"), [(True, "m.notice"), (False, "m.text")])
def test_a_silent_message_is_a_notice(is_silent: bool, kind: str) -> None:
    assert content(Message(title="hello"), is_silent=is_silent)["msgtype"] == kind
