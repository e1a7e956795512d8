"""Matrix, by the client API of a homeserver: messages, edits and threads in one room."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, field_validator, model_validator

from relay.errors import DeliveryError
from relay.markup import clean, one_line
from relay.model import Answer, Message
from relay.notifiers.base import AllowPrivate, Notifier, Outgoing, is_web_address
from relay.notifiers.parts.matrix_content import BODY_LIMITS, called_in, content, edit, in_thread
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Reply, Transport, failure, judge

LONGEST_REASON = 300  # characters
ROOM = re.compile(r"![^\s/]+|#[^\s:]+:\S+")  # an id, of which the newest name no server; or an alias

# https://spec.matrix.org/latest/client-server-api/#standard-error-response
TEMPORARY = {"M_LIMIT_EXCEEDED", "M_RESOURCE_LIMIT_EXCEEDED"}
REMEDIES: Mapping[str, str] = {  # with these no other message gets through either
    "M_CONSENT_NOT_GIVEN": "the token's user has to accept the homeserver's terms",
    "M_FORBIDDEN": "invite the token's user, let it join the room, and allow it to write there",
    "M_GUEST_ACCESS_FORBIDDEN": "make a user of its own for `token`",
    "M_MISSING_TOKEN": "check `token`",
    "M_NOT_FOUND": "check `room`",
    "M_UNKNOWN_TOKEN": "renew `token`",
    "M_UNRECOGNIZED": "check `homeserver`",
    "M_USER_DEACTIVATED": "the token's user is deactivated",
    "M_USER_LOCKED": "the token's user is locked",
    "M_USER_SUSPENDED": "the token's user is suspended",
}

UNSEEN = (403, 404)  # an event from before the user came back to the room, or none

Judge = Callable[[Reply], Answer]


class Matrix(Notifier):
    """Posts to a Matrix room."""

    markup: ClassVar[str] = "matrix"
    rate: ClassVar[float | None] = 0.2  # what Synapse allows a user unless its administrator allows more
    burst: ClassVar[int] = 10
    in_flight: ClassVar[int | None] = 2
    body_limit: ClassVar[int] = BODY_LIMITS[0]

    type: Literal["matrix"] = "matrix"
    homeserver: str = Field(description="Where the homeserver's client API is, `https://matrix.example.com`.")
    token: Secret = Field(description="An access token of the user that posts.")
    room: str = Field(
        description="The room's id, `!…`, or an alias, `#ci:example.com`; in quotes, for # begins a comment."
    )
    allow_private: AllowPrivate = False

    @field_validator("homeserver")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _can_post(self) -> "Matrix":
        if not self.token:
            raise ValueError("token is missing or empty")
        if not is_web_address(self.homeserver, self.allow_private):
            raise ValueError("homeserver has to begin with https://")
        if not ROOM.fullmatch(self.room):
            raise ValueError(
                "room: wanted an id such as !abc:example.com or an alias such as #ci:example.com"
            )
        return self

    def destination(self) -> str:
        return self._destination_of(self.homeserver, self.token, self.room)

    @property
    def can_edit(self) -> bool:
        return True

    @property
    def can_thread(self) -> bool:
        return True

    def remarks(self) -> tuple[str, ...]:
        return (self.room,)

    def mention(self, person: PersonSpec) -> str:
        return person.ids.get("matrix") or ""

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """The event's content: an edit or an answer when the conversation has a message already."""
        made, earlier = content(message, outgoing), outgoing.card.get("event_id")
        if earlier and self.style == "update":
            return edit(made, earlier, outgoing.card)
        if earlier and self.style == "thread":
            return {**made, "m.relates_to": in_thread(earlier)}
        return made

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        room, card = self._room_id(outgoing, transport), outgoing.card
        called = " ".join(dict.fromkeys([*card.get("mentioned", "").split(), *called_in(outgoing)]))
        earlier = card.get("event_id") if self.style != "post" else None
        if earlier and self._stands(room, earlier, transport):
            answer = self._put(room, f"{outgoing.delivery_id}-{self.style}", message, outgoing, transport)
            return replace(answer, receipt={**card, "mentioned": called})
        answer = self._put(room, outgoing.delivery_id, message, replace(outgoing, card={}), transport)
        return replace(answer, receipt={**answer.receipt, "room": room, "mentioned": called})

    def _put(
        self, room: str, transaction: str, message: Message, outgoing: Outgoing, transport: Transport
    ) -> Answer:
        """The homeserver takes a transaction once, and repeats what it answered."""
        path = f"rooms/{_quoted(room)}/send/m.room.message/{_quoted(transaction)}"
        made = self.payload(message, outgoing)
        return self._call("PUT", path, transport, _giving("event_id"), json=made)

    def _room_id(self, outgoing: Outgoing, transport: Transport) -> str:
        if self.room.startswith("!"):
            return self.room
        if known := outgoing.card.get("room"):
            return known
        path = f"directory/room/{_quoted(self.room)}"
        return self._call("GET", path, transport, _giving("room_id")).receipt["room_id"]

    def _stands(self, room: str, event: str, transport: Transport) -> bool:
        """Whether the message is still there: a homeserver edits and answers deleted ones without a word."""
        path = f"rooms/{_quoted(room)}/event/{_quoted(event)}"
        try:
            return "deleted" not in self._call("GET", path, transport, judge_event).receipt
        except DeliveryError as error:
            if error.status in UNSEEN:
                return False
            raise

    def _call(
        self, method: str, path: str, transport: Transport, judge: Judge, *, json: Any = None
    ) -> Answer:
        return transport.post(
            f"{self.homeserver}/_matrix/client/v3/{path}",
            method=method,
            json=json,
            headers={"Authorization": Secret(f"Bearer {self.token.reveal()}")},
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.token,),
            judge=judge,
        )


def judge_matrix(reply: Reply) -> Answer:
    """The answer when it is good; else what the homeserver's error code means."""
    if not 200 <= reply.status < 300:
        raise _refusal(reply)
    return judge(reply)


def judge_event(reply: Reply) -> Answer:
    """Whether an event was deleted. One with all its edits may be too long to read: it was not."""
    answer, extra = judge_matrix(reply), _said(reply).get("unsigned")
    is_deleted = isinstance(extra, dict) and "redacted_because" in extra
    return replace(answer, receipt={"deleted": "yes"} if is_deleted else {})


def _giving(name: str) -> Judge:
    """A judge that wants this id in the answer, and gives it in the receipt."""

    def judge_id(reply: Reply) -> Answer:
        answer, found = judge_matrix(reply), _said(reply).get(name)
        if not isinstance(found, str):
            raise DeliveryError(
                "the answer is not a homeserver's", status=reply.status, excerpt=reply.excerpt
            )
        return replace(answer, receipt={name: found})

    return judge_id


def _refusal(reply: Reply) -> DeliveryError:
    said = _said(reply)
    code = one_line(clean(str(said.get("errcode") or "")))[:100]
    if not code:
        return failure(reply)
    words = one_line(clean(str(said.get("error") or "")))[:LONGEST_REASON]
    remedy = f"({REMEDIES[code]})" if code in REMEDIES else ""
    return failure(
        reply,
        " ".join(filter(None, (f"the homeserver says {code}:", words, remedy))),
        permanent=reply.status < 500 and code not in TEMPORARY,
        is_dead=code in REMEDIES,
    )


def _said(reply: Reply) -> Mapping[str, Any]:
    said = reply.json()
    return said if isinstance(said, dict) else {}


def _quoted(part: str) -> str:
    return quote(part, safe="")
