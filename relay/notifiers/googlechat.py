"""Google Chat, by the webhook of a space."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator

from relay.markup import MARKUPS, PLAIN, clean, html_to_plain, one_line
from relay.markup.room import fit, json_bytes, utf8_bytes
from relay.model import Answer, Button, Fact, Level, Message
from relay.notifiers.base import AllowPrivate, Notifier, Outgoing, is_web_address
from relay.notifiers.parts.chat import LONGEST_URL, title_link
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Reply, Transport, failure, judge

# https://developers.google.com/workspace/chat/create-messages
MOST_BYTES = 31_500  # of 32,000
TITLE = 300
MOST_FACTS = 8
FACT = 250
MOST_BUTTONS = 4
BUTTON_TEXT = 75
FOOTER = 300
MOST_MENTIONS = 20
WIDGET_BYTES = 50  # what the body's widget takes beside its text

# https://developers.google.com/workspace/chat/create-messages#create-message-thread
REPLY = "messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
THREAD_DIGEST = 32  # hexadecimal digits

COLOURS: Mapping[Level, str] = {
    Level.GOOD: "#188038",
    Level.BAD: "#d93025",
    Level.WARNING: "#e37400",
    Level.INFO: "#5f6368",
}
# https://cloud.google.com/apis/design/errors
REMEDIES: Mapping[int, str] = {
    401: "the webhook's key or token is not valid; copy `url` again",
    403: "the webhook may not post; see whether the administrator allows webhooks",
    404: "the space or its webhook is gone; make a new one",
}
MARKUP = MARKUPS["googlechat"]


class GoogleChat(Notifier):
    """Posts to a space in Google Chat."""

    markup: ClassVar[str] = "googlechat"
    rate: ClassVar[float | None] = 1.0  # https://developers.google.com/workspace/chat/limits
    burst: ClassVar[int] = 3
    in_flight: ClassVar[int | None] = 2

    type: Literal["googlechat"] = "googlechat"
    url: Secret = Field(description="The address of the space's webhook, whole, with `key` and `token`.")
    allow_private: AllowPrivate = False

    @model_validator(mode="after")
    def _can_be_sent(self) -> "GoogleChat":
        if not is_web_address(self.url, self.allow_private):
            raise ValueError("url has to begin with https://")
        missing = [name for name in ("key", "token") if name not in _query(self.url)]
        if missing:
            raise ValueError(f"url lacks {' and '.join(missing)}; copy the webhook's address whole")
        return self

    @property
    def can_thread(self) -> bool:
        return True

    def destination(self) -> str:
        """The space: all its webhooks share one quota."""
        return self._destination_of(self.url.reveal().partition("?")[0])

    def mention(self, person: PersonSpec) -> str:
        return _mention(person)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """One card; the text above it holds nothing but mentions, which work only there."""
        own = message.override
        made = self._frame(message, outgoing)
        if isinstance(own, dict):
            return {**made, **own}
        if isinstance(own, list):
            return {**made, "cardsV2": own}
        room = MOST_BYTES - _size({**made, "cardsV2": _cards(message, outgoing, "")}) - WIDGET_BYTES
        body = fit(MARKUP, message.body, room, lambda text: json_bytes(_broken(text)))
        return {**made, "cardsV2": _cards(message, outgoing, _broken(body))}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        url = Secret(f"{self.url.reveal()}&{REPLY}") if self.style == "thread" else self.url
        return transport.post(
            url,
            json=self.payload(message, outgoing),
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=tuple(Secret(each) for name in ("key", "token") for each in _query(self.url)[name]),
            judge=judge_space,
        )

    def _frame(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        made: dict[str, Any] = {"fallbackText": _fallback(message)}
        mentions = " ".join(filter(None, map(_mention, outgoing.mentions[:MOST_MENTIONS])))
        if mentions:
            made["text"] = mentions
        if self.style == "thread" and outgoing.subject:
            made["thread"] = {"threadKey": _thread(outgoing.subject)}
        return made


def judge_space(reply: Reply) -> Answer:
    """Google tells its errors with the HTTP status; a key that is not valid is a 400."""
    if 200 <= reply.status < 300:
        return judge(reply)
    said = reply.json()
    error = said.get("error") if isinstance(said, dict) else None
    reason = error.get("message") if isinstance(error, dict) else None
    words = one_line(clean(reason))[:200] if isinstance(reason, str) and reason else None
    is_key = reply.status == 400 and words is not None and "API key" in words
    remedy = REMEDIES[401] if is_key else REMEDIES.get(reply.status)
    told = f"Google Chat says {words}" if words else None
    raise failure(
        reply,
        f"{told} ({remedy})" if told and remedy else told or remedy,
        is_dead=True if is_key else None,
    )


def _query(url: Secret) -> Mapping[str, list[str]]:
    try:
        return parse_qs(urlsplit(url.reveal()).query)
    except ValueError:
        return {}


def _thread(subject: str) -> str:
    return f"relay-{hashlib.sha256(subject.encode('utf-8', 'replace')).hexdigest()[:THREAD_DIGEST]}"


def _fallback(message: Message) -> str:
    """Plain; but nobody says whether Google looks for mentions and links, `<…>`, in it."""
    text = message.fallback or html_to_plain(message.title)
    return PLAIN.cut(clean(text).replace("<", "<\u200b"), TITLE)


def _size(payload: Any) -> int:
    return utf8_bytes(json.dumps(payload, ensure_ascii=False))


def _cards(message: Message, outgoing: Outgoing, body: str) -> list[dict[str, Any]]:
    widgets = list(_widgets(message, body))
    return [{"cardId": outgoing.delivery_id, "card": {"sections": [{"widgets": widgets}]}}]


def _widgets(message: Message, body: str) -> Iterator[dict[str, Any]]:
    yield _paragraph(_title(message))
    if body:
        yield _paragraph(body)
    if message.facts:
        yield _paragraph(" · ".join(map(_fact, message.facts[:MOST_FACTS])))
    buttons = [b for b in message.buttons if len(b.url) <= LONGEST_URL][:MOST_BUTTONS]
    if buttons:
        yield {"buttonList": {"buttons": [_button(button) for button in buttons]}}
    if message.footer:
        yield _paragraph(f'<font color="{COLOURS[Level.INFO]}">{MARKUP.cut(message.footer, FOOTER)}</font>')


def _broken(text: str) -> str:
    return text.replace("\n", "<br>")


def _paragraph(text: str) -> dict[str, Any]:
    return {"textParagraph": {"text": text}}


def _title(message: Message) -> str:
    linked = MARKUP.bold(title_link(MARKUP, message, TITLE))
    return f'<font color="{COLOURS[message.level]}">{linked}</font>'


def _fact(fact: Fact) -> str:
    return MARKUP.cut(f"{MARKUP.bold(MARKUP.marked(fact.name))} {fact.value}", FACT)


def _button(button: Button) -> dict[str, Any]:
    text = html_to_plain(MARKUP.cut(button.text, BUTTON_TEXT))
    return {"text": text, "onClick": {"openLink": {"url": button.url}}}


def _mention(person: PersonSpec) -> str:
    """Only a number names one person; `<users/all>` would call everybody."""
    number = person.ids.get("googlechat", "").removeprefix("users/")
    return f"<users/{number}>" if re.fullmatch(r"[0-9]+", number) else ""
