"""Telegram, by a bot."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from relay.errors import DeliveryError
from relay.markup import MARKUPS, html_to_plain, one_line
from relay.markup.room import fit, utf16_units
from relay.model import Answer, Button, Fact, Message
from relay.notifiers.base import AllowPrivate, Notifier, Outgoing, is_web_address
from relay.notifiers.parts.chat import LONGEST_URL, title_link
from relay.notifiers.parts.telegram_answers import judge_edit, judge_sent
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Reply, Transport

API_URL = "https://api.telegram.org"

# https://core.telegram.org/bots/api#sendmessage, counted in UTF-16
MOST_UNITS = 4096
TITLE = 300
FACT = 150
FACTS = 600
MOST_BUTTONS = 4
BUTTON_TEXT = 60
FOOTER = 400
MOST_MENTIONS = 10
NAME = 40

MARKUP = MARKUPS["telegram"]


def _chat(value: Any) -> Any:
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{4,32}", text):
        raise ValueError("wanted a chat's number, such as -1001234567890, or @name of a public channel")
    return text


ChatId = Annotated[
    str,
    BeforeValidator(_chat),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
]


class Telegram(Notifier):
    """Posts to a Telegram chat as a bot."""

    markup: ClassVar[str] = "telegram"
    # 20 a minute in a group: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    rate: ClassVar[float | None] = 0.3
    burst: ClassVar[int] = 2
    in_flight: ClassVar[int | None] = 1

    type: Literal["telegram"] = "telegram"
    token: Secret = Field(description="The bot's token, from @BotFather.")
    chat_id: ChatId = Field(description="The chat's number, or @name of a public channel.")
    message_thread_id: int | None = Field(
        default=None, gt=0, description="A topic's number, in a group that has topics."
    )
    api_url: str = Field(
        default=API_URL, description="Another address of the Bot API, such as a server of your own."
    )
    allow_private: AllowPrivate = False

    @model_validator(mode="after")
    def _can_be_sent(self) -> "Telegram":
        if not re.fullmatch(r"[A-Za-z0-9:_-]+", self.token.reveal()):
            raise ValueError("token is empty or holds characters that no token has")
        if not is_web_address(self.api_url, self.allow_private):
            raise ValueError("api_url has to begin with https://")
        return self

    @property
    def can_edit(self) -> bool:
        return True

    @property
    def can_thread(self) -> bool:
        return True

    def destination(self) -> str:
        return self._destination_of(self.token, self.chat_id)

    def remarks(self) -> tuple[str, ...]:
        topic = (f"topic {self.message_thread_id}",) if self.message_thread_id else ()
        return (f"chat {self.chat_id}", *topic)

    def mention(self, person: PersonSpec) -> str:
        return _mention(person)

    def address_of(self, person: PersonSpec) -> str | None:
        number = person.ids.get("telegram", "")
        return number if re.fullmatch(r"[0-9]{1,20}", number) else None

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        own = message.override if isinstance(message.override, dict) else {}
        return {**_content(message, outgoing), **own, **self._place(outgoing)}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        if self._edits(outgoing):
            edited = partial(judge_edit, is_direct=outgoing.direct is not None)
            answer = self._call("editMessageText", self.payload(message, outgoing), transport, edited)
            if answer.receipt:
                return replace(answer, receipt=dict(outgoing.card))
            outgoing = replace(outgoing, card={})
        sent = partial(judge_sent, is_direct=outgoing.direct is not None)
        answer = self._call("sendMessage", self.payload(message, outgoing), transport, sent)
        is_reply = self.style == "thread" and outgoing.card
        return replace(answer, receipt=dict(outgoing.card)) if is_reply else answer

    def _call(
        self, name: str, body: Mapping[str, Any], transport: Transport, judged: Callable[[Reply], Answer]
    ) -> Answer:
        return transport.post(
            Secret(f"{self.api_url.rstrip('/')}/bot{self.token.reveal()}/{name}"),
            json=body,
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.token, Secret(self.token.reveal().partition(":")[2])),
            judge=judged,
        )

    def _edits(self, outgoing: Outgoing) -> bool:
        return self.style == "update" and outgoing.card.get("message_id", "").isdecimal()

    def _place(self, outgoing: Outgoing) -> dict[str, Any]:
        """Where it goes; a template of one's own cannot change that."""
        root = outgoing.card.get("message_id", "")
        if self._edits(outgoing):
            return {"chat_id": _number(outgoing.card.get("chat_id", self.chat_id)), "message_id": int(root)}
        place: dict[str, Any] = {"chat_id": _number(self._chat_of(outgoing))}
        if outgoing.is_silent:  # https://core.telegram.org/bots/api#sendmessage; edits never ring
            place["disable_notification"] = True
        if self.message_thread_id and not outgoing.direct:
            place["message_thread_id"] = self.message_thread_id
        if self.style == "thread" and root.isdecimal():
            place["reply_parameters"] = {"message_id": int(root), "allow_sending_without_reply": True}
        return place

    def _chat_of(self, outgoing: Outgoing) -> str:
        if outgoing.direct is None:
            return self.chat_id
        address = self.address_of(outgoing.direct)
        if address is None:
            raise DeliveryError(f"people.{outgoing.direct.key} has no user id in Telegram", permanent=True)
        return address


def _number(chat: str) -> int | str:
    return chat if chat.startswith("@") else int(chat)


def _content(message: Message, outgoing: Outgoing) -> dict[str, Any]:
    content: dict[str, Any] = {
        "text": _text(message, outgoing),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    buttons = [button for button in message.buttons if _is_pressable(button)][:MOST_BUTTONS]
    if buttons:
        rows = [[_button(button) for button in buttons[at : at + 2]] for at in range(0, len(buttons), 2)]
        content["reply_markup"] = {"inline_keyboard": rows}
    return content


def _text(message: Message, outgoing: Outgoing) -> str:
    """At most what Telegram takes, marks included; the body gives way."""
    around = list(_around(message, outgoing))
    room = MOST_UNITS - sum(utf16_units(part) + 1 for part in around)
    body = fit(MARKUP, message.body, room, utf16_units)
    return "\n".join(filter(None, (around[0], body, *around[1:])))


def _around(message: Message, outgoing: Outgoing) -> Iterator[str]:
    """The title with those it calls, and what stands below the body."""
    title = MARKUP.bold(title_link(MARKUP, message, TITLE))
    yield " ".join((title, *filter(None, map(_mention, outgoing.mentions[:MOST_MENTIONS]))))
    yield fit(MARKUP, " · ".join(map(_fact, message.facts)), FACTS, utf16_units)
    if message.footer:
        yield f"<i>{fit(MARKUP, message.footer, FOOTER, utf16_units)}</i>"


def _fact(fact: Fact) -> str:
    return MARKUP.cut(f"{MARKUP.bold(MARKUP.marked(fact.name))} {fact.value}", FACT)


def _is_pressable(button: Button) -> bool:
    """Telegram refuses the whole message for a button that leads to a host without a dot."""
    return len(button.url) <= LONGEST_URL and "." in (urlsplit(button.url).hostname or "")


def _button(button: Button) -> dict[str, str]:
    return {"text": html_to_plain(MARKUP.cut(button.text, BUTTON_TEXT)), "url": button.url}


def _mention(person: PersonSpec) -> str:
    """By number, or by the name a person chose."""
    who = person.ids.get("telegram", "")
    if re.fullmatch(r"@[A-Za-z0-9_]{4,32}", who):
        return who
    name = MARKUP.escape(one_line(person.key)[:NAME])
    return f'<a href="tg://user?id={who}">{name}</a>' if re.fullmatch(r"[0-9]{1,20}", who) else ""
