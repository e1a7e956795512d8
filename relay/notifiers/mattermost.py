"""Mattermost, by an incoming webhook or by a bot token and a channel."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from relay.markup import MARKUPS, MORE, one_line
from relay.model import Answer, Message
from relay.notifiers.base import (
    AllowPrivate,
    Notifier,
    OptionalSecret,
    OptionalText,
    Outgoing,
    is_web_address,
)
from relay.notifiers.parts.chat import COLOURS, fitting, links, title_link
from relay.notifiers.parts.mattermost_answers import judge_api, judge_webhook
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Transport

# https://docs.mattermost.com/configure/rate-limiting-configuration-settings.html, where it is turned on
A_SECOND = 10.0
BURST = 20
# A post holds 16,383 characters (https://developers.mattermost.com/api-documentation/#/operations/CreatePost);
# its attachments, as JSON, 8000 on older servers (PostPropsMaxRunes), far more on newer ones.
ATTACHMENTS = 7600
TITLE = 300
TEXT = 3000
FACT_NAME = 100
FACT_VALUE = 300
MOST_FACTS = 20
LINKS = 1000
FOOTER = 300
MOST_MENTIONS = 20
CHANNEL_ID = re.compile(r"[a-z0-9]{26}")

MARKUP = MARKUPS["mattermost"]


class Mattermost(Notifier):
    """Posts to a Mattermost channel; with a token also edits, threads and sends direct messages."""

    markup: ClassVar[str] = "mattermost"
    rate: ClassVar[float | None] = A_SECOND
    burst: ClassVar[int] = BURST
    in_flight: ClassVar[int | None] = 4

    type: Literal["mattermost"] = "mattermost"
    url: Secret = Field(
        description="The address of an incoming webhook; with `token`, the server's: `https://chat.example.com`."
    )
    token: OptionalSecret = Field(default=None, description="A bot's access token.")
    channel: OptionalText = Field(default=None, description="With `token`: a channel's id, 26 characters.")
    allow_private: AllowPrivate = False

    @model_validator(mode="after")
    def _has_one_way_to_post(self) -> "Mattermost":
        if not is_web_address(self.url, self.allow_private):
            raise ValueError("url has to begin with https://")
        if not self.token and self.style == "thread":
            raise ValueError(
                "style: thread needs token and channel; an incoming webhook cannot answer in threads"
            )
        if bool(self.token) != bool(self.channel):
            raise ValueError(f"{'channel' if self.token else 'token'} is missing or empty")
        if self.channel and not CHANNEL_ID.fullmatch(self.channel):
            raise ValueError("channel is a channel's id, 26 letters and digits; see its menu, View Info")
        if self.token and "/hooks/" in self.url.reveal():
            raise ValueError("with token, url is the server's address and not a webhook's")
        return self

    def destination(self) -> str:
        return self._destination_of(self.url, self.token, self.channel)

    @property
    def can_edit(self) -> bool:
        return self.token is not None

    @property
    def can_thread(self) -> bool:
        return self.token is not None

    def address_of(self, person: PersonSpec) -> str | None:
        """A person's user name."""
        name = _user_name(person)
        return name if self.token and name else None

    def remarks(self) -> tuple[str, ...]:
        return (f"channel {self.channel}",) if self.channel else ("incoming webhook",)

    def mention(self, person: PersonSpec) -> str:
        return _mention(person)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """The title as text, which notifications show too; the rest beside a bar that shows the level."""
        content = _content(message, outgoing)
        if not self.token:
            return content
        props = content.get("props") if isinstance(content.get("props"), dict) else {}
        attachments = content.get("attachments", [])
        post = {"message": content["text"], "props": {**(props or {}), "attachments": attachments}}
        return {**post, **self._place(outgoing)}

    def _place(self, outgoing: Outgoing) -> dict[str, str]:
        """An edit has none; a direct message's is found out before it is sent."""
        card = self._card(outgoing)
        if card:
            return {} if self.style == "update" else {"channel_id": card["channel_id"], "root_id": card["id"]}
        return {"channel_id": "" if outgoing.direct else self.channel or ""}

    def _card(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The receipt of the message to edit or to answer, empty when there is none."""
        is_usable = self.token and self.style != "post" and {"id", "channel_id"} <= outgoing.card.keys()
        return outgoing.card if is_usable else {}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        if not self.token:
            return transport.post(
                self.url,
                json=self.payload(message, outgoing),
                timeout=self.seconds,
                allow_private=self.allow_private,
                judge=judge_webhook,
            )
        if card := self._card(outgoing):
            answer = self._answer_card(card, message, outgoing, transport)
            if answer.status is not None:
                return replace(answer, receipt=card)
        return self._post_anew(message, replace(outgoing, card={}), transport)

    def _answer_card(
        self, card: Mapping[str, str], message: Message, outgoing: Outgoing, transport: Transport
    ) -> Answer:
        """Edits or answers; without a status when the message to edit or to answer is gone."""
        body = self.payload(message, outgoing)
        if self.style == "update":
            path = f"posts/{quote(card['id'], safe='')}/patch"
            return self._call(transport, "PUT", path, body, has_card=True)
        return self._call(transport, "POST", "posts", body, has_card=True)

    def _post_anew(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        body, is_direct = self.payload(message, outgoing), outgoing.direct is not None
        if outgoing.direct:
            body["channel_id"] = self._direct_channel(outgoing.direct, transport)
        return self._call(transport, "POST", "posts", body, is_direct=is_direct)

    def _direct_channel(self, person: PersonSpec, transport: Transport) -> str:
        """The id of the bot's channel with the person, which is made when there is none yet."""
        name = quote(_user_name(person), safe="")
        paths = ("users/me", f"users/username/{name}")
        users = [self._call(transport, "GET", path, is_direct=True).receipt["id"] for path in paths]
        return self._call(transport, "POST", "channels/direct", users, is_direct=True).receipt["id"]

    def _call(
        self,
        transport: Transport,
        method: str,
        path: str,
        body: Any = None,
        *,
        has_card: bool = False,
        is_direct: bool = False,
    ) -> Answer:
        token = self.token or Secret("")
        return transport.post(
            f"{self.url.reveal().rstrip('/')}/api/v4/{path}",
            method=method,
            json=body,
            headers={"Authorization": Secret(f"Bearer {token.reveal()}")},
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(token,),
            judge=lambda reply: judge_api(reply, has_card=has_card, is_direct=is_direct),
        )


def _content(message: Message, outgoing: Outgoing) -> dict[str, Any]:
    """As an incoming webhook takes it."""
    text = _text(message, outgoing)
    if isinstance(message.override, dict):
        return {"text": text, **message.override}
    if isinstance(message.override, list):
        return {"text": text, "attachments": message.override}
    facts = min(len(message.facts), MOST_FACTS)
    attachment = fitting(lambda kept: _attachment(message, kept), facts, _size, ATTACHMENTS)
    return {
        "text": text,
        "attachments": [{"color": COLOURS[message.level], **attachment}] if attachment else [],
    }


def _text(message: Message, outgoing: Outgoing) -> str:
    mentions = filter(None, map(_mention, outgoing.mentions[:MOST_MENTIONS]))
    return " ".join((MARKUP.bold(title_link(MARKUP, message, TITLE)), *mentions))


def _mention(person: PersonSpec) -> str:
    name = _user_name(person)
    return f"@{name}" if name else ""


def _user_name(person: PersonSpec) -> str:
    return person.ids.get("mattermost", "").removeprefix("@")


def _size(attachment: Mapping[str, Any]) -> int:
    return len(json.dumps(attachment, ensure_ascii=False))


def _attachment(message: Message, kept: int) -> dict[str, Any]:
    fields = [*_facts(message, kept), *_last_field(message)]
    attachment = {"text": MARKUP.cut(message.body, TEXT), "fields": fields}
    return {name: value for name, value in attachment.items() if value}


def _facts(message: Message, kept: int) -> Iterator[dict[str, Any]]:
    for fact in message.facts[:kept]:
        name, value = MARKUP.cut(one_line(fact.name), FACT_NAME), MARKUP.cut(fact.value, FACT_VALUE)
        yield {"title": name, "value": value, "short": True}
    if len(message.facts) > kept:
        yield {"title": "", "value": MORE.format(n=len(message.facts) - kept), "short": True}


def _last_field(message: Message) -> Iterator[dict[str, Any]]:
    """Links instead of buttons, which need a server of one's own; then the footer, with its links."""
    buttons = links(MARKUP, message.buttons, LINKS)
    lines = [line for line in (buttons, one_line(MARKUP.cut(message.footer, FOOTER))) if line]
    if lines:
        yield {"title": "", "value": "\n".join(lines), "short": False}
