"""Zulip, by a bot: each branch is a topic of the channel."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from json import dumps
from typing import ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field, model_validator

from relay import patterns
from relay.errors import DeliveryError
from relay.markup import MARKUPS, PLAIN, clean, one_line
from relay.markup.room import fit, utf8_bytes
from relay.model import Answer, Event, Fact, Message
from relay.notifiers.base import AllowPrivate, Notifier, Outgoing, is_web_address
from relay.notifiers.parts.chat import links, title_link
from relay.notifiers.parts.zulip_answers import judge_edit, judge_sent
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Transport

# https://zulip.com/api/send-message, in bytes
MOST_BYTES = 10_000
TOPIC = 60  # characters
PART_OF_TOPIC = 40  # characters of one name, so that a long one leaves room for the other
TITLE = 300  # characters
FACT = 250  # characters
FACTS = 1000
BUTTONS = 1200  # characters
FOOTER = 500
MOST_MENTIONS = 20

TOPIC_NAMES = ("project", "branch", "workflow")
NAME = re.compile(r"\{\{\s*(\w*)\s*\}\}")
AWAKE = re.compile(r"(?<=:)//|(?<=\w)\.(?=[^\W\d_])")  # what Zulip makes links of in topics
EVERYBODY = {"all", "everyone", "channel", "stream", "topic"}  # names that call more than one person

MARKUP = MARKUPS["zulip"]


class Zulip(Notifier):
    """Posts to a channel in Zulip as a bot."""

    markup: ClassVar[str] = "zulip"
    # of 200 a minute: https://zulip.com/api/rest-error-handling#rate-limit-exceeded
    rate: ClassVar[float | None] = 2.0
    burst: ClassVar[int] = 5
    in_flight: ClassVar[int | None] = 2
    body_limit: ClassVar[int] = 5000

    type: Literal["zulip"] = "zulip"
    url: str = Field(description="The address of the organization, `https://acme.zulipchat.com`.")
    email: str = Field(description="The bot's e-mail address.")
    token: Secret = Field(description="The bot's API key.")
    channel: str = Field(description="The channel's name, without #.")
    topic: str = Field(
        default="{{ project }} / {{ branch }}",
        description="The topic; may name `project`, `branch` and `workflow`.",
    )
    allow_private: AllowPrivate = False

    @model_validator(mode="after")
    def _can_be_sent(self) -> "Zulip":
        if not is_web_address(self.url, self.allow_private):
            raise ValueError("url has to begin with https://")
        for name in ("email", "token", "channel", "topic"):
            value = getattr(self, name)
            if not (value.reveal() if isinstance(value, Secret) else value).strip():
                raise ValueError(f"{name} is empty")
        unknown = [name for name in NAME.findall(self.topic) if name not in TOPIC_NAMES]
        if unknown:
            raise ValueError(f"topic: unknown name {unknown[0]!r}; there are {', '.join(TOPIC_NAMES)}")
        return self

    @property
    def can_edit(self) -> bool:
        return True

    @property
    def can_thread(self) -> bool:
        return True

    def destination(self) -> str:
        return self._destination_of(self.url.rstrip("/"), self.email, self.channel.lower())

    def remarks(self) -> tuple[str, ...]:
        return (f"#{self.channel}",)

    def mention(self, person: PersonSpec) -> str:
        return _mention(person)

    def address_of(self, person: PersonSpec) -> str | None:
        """The number behind the full name, as in `Alice Archer|42`; else the first e-mail address."""
        if not _mention(person):
            return None
        number = person.ids["zulip"].rpartition("|")[2]
        emails = (email for email in person.emails if patterns.is_plain(email))
        return number if number.isdecimal() else next(emails, None)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, str]:
        """The fields of the form."""
        own = message.override if isinstance(message.override, dict) else {}
        said = {
            "content": _content(message, outgoing),
            **self._topic_of(outgoing),
            **own,
            **self._place(outgoing),
        }
        sent = {"content": said["content"]} if self._edits(outgoing) else said
        return {name: str(value) for name, value in sent.items()}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        if self._edits(outgoing):
            number = outgoing.card["id"]
            answer = self._call("PATCH", f"messages/{number}", message, outgoing, transport)
            if answer.receipt:
                return replace(answer, receipt=dict(outgoing.card))
            outgoing = replace(outgoing, card={})
        answer = self._call("POST", "messages", message, outgoing, transport)
        is_reply = self.style == "thread" and outgoing.card
        return replace(answer, receipt=dict(outgoing.card)) if is_reply else answer

    def _call(
        self, method: str, path: str, message: Message, outgoing: Outgoing, transport: Transport
    ) -> Answer:
        basic = b64encode(f"{self.email}:{self.token.reveal()}".encode()).decode()
        is_direct = outgoing.direct is not None
        return transport.post(
            f"{self.url.rstrip('/')}/api/v1/{path}",
            body=urlencode(self.payload(message, outgoing), errors="replace").encode(),
            headers={
                "Authorization": Secret(f"Basic {basic}"),
                "Content-Type": "application/x-www-form-urlencoded",
            },
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.token, Secret(basic)),
            method=method,
            judge=partial(judge_edit if method == "PATCH" else judge_sent, is_direct=is_direct),
        )

    def _edits(self, outgoing: Outgoing) -> bool:
        return self.style == "update" and outgoing.card.get("id", "").isdecimal()

    def _topic_of(self, outgoing: Outgoing) -> dict[str, str]:
        return {} if outgoing.direct else {"topic": topic_of(self.topic, outgoing.events[0])}

    def _place(self, outgoing: Outgoing) -> dict[str, str]:
        """Where it goes, in words that old servers know too; a template of one's own cannot change that."""
        if outgoing.direct is None:
            return {"type": "stream", "to": dumps(self.channel, ensure_ascii=False)}
        address = self.address_of(outgoing.direct)
        if address is None:
            raise DeliveryError(f"people.{outgoing.direct.key} has no address in Zulip", permanent=True)
        return {"type": "private", "to": dumps([int(address) if address.isdecimal() else address])}


def topic_of(template: str, event: Event) -> str:
    """The same for all that happens on a branch; its names are text, never a template themselves."""
    names = {
        "project": event.project.name or event.project.slug.rsplit("/", 1)[-1],
        "branch": event.branch or event.tag or "no branch",
        "workflow": event.workflow.name or event.job.name or "no workflow",
    }
    parts = {name: PLAIN.cut(_harmless(value), PART_OF_TOPIC) for name, value in names.items()}
    said = NAME.sub(lambda found: parts[found[1]], one_line(clean(template)))
    return PLAIN.cut(said, TOPIC)


def _harmless(text: str) -> str:
    return AWAKE.sub("\\g<0>\u200b", one_line(clean(text)).replace("\u2714", ""))


def _content(message: Message, outgoing: Outgoing) -> str:
    """At most what Zulip takes; the body gives way."""
    head = _head(message, outgoing)
    foot = "\n".join(_foot(message))
    room = MOST_BYTES - utf8_bytes(head) - utf8_bytes(foot) - len("\n\n\n")
    body = fit(MARKUP, message.body, room, utf8_bytes)
    return "\n\n".join(filter(None, ("\n".join(filter(None, (head, body))), foot)))


def _head(message: Message, outgoing: Outgoing) -> str:
    title = MARKUP.bold(title_link(MARKUP, message, TITLE))
    return " ".join((title, *filter(None, map(_mention, outgoing.mentions[:MOST_MENTIONS]))))


def _foot(message: Message) -> Iterator[str]:
    if message.facts:
        yield fit(MARKUP, " · ".join(map(_fact, message.facts)), FACTS, utf8_bytes)
    if buttons := links(MARKUP, message.buttons, BUTTONS):
        yield buttons
    if message.footer:
        yield fit(MARKUP, message.footer, FOOTER, utf8_bytes)


def _fact(fact: Fact) -> str:
    return MARKUP.cut(f"{MARKUP.bold(MARKUP.marked(fact.name))} {fact.value}", FACT)


def _mention(person: PersonSpec) -> str:
    """`@**Alice Archer**`; nothing for a name that would call everybody or end early."""
    name = person.ids.get("zulip", "").strip()
    is_one = name.isprintable() and not set(name) & set("*`\\") and name.lower() not in EVERYBODY
    return f"@**{name}**" if name and is_one else ""
