"""What all notifiers have in common: the keys of their configuration, and what they are given to send."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from relay import durations
from relay.model import Answer, Conversation, Event, Message, Reason
from relay.notifiers.parts.budget import Budget, meant_by, or_short
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import TIMEOUT, Transport

__all__ = [
    "AllowPrivate",
    "Conversation",
    "Notifier",
    "OptionalSecret",
    "OptionalText",
    "Outgoing",
    "Seconds",
    "Texts",
    "is_web_address",
]

DIGEST = 12  # hexadecimal digits: enough to tell destinations apart, too few to tell a secret


def _seconds(value: Any) -> Any:
    if not isinstance(value, str) or value.strip().replace(".", "").isdigit():
        raise ValueError("wanted a duration such as 10s or 1m")
    return durations.parse(value)


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _absent_if_empty(value: Any) -> Any:
    return None if value == "" else value


_NAMES_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

Seconds = Annotated[float, BeforeValidator(_seconds), WithJsonSchema({"type": "string"})]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(_NAMES_SCHEMA)]
AllowPrivate = Annotated[
    bool, Field(description="Lets the address be a private one, and http; for tests and proxies.")
]
OptionalSecret = Annotated[Secret | None, BeforeValidator(_absent_if_empty)]
OptionalText = Annotated[str | None, BeforeValidator(_absent_if_empty)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """What a notifier may need to know beside the message.

    subject: names what the message is about, the same for all messages of its conversation (a pipeline, a
    state key, a commit). card: the receipt of the message this conversation already has there, empty before
    the first. direct: the person it goes to alone, instead of the usual place. is_silent: no sound should be
    made about it, where the service can be told so.
    """

    delivery_id: str  # the same on every attempt
    attempt: int  # from 1
    events: Sequence[Event]  # at least one
    more_events: int = 0  # that the message is about besides, and only counts
    reason: Reason
    sent_at: datetime
    mentions: Sequence[PersonSpec] = ()
    subject: str = ""
    card: Mapping[str, str] = field(default_factory=dict)
    direct: PersonSpec | None = None
    is_silent: bool = False


class Notifier(BaseModel):
    """A configured way to speak to one place. Subclasses: one file each, named as their type."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    markup: ClassVar[str] = "plain"  # which of relay.markup.MARKUPS its messages are rendered in
    rate: ClassVar[float | None] = None  # messages a second for one destination; None is as many as there are
    burst: ClassVar[int] = 1  # how many may go at once after a quiet time
    in_flight: ClassVar[int | None] = 4  # sent and not yet answered, for one destination
    gathers: ClassVar[bool] = True  # whether one message may tell of several branches
    body_limit: ClassVar[int] = 2900  # characters of a message's body, marks and escapes included

    type: str
    style: Literal["post", "update", "thread"] = Field(
        default="post", description="`post` a message each time, `update` one, or answer in its `thread`."
    )
    fallback: Texts = Field(
        default=(), description="Notifiers to use when this one fails for good; the first that works."
    )
    budget: Annotated[Budget | None, BeforeValidator(meant_by)] = Field(
        default=None,
        description="At most so many messages in any such time: `20 per 1h` or `{ messages: 20, per: 1h }`."
        " What goes beyond arrives as one message.",
        json_schema_extra=or_short,
    )
    shadow: bool = Field(
        default=False, description="Try it out: messages are made and recorded, and not sent."
    )
    template: str | None = Field(default=None, description="The template for its messages.")
    timeout: Seconds | None = Field(
        default=None, description="How long one attempt may take; 10s if left out."
    )

    @field_validator("style")
    @classmethod
    def _style_is_possible(cls, style: str) -> str:
        """Where it hangs on other settings, the notifier says so itself."""
        if style == "thread" and cls.can_thread is Notifier.can_thread:
            raise ValueError(f"{cls.__name__.lower()} cannot answer in threads; use style: post")
        return style

    @field_validator("budget")
    @classmethod
    def _budget_is_possible(cls, budget: Budget | None) -> Budget | None:
        if budget is not None and not cls.gathers:
            raise ValueError(
                "it speaks of one thing at a time and cannot tell what goes beyond in one message"
            )
        return budget

    def destination(self) -> str:
        """Names the place for limits and the ledger: the same for the same place, and tells no secret."""
        return self.type

    @property
    def can_edit(self) -> bool:
        """Whether `style: update` changes the message in place; else one message sums a pipeline up."""
        return False

    @property
    def can_thread(self) -> bool:
        """Whether `style: thread` is possible."""
        return False

    @property
    def conversation(self) -> Conversation:
        """What its messages belong to."""
        return Conversation.NONE if self.style == "post" else Conversation.PIPELINE

    def address_of(self, person: PersonSpec) -> str | None:
        """Where a direct message to this person goes; None when the service or the settings have no such."""
        return None

    def payload(self, message: Message, outgoing: Outgoing) -> Any:
        """What is sent. Pure."""
        raise NotImplementedError

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        """One attempt. Raises DeliveryError, which says whether another can help.

        The receipt of the answer is what later messages of the conversation get as their `card`.
        """
        raise NotImplementedError

    def what(self, events: Sequence[Event]) -> str:
        """What `explain` calls the thing it would do about these events."""
        return self.style

    def remarks(self) -> tuple[str, ...]:
        """What `explain` tells of the place: short, without secrets."""
        return ()

    def mention(self, person: PersonSpec) -> str:
        """How its messages call this person or group; empty when the service cannot."""
        return person.key

    @property
    def seconds(self) -> float:
        """How long one attempt may take."""
        return TIMEOUT if self.timeout is None else self.timeout

    def _destination_of(self, *parts: str | Secret | None) -> str:
        """The type and a digest of what makes the place."""
        texts = [part.reveal() if isinstance(part, Secret) else part or "" for part in parts]
        return f"{self.type}:{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:DIGEST]}"


def is_web_address(url: Secret | str, allow_private: bool) -> bool:
    """Whether the relay may post there: https, or http where private addresses are allowed."""
    text = url.reveal() if isinstance(url, Secret) else url
    return text.startswith(("https://", "http://") if allow_private else "https://")
