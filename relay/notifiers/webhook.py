"""A webhook of one's own: JSON, signed as Standard Webhooks (https://www.standardwebhooks.com) describes."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from relay.fields import FETCHED, FIELDS
from relay.markup import PLAIN
from relay.model import Answer, Event, Message
from relay.notifiers.base import Notifier, OptionalSecret, Outgoing, is_web_address
from relay.secret import Secret
from relay.signature import sign_standard
from relay.transport import Transport

MOST_EVENTS = 100
COMMIT_BODY = 1000  # characters
MOST_TEXT = 2000  # characters of any other text
MOST_ITEMS = 50  # of a list within an event
ROOTS = tuple(dict.fromkeys(name.split(".", 1)[0] for name in FIELDS if name != "notes"))
FETCHED_ROOTS = frozenset(name.split(".", 1)[0] for name in FETCHED)
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
OURS = ("content-", "host", "transfer-encoding", "webhook-")


class Webhook(Notifier):
    """Posts each message with its events as JSON."""

    markup: ClassVar[str] = "plain"
    in_flight: ClassVar[int | None] = 8

    type: Literal["webhook"] = "webhook"
    url: Secret = Field(description="Where to post; https, unless `allow_private`.")
    sign_with: OptionalSecret = Field(
        default=None, description="Signs as Standard Webhooks; `whsec_…` or any text of your own."
    )
    allow_private: bool = Field(default=False, description="Lets `url` be http or lead to a private address.")
    headers: Mapping[str, Secret] = Field(default_factory=dict, description="Headers to send as well.")

    @model_validator(mode="after")
    def _can_be_sent(self) -> "Webhook":
        if not is_web_address(self.url, self.allow_private):
            raise ValueError("url has to begin with https:// (or http:// with allow_private: true)")
        for name, value in self.headers.items():
            _check_header(name, value)
        if self.sign_with:
            sign_standard("id", 0, b"", self.sign_with)
        return self

    def destination(self) -> str:
        return self._destination_of(self.url)

    def remarks(self) -> tuple[str, ...]:
        return ("signed" if self.sign_with else "not signed",)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        content = {
            "title": message.title,
            "body": message.body,
            "url": message.url,
            "level": message.level.value,
        }
        data: dict[str, Any] = {
            "reason": {"route": outgoing.reason.route, "change": outgoing.reason.change.value},
            "message": content,
            "events": [event_fields(event) for event in outgoing.events[:MOST_EVENTS]],
        }
        if more := max(0, len(outgoing.events) - MOST_EVENTS) + outgoing.more_events:
            data["more_events"] = more
        return {"type": "relay.notification", "timestamp": outgoing.sent_at.isoformat(), "data": data}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        written = json.dumps(self.payload(message, outgoing), ensure_ascii=False, default=str)
        body = written.encode("utf-8", "replace")
        return transport.post(
            self.url,
            body=body,
            headers={**self.headers, **self._own_headers(body, outgoing)},
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.sign_with,) if self.sign_with else (),
        )

    def _own_headers(self, body: bytes, outgoing: Outgoing) -> dict[str, str]:
        stamp = int(outgoing.sent_at.timestamp())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": outgoing.delivery_id,
            "webhook-timestamp": str(stamp),
        }
        if self.sign_with:
            headers["webhook-signature"] = sign_standard(outgoing.delivery_id, stamp, body, self.sign_with)
        return headers


def event_fields(event: Event) -> dict[str, Any]:
    """The event by the names of its fields. `id` is CircleCI's, or our own where there is none.

    What was fetched stands under its own name as in templates, everything else that was learned in `notes`.
    """
    values = {root: _plain(getattr(event, "kind" if root == "event" else root)) for root in ROOTS}
    if values["commit"]["body"]:
        values["commit"]["body"] = PLAIN.cut(values["commit"]["body"], COMMIT_BODY)
    notes = _plain(event.notes)
    fetched = {name: notes.pop(name) for name in FETCHED_ROOTS & notes.keys()}
    return {"id": event.source_id or event.id, **values, **dict(sorted(fetched.items())), "notes": notes}


def _plain(value: Any) -> Any:
    """Made of what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value[:MOST_ITEMS]]
    if isinstance(value, str):
        return PLAIN.cut(value, MOST_TEXT)
    return value.isoformat() if isinstance(value, datetime) else value


def _check_header(name: str, value: Secret) -> None:
    """ValueError for what cannot be sent, or is ours to say."""
    if not HEADER_NAME.fullmatch(name) or name.lower().startswith(OURS):
        raise ValueError(f"headers.{name} cannot be set")
    if not value.reveal().isprintable() or not value.reveal().isascii():
        raise ValueError(f"headers.{name} holds characters that a header cannot have")
