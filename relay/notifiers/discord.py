"""Discord, by a channel's webhook."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from pydantic import Field, model_validator

from relay.markup import MARKUPS, MORE, one_line, safe_url
from relay.markup.room import utf16_units
from relay.model import Answer, Level, Message
from relay.notifiers.base import AllowPrivate, Notifier, OptionalText, Outgoing, is_web_address
from relay.notifiers.parts.chat import LONGEST_URL, fitting, links
from relay.notifiers.parts.discord_answers import judge_api
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Transport

# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
ALL_TEXT = 6000  # UTF-16 units in all texts of the embed
TITLE = 256
DESCRIPTION = 3700  # of 4096, which leaves room for some facts
MOST_FIELDS = 25
FIELD_TEXT = 1024
MOST_EMBEDS = 10
# https://discord.com/developers/docs/resources/webhook#execute-webhook
THREAD_NAME = 100
# https://discord.com/developers/docs/resources/message#message-object-message-flags
SUPPRESS_NOTIFICATIONS = 1 << 12
# These are ours.
FACT_NAME = 100
FACT_VALUE = 300
FOOTER = 300
MOST_MENTIONS = 20
BLANK = "\u200b"  # the shortest name of a field that Discord takes

COLOURS: Mapping[Level, int] = {
    Level.GOOD: 0x2EB67D,
    Level.BAD: 0xE01E5A,
    Level.WARNING: 0xECB22E,
    Level.INFO: 0x868686,
}

MARKUP = MARKUPS["discord"]


class Discord(Notifier):
    """Posts to a Discord channel, or to threads and posts of a forum channel."""

    markup: ClassVar[str] = "discord"
    rate: ClassVar[float | None] = 2.5  # as seen; https://discord.com/developers/docs/topics/rate-limits
    burst: ClassVar[int] = 5
    in_flight: ClassVar[int | None] = 2
    body_limit: ClassVar[int] = DESCRIPTION

    type: Literal["discord"] = "discord"
    url: Secret = Field(description="The address of a channel's webhook.")
    thread_id: OptionalText = Field(
        default=None, description="Posts into this thread of the webhook's channel; in quotes."
    )
    thread_name: OptionalText = Field(
        default=None,
        description="For a forum channel: what its posts are called; `{title}` is the message's title.",
    )
    allow_private: AllowPrivate = False

    @model_validator(mode="after")
    def _can_be_sent(self) -> "Discord":
        if not is_web_address(self.url, self.allow_private):
            raise ValueError("url has to begin with https://")
        if urlsplit(self.url.reveal()).path.rstrip("/").endswith(("/slack", "/github")):
            raise ValueError("leave /slack or /github off the end of url")
        if self.thread_id and self.thread_name:
            raise ValueError("write either thread_id or thread_name, not both")
        if self.style == "thread" and not self.can_thread:
            raise ValueError(
                "style: thread needs thread_id, or in a forum channel thread_name; "
                "a webhook cannot open threads in other channels"
            )
        return self

    def destination(self) -> str:
        return self._destination_of(self.url, self.thread_id)

    @property
    def can_edit(self) -> bool:
        return True

    @property
    def can_thread(self) -> bool:
        return bool(self.thread_id or self.thread_name)

    def remarks(self) -> tuple[str, ...]:
        if self.thread_name:
            return ("forum posts",)
        return (f"thread {self.thread_id}",) if self.thread_id else ()

    def mention(self, person: PersonSpec) -> str:
        return " ".join(_mentions((person,)))

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """One embed; what calls people stands outside it, for nothing within an embed does."""
        people = outgoing.mentions[:MOST_MENTIONS]
        content = {"content": " ".join(_mentions(people)), **_embeds(message)}
        named = {} if self._card(outgoing) or not self.thread_name else {"thread_name": self._thread(message)}
        return {**content, **named, **self._flags(content, outgoing), "allowed_mentions": _allowed(people)}

    def _flags(self, content: Mapping[str, Any], outgoing: Outgoing) -> dict[str, int]:
        """Only a new message can be silent; an edit makes no sound."""
        is_edit = bool(self._card(outgoing)) and self.style == "update"
        if not outgoing.is_silent or is_edit:
            return {}
        own = content.get("flags")
        return {"flags": (own if isinstance(own, int) else 0) | SUPPRESS_NOTIFICATIONS}

    def _thread(self, message: Message) -> str:
        title = one_line(message.fallback) or "CircleCI"
        return MARKUP.cut((self.thread_name or "").replace("{title}", title), THREAD_NAME)

    def _card(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The receipt of the message to edit or to answer, empty when there is none."""
        is_usable = self.style != "post" and {"id", "channel_id"} <= outgoing.card.keys()
        return outgoing.card if is_usable else {}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        card = self._card(outgoing)
        answer = self._call(message, outgoing, transport)
        if card and answer.status is None:
            return self._call(message, replace(outgoing, card={}), transport)
        return replace(answer, receipt=card) if card else answer

    def _call(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        """Posts, edits or answers; without a status when the message to edit or to answer is gone."""
        card = self._card(outgoing)
        return transport.post(
            self._address(card),
            method="PATCH" if card and self.style == "update" else "POST",
            json=self.payload(message, outgoing),
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.url,),
            judge=lambda reply: judge_api(reply, has_card=bool(card)),
        )

    def _address(self, card: Mapping[str, str]) -> Secret:
        """`wait` makes Discord answer a post with the message and its id, and tell errors."""
        parts = urlsplit(self.url.reveal())
        is_edit = card and self.style == "update"
        thread = self.thread_id or (card.get("channel_id") if self.thread_name else None)
        added = {"wait": None if is_edit else "true", "thread_id": thread}
        query = dict(parse_qsl(parts.query)) | {name: value for name, value in added.items() if value}
        path = parts.path.rstrip("/") + (f"/messages/{quote(card['id'], safe='')}" if is_edit else "")
        return Secret(urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), "")))


def _mentions(people: Sequence[PersonSpec]) -> Iterator[str]:
    yield from (f"<@{each}>" for each in _ids(people, "discord"))
    yield from (f"<@&{each}>" for each in _ids(people, "discord_role"))


def _allowed(people: Sequence[PersonSpec]) -> dict[str, Any]:
    """Whom the message may call: nobody else, whatever it says."""
    return {"parse": [], "users": _ids(people, "discord"), "roles": _ids(people, "discord_role")}


def _ids(people: Sequence[PersonSpec], key: str) -> list[str]:
    """Each once: Discord refuses a message that names one twice, or anything but a number."""
    found = (person.ids.get(key, "") for person in people)
    return list(dict.fromkeys(each for each in found if each.isascii() and each.isdigit()))


def _embeds(message: Message) -> dict[str, Any]:
    if isinstance(message.override, list):
        return {"embeds": message.override[:MOST_EMBEDS]}
    if isinstance(message.override, dict):
        return message.override
    facts = len(message.facts)
    return {"embeds": [fitting(lambda kept: _embed(message, kept), facts, _size, ALL_TEXT)]}


def _embed(message: Message, kept: int) -> dict[str, Any]:
    url = safe_url(message.url)
    embed = {
        "title": MARKUP.cut(one_line(message.title), TITLE),
        "url": url if url and len(url) <= LONGEST_URL else None,
        "description": MARKUP.cut(message.body, DESCRIPTION),
        "color": COLOURS[message.level],
        "fields": [*_facts(message, kept), *_last_field(message)],
    }
    return {name: value for name, value in embed.items() if value}


def _size(embed: Mapping[str, Any]) -> int:
    texts = [embed.get("title", ""), embed.get("description", "")]
    texts += [text for each in embed.get("fields", ()) for text in (each["name"], each["value"])]
    return sum(map(utf16_units, texts))


def _facts(message: Message, kept: int) -> Iterator[dict[str, Any]]:
    facts = [fact for fact in message.facts if fact.name.strip() and fact.value.strip()]
    shown = facts[: kept if kept >= len(facts) and len(facts) < MOST_FIELDS else min(kept, MOST_FIELDS - 2)]
    for fact in shown:
        name, value = MARKUP.cut(one_line(fact.name), FACT_NAME), MARKUP.cut(fact.value, FACT_VALUE)
        yield {"name": name, "value": value, "inline": True}
    if len(facts) > len(shown):
        yield {"name": BLANK, "value": MORE.format(n=len(facts) - len(shown)), "inline": True}


def _last_field(message: Message) -> Iterator[dict[str, Any]]:
    """Links instead of buttons, which only bots may send; then the small print, with its links."""
    footer = one_line(MARKUP.cut(message.footer, FOOTER))
    buttons = links(MARKUP, message.buttons, FIELD_TEXT - len(footer) - len("\n-# "))
    lines = [line for line in (buttons, f"-# {footer}" if footer else "") if line]
    if lines:
        yield {"name": BLANK, "value": MARKUP.cut("\n".join(lines), FIELD_TEXT), "inline": False}
