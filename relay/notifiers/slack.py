"""Slack, by an incoming webhook or by a bot token and a channel."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

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
from relay.notifiers.parts.chat import COLOURS, LONGEST_URL, fitting, title_link
from relay.notifiers.parts.slack_answers import judge_api, judge_webhook
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Transport

API_URL = "https://slack.com/api"

# https://docs.slack.dev/reference/block-kit/blocks
MOST_BLOCKS = 50
SECTION_TEXT = 3000  # characters
MOST_FIELDS = 10
# https://docs.slack.dev/reference/block-kit/block-elements/button-element
BUTTON_TEXT = 75
# Slack takes about 13,200 characters in all blocks of a message (github.com/slackapi/bolt-js/issues/2509).
ALL_BLOCKS = 13_000
# These are lower than Slack's own so that a message without facts never gets there.
TITLE = 300
FIELD_TEXT = 300
MOST_BUTTONS = 4
FOOTER = 300
MOST_MENTIONS = 20

MARKUP = MARKUPS["slack"]


class Slack(Notifier):
    """Posts to a Slack channel; with a token also edits, threads and sends direct messages."""

    markup: ClassVar[str] = "slack"
    rate: ClassVar[float | None] = 1.0  # https://docs.slack.dev/apis/web-api/rate-limits
    burst: ClassVar[int] = 3
    in_flight: ClassVar[int | None] = 2

    type: Literal["slack"] = "slack"
    webhook: OptionalSecret = Field(default=None, description="The address of an incoming webhook.")
    token: OptionalSecret = Field(
        default=None, description="A bot token, `xoxb-…`, with the scope chat:write."
    )
    channel: OptionalText = Field(default=None, description="With `token`: a channel's name or id.")
    api_url: str = Field(
        default=API_URL, description="Another address of Slack's API, for tests and proxies."
    )
    allow_private: AllowPrivate = False

    @model_validator(mode="after")
    def _has_one_way_to_post(self) -> "Slack":
        if self.webhook and (self.token or self.channel):
            raise ValueError("write either webhook, or token and channel, not both")
        if not self.webhook and not (self.token and self.channel):
            missing = (
                "channel" if self.token else "token" if self.channel else "webhook, or token and channel"
            )
            raise ValueError(f"{missing} is missing or empty")
        if not is_web_address(self.webhook or self.api_url, self.allow_private):
            raise ValueError(f"{'webhook' if self.webhook else 'api_url'} has to begin with https://")
        if self.style == "thread" and self.webhook:
            raise ValueError(
                "style: thread needs token and channel; an incoming webhook cannot answer in threads"
            )
        return self

    def destination(self) -> str:
        return self._destination_of(self.webhook, self.token, self.channel)

    @property
    def can_edit(self) -> bool:
        return self.token is not None

    @property
    def can_thread(self) -> bool:
        return self.token is not None

    def address_of(self, person: PersonSpec) -> str | None:
        """A person's member id, which Slack takes for a channel."""
        return person.ids.get("slack") if self.token else None

    def remarks(self) -> tuple[str, ...]:
        return (self.channel,) if self.channel else ("incoming webhook",)

    def mention(self, person: PersonSpec) -> str:
        return _mention(person)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """The title as text, which notifications show too; the rest beside a bar that shows the level."""
        content, card = _content(message, outgoing), self._card(outgoing)
        if card and self.style == "update":
            return {"blocks": [], "attachments": [], **content, "channel": card["channel"], "ts": card["ts"]}
        return {**content, **self._place(outgoing), "unfurl_links": False, "unfurl_media": False}

    def _place(self, outgoing: Outgoing) -> dict[str, str]:
        if not self.token:
            return {}
        if card := self._card(outgoing):
            return {"channel": card["channel"], "thread_ts": card["ts"]}
        address = self.address_of(outgoing.direct) if outgoing.direct else self.channel
        return {"channel": address or ""}

    def _card(self, outgoing: Outgoing) -> Mapping[str, str]:
        """The receipt of the message to edit or to answer, empty when there is none."""
        is_usable = self.token and self.style != "post" and {"ts", "channel"} <= outgoing.card.keys()
        return outgoing.card if is_usable else {}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        if self.webhook:
            return transport.post(
                self.webhook,
                json=self.payload(message, outgoing),
                timeout=self.seconds,
                allow_private=self.allow_private,
                judge=judge_webhook,
            )
        card = self._card(outgoing)
        answer = self._call(message, outgoing, transport)
        if card and answer.status is None:
            return self._call(message, replace(outgoing, card={}), transport)
        return replace(answer, receipt=card) if card else answer

    def _call(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        """Posts, edits or answers; without a status when the message to edit or to answer is gone."""
        token, card = self.token or Secret(""), self._card(outgoing)
        method = "chat.update" if card and self.style == "update" else "chat.postMessage"
        return transport.post(
            f"{self.api_url}/{method}",
            json=self.payload(message, outgoing),
            headers={"Authorization": Secret(f"Bearer {token.reveal()}")},
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(token,),
            judge=lambda reply: judge_api(reply, has_card=bool(card), is_direct=outgoing.direct is not None),
        )


def _content(message: Message, outgoing: Outgoing) -> dict[str, Any]:
    text = _text(message, outgoing)
    if isinstance(message.override, list):
        return {"text": text, "blocks": message.override[:MOST_BLOCKS]}
    if isinstance(message.override, dict):
        return {"text": text, **message.override}
    facts = len(message.facts)
    blocks = fitting(lambda kept: list(_blocks(message, kept)), facts, _size, ALL_BLOCKS)
    return {
        "text": text,
        "attachments": [{"color": COLOURS[message.level], "blocks": blocks}] if blocks else [],
    }


def _text(message: Message, outgoing: Outgoing) -> str:
    mentions = filter(None, map(_mention, outgoing.mentions[:MOST_MENTIONS]))
    return " ".join((MARKUP.bold(title_link(MARKUP, message, TITLE)), *mentions))


def _mention(person: PersonSpec) -> str:
    """`<@U…>` for a person, `<!subteam^S…>` for a group."""
    if group := person.ids.get("slack_group"):
        return f"<!subteam^{MARKUP.escape(group)}>"
    member = person.ids.get("slack")
    return f"<@{MARKUP.escape(member)}>" if member else ""


def _size(blocks: Sequence[Mapping[str, Any]]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False))


def _blocks(message: Message, kept: int) -> Iterator[dict[str, Any]]:
    if message.body:
        yield {"type": "section", "text": _mrkdwn(MARKUP.cut(message.body, SECTION_TEXT))}
    if message.facts:
        yield {"type": "section", "fields": [_mrkdwn(text) for text in _fields(message, kept)]}
    buttons = [b for b in message.buttons if len(b.url) <= LONGEST_URL][:MOST_BUTTONS]
    if buttons:
        yield {"type": "actions", "elements": [_button(button.text, button.url) for button in buttons]}
    if message.footer:
        yield {"type": "context", "elements": [_mrkdwn(MARKUP.cut(message.footer, FOOTER))]}


def _fields(message: Message, kept: int) -> Iterator[str]:
    """The first facts; the last one counts those left out."""
    shown = kept if kept == len(message.facts) <= MOST_FIELDS else min(kept, MOST_FIELDS - 1)
    yield from (_field(fact.name, fact.value) for fact in message.facts[:shown])
    if left_out := len(message.facts) - shown:
        yield MORE.format(n=left_out)


def _field(name: str, value: str) -> str:
    bold = MARKUP.bold(MARKUP.marked(MARKUP.cut(one_line(name), FIELD_TEXT // 3)))
    return MARKUP.cut(f"{bold}\n{value}", FIELD_TEXT)


def _button(text: str, url: str) -> dict[str, Any]:
    said = {"type": "plain_text", "text": MARKUP.cut(one_line(text), BUTTON_TEXT), "emoji": False}
    return {"type": "button", "text": said, "url": url}


def _mrkdwn(text: str) -> dict[str, Any]:
    """`verbatim`: Slack makes no links or mentions of its own out of what a stranger wrote."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
