"""Matrix against a real homeserver: what a room shows in the end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from relay.errors import DeliveryError
from relay.model import Answer, Message
from relay.notifiers.matrix import Matrix
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit
from tests.homeserver import SERVER_NAME, Homeserver
from tests.notifiers.factories import make_broken, make_message, make_outgoing

ALICE = PersonSpec(key="alice", ids={"matrix": f"@alice:{SERVER_NAME}"})


@dataclass(frozen=True, kw_only=True)
class Room:
    """A room, and the users the tests need."""

    server: Homeserver
    id: str
    alias: str
    bot: str  # tokens
    stranger: str
    admin: str

    def notifier(self, **more: Any) -> Matrix:
        told = {"homeserver": self.server.url, "token": self.bot, "room": self.id, "allow_private": True}
        return Matrix.model_validate({**told, **more})

    def event(self, answer: Answer) -> dict[str, Any]:
        return self.server.event(self.bot, self.id, answer.receipt["event_id"])


@pytest.fixture(scope="session")
def shared_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    server = Homeserver(tmp_path_factory.mktemp("homeserver"))
    try:
        bot, stranger = server.make_user("relay"), server.make_user("stranger")
        admin = server.make_user("root", is_admin=True)
        room = server.make_room(bot, "ci")
        yield Room(
            server=server, id=room, alias=f"#ci:{SERVER_NAME}", bot=bot, stranger=stranger, admin=admin
        )
    finally:
        server.stop()


@pytest.fixture
def room(shared_room: Room) -> Room:
    """The homeserver is shared; each test has a room of its own."""
    return replace(shared_room, id=shared_room.server.make_room(shared_room.bot))


def send(matrix: Matrix, transport: Transport, delivery: str, text: str = "hello", **more: Any) -> Answer:
    outgoing = make_outgoing(delivery_id=delivery, **more)
    return matrix.send(Message(title=text), outgoing, transport)


def test_the_room_shows_what_was_sent(room: Room, transport: Transport) -> None:
    matrix = room.notifier()
    message, outgoing = make_message(matrix), make_outgoing(mentions=(ALICE,))

    answer = matrix.send(message, outgoing, transport)

    assert room.event(answer)["content"] == matrix.payload(message, outgoing)


def test_an_alias_leads_to_the_room(shared_room: Room, transport: Transport) -> None:
    answer = send(shared_room.notifier(room=shared_room.alias), transport, "d-alias", "by alias")

    assert answer.receipt["room"] == shared_room.id
    assert shared_room.event(answer)["content"]["body"] == "by alias"


def test_the_same_delivery_again_is_shown_once(room: Room, transport: Transport) -> None:
    first = send(room.notifier(), transport, "d-repeated")

    second = send(room.notifier(), transport, "d-repeated")

    assert second.receipt == first.receipt
    assert len(room.server.messages(room.bot, room.id)) == 1


def test_an_update_edits_the_message(room: Room, transport: Transport) -> None:
    matrix = room.notifier(style="update")
    first = send(matrix, transport, "d-1", "running")

    second = send(matrix, transport, "d-2", "failed", card=first.receipt)

    assert second.receipt == first.receipt
    [edit] = room.server.related(room.bot, room.id, first.receipt["event_id"], "m.replace")
    assert edit["content"]["m.new_content"]["body"] == "failed"


def test_a_deleted_message_is_posted_anew(room: Room, transport: Transport) -> None:
    matrix = room.notifier(style="update")
    first = send(matrix, transport, "d-1", "running")
    room.server.delete(room.bot, room.id, first.receipt["event_id"])

    second = send(matrix, transport, "d-2", "failed", card=first.receipt)

    assert second.receipt["event_id"] != first.receipt["event_id"]
    assert room.event(second)["content"]["body"] == "failed"


def test_a_message_the_homeserver_does_not_know_is_posted_anew(room: Room, transport: Transport) -> None:
    card = {"event_id": "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "room": room.id}

    answer = send(room.notifier(style="update"), transport, "d-1", card=card)

    assert room.event(answer)["content"]["body"] == "hello"


def test_answers_stand_in_the_thread_of_the_first_message(room: Room, transport: Transport) -> None:
    matrix = room.notifier(style="thread")
    root = send(matrix, transport, "d-1", "broke")

    second = send(matrix, transport, "d-2", "still failing", card=root.receipt)
    third = send(matrix, transport, "d-3", "fixed", card=second.receipt)

    assert third.receipt == root.receipt
    thread = room.server.related(room.bot, room.id, root.receipt["event_id"], "m.thread")
    assert [each["content"]["body"] for each in thread] == ["fixed", "still failing"]


def test_the_longest_edit_fits_into_an_event(room: Room, transport: Transport) -> None:
    matrix = room.notifier(style="update")
    first = send(matrix, transport, "d-1")
    long = Message(title="é<" * 5000, body="\n".join(["日本\\&\"'"] * 5000), footer="\\" * 5000)

    matrix.send(long, make_outgoing(delivery_id="d-2", card=first.receipt), transport)

    assert len(room.server.related(room.bot, room.id, first.receipt["event_id"], "m.replace")) == 1


def test_hostile_text_stays_text(room: Room, transport: Transport) -> None:
    hostile = "@room <img src=x> [x](http://evil) \x1b[2J\u202e\x00 @alice:hs.example.com"
    matrix = room.notifier()
    event = replace(make_broken(), branch=hostile, commit=make_commit(subject=hostile))

    content = room.event(matrix.send(make_message(matrix, event), make_outgoing(), transport))["content"]

    assert content["m.mentions"] == {}
    assert "@room" not in content["body"]
    assert "<img" not in content["formatted_body"]
    assert "http://evil" not in content["formatted_body"]


def test_a_user_who_is_not_in_the_room_is_refused_for_good(room: Room, transport: Transport) -> None:
    with pytest.raises(DeliveryError, match="M_FORBIDDEN") as caught:
        send(room.notifier(token=room.stranger), transport, "d-1")

    assert caught.value.is_dead


def test_a_wrong_token_is_refused_for_good(room: Room, transport: Transport) -> None:
    with pytest.raises(DeliveryError, match=r"M_UNKNOWN_TOKEN: .*\(renew `token`\)") as caught:
        send(room.notifier(token="not-a-real-token"), transport, "d-1")

    assert caught.value.is_dead


def test_an_alias_of_no_room_is_refused_for_good(room: Room, transport: Transport) -> None:
    with pytest.raises(DeliveryError, match=r"M_NOT_FOUND: .*\(check `room`\)") as caught:
        send(room.notifier(room=f"#nowhere:{SERVER_NAME}"), transport, "d-1")

    assert caught.value.is_dead


def test_too_many_messages_wait_as_long_as_the_homeserver_says(room: Room, transport: Transport) -> None:
    token = room.server.make_user("hasty")
    own = replace(room, bot=token, id=room.server.make_room(token))
    room.server.slow_down(room.admin, "hasty")

    with pytest.raises(DeliveryError, match="M_LIMIT_EXCEEDED") as caught:
        [send(own.notifier(), transport, f"d-{number}") for number in range(10)]

    assert not caught.value.permanent
    assert 0 < (caught.value.retry_after or 0) <= 10
