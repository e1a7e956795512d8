"""PagerDuty, by its Events API v2: a bad result opens an incident, and what ends it resolves the same."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from relay.errors import DeliveryError, TemplateError
from relay.markup import PLAIN, clean, one_line, safe_url
from relay.model import Answer, Event, EventKind, Level, Message
from relay.notices import What
from relay.notifiers.base import AllowPrivate, Conversation, Notifier, Outgoing, is_web_address
from relay.notifiers.parts.pagerduty_answers import judge_event
from relay.people import PersonSpec
from relay.sandbox import compile_condition
from relay.secret import Secret
from relay.transport import Transport

API_URL = "https://events.pagerduty.com"

# https://developer.pagerduty.com/docs/events-api-v2/trigger-events
SUMMARY = 1024  # characters
DEDUP_KEY = 255
MOST_BYTES = 512 * 1024
SOURCE = 255
DETAIL = 1000
MOST_FACTS = 20
MOST_LINKS = 10
LINK_TEXT = 200
LINK_URL = 2000
NO_TITLE = "a result without a title"  # PagerDuty refuses an empty summary

SEVERITIES: Mapping[Level, str] = {
    Level.BAD: "error",
    Level.WARNING: "warning",
    Level.GOOD: "info",
    Level.INFO: "info",
}
# A service whose urgency goes by severity rings nobody's phone for it:
# https://support.pagerduty.com/main/docs/dynamic-notifications
SILENT = "info"


class Step(StrEnum):
    """What is done to the incident."""

    TRIGGER = "trigger"
    RESOLVE = "resolve"


class PagerDuty(Notifier):
    """Pages the people on call."""

    markup: ClassVar[str] = "plain"
    gathers: ClassVar[bool] = False
    rate: ClassVar[float | None] = 2.0  # 120 a minute for one integration key
    burst: ClassVar[int] = 10
    in_flight: ClassVar[int | None] = 2

    type: Literal["pagerduty"] = "pagerduty"
    routing_key: Secret = Field(description="The integration key of an Events API v2 integration.")
    resolve_when: str = Field(
        default="change == 'fixed'",
        description="Which results resolve the incident: a condition such as a route's `when`.",
    )
    severity: Literal["critical", "error", "warning", "info"] | None = Field(
        default=None, description="How bad an incident is; by the message's level if left out."
    )
    api_url: str = Field(
        default=API_URL,
        description="Another address: `https://events.eu.pagerduty.com` for accounts in the EU.",
    )
    allow_private: AllowPrivate = False

    @field_validator("api_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _can_page(self) -> "PagerDuty":
        if not self.routing_key:
            raise ValueError("routing_key is missing or empty")
        if not is_web_address(self.api_url, self.allow_private):
            raise ValueError("api_url has to begin with https://")
        try:
            compile_condition(self.resolve_when)
        except TemplateError as error:
            raise ValueError(f"resolve_when: {error}") from None
        return self

    @property
    def conversation(self) -> Conversation:
        return Conversation.STATE

    def destination(self) -> str:
        return self._destination_of(self.routing_key)

    def what(self, events: Sequence[Event]) -> str:
        step = self.step(events)
        return step.value if step else "nothing"

    def remarks(self) -> tuple[str, ...]:
        return (f"resolves when {self.resolve_when}",)

    def mention(self, person: PersonSpec) -> str:
        return ""

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """The event without its key; nothing when there is nothing to page about."""
        step = self.step(outgoing.events)
        if step is None:
            return {}
        names = {"event_action": step.value, "dedup_key": dedup_key(outgoing)}
        if step is Step.RESOLVE:
            return names
        return _bounded({**self._content(message, outgoing), **names})

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        content = self.payload(message, outgoing)
        if not content:
            said = ", ".join(dict.fromkeys(event.status.value for event in outgoing.events))
            return Answer(excerpt=f"nothing to page about: {said}")
        answer = transport.post(
            f"{self.api_url}/v2/enqueue",
            json={"routing_key": self.routing_key.reveal(), **content},
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.routing_key,),
            judge=judge_event,
        )
        return replace(answer, receipt={"dedup_key": content["dedup_key"]})

    def step(self, events: Sequence[Event]) -> Step | None:
        """Trigger for bad results, of which the last of each workflow or job counts."""
        last = {_state_of(event): step for event in events if (step := self._step_of(event))}
        steps = set(last.values())
        return Step.TRIGGER if Step.TRIGGER in steps else next(iter(steps), None)

    def _step_of(self, event: Event) -> Step | None:
        if event.status.is_bad or _is_our_trouble(event):
            return Step.TRIGGER
        if event.kind is EventKind.RELAY and event.notes.get("what") == What.RUN_ARRIVED:
            return Step.RESOLVE
        try:
            return Step.RESOLVE if self._resolves(event) else None
        except TemplateError as error:
            raise DeliveryError(f"resolve_when: {error}", permanent=True) from None

    @cached_property
    def _resolves(self) -> Callable[[Event], bool]:
        return compile_condition(self.resolve_when)

    def _content(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        alert, own = self._alert(message, outgoing), message.override
        page = safe_url(message.url) or ""
        ours: dict[str, Any] = {"links": _links(message), "client": "relay"}
        if page and len(page) <= LINK_URL:
            ours["client_url"] = page
        if not isinstance(own, dict):
            return {**ours, "payload": alert}
        said = own.get("payload")
        return {**ours, **own, "payload": {**alert, **said} if isinstance(said, dict) else alert}

    def _alert(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        event = outgoing.events[-1]
        told = {
            "source": event.project.slug,
            "component": event.project.name,
            "group": event.branch or event.tag,
            "class": event.workflow.name or event.job.name,
        }
        return {
            "summary": PLAIN.cut(one_line(message.title or message.fallback), SUMMARY) or NO_TITLE,
            "severity": SILENT if outgoing.is_silent else self.severity or SEVERITIES[message.level],
            "timestamp": (event.finished_at or outgoing.sent_at).isoformat(),
            **{name: PLAIN.cut(one_line(clean(text)), SOURCE) for name, text in told.items() if text},
            "custom_details": _details(message),
        }


def _is_our_trouble(event: Event) -> bool:
    """An event of the relay's own that is bad, such as a missing run."""
    return event.kind is EventKind.RELAY and event.notes.get("level") == Level.BAD


def dedup_key(outgoing: Outgoing) -> str:
    """Names the incident: the conversation's subject, or when that is too long its beginning and digest."""
    named = outgoing.subject or " | ".join(filter(None, _state_of(outgoing.events[-1])))
    subject = one_line(clean(named))
    if len(subject) <= DEDUP_KEY:
        return subject
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return f"{subject[: DEDUP_KEY - len(digest) - 1]}…{digest}"


def _state_of(event: Event) -> tuple[str | None, ...]:
    return (event.project.slug, event.branch or event.tag, event.workflow.name, event.job.name)


def _details(message: Message) -> dict[str, str]:
    facts = {
        PLAIN.cut(fact.name, DETAIL): PLAIN.cut(fact.value, DETAIL) for fact in message.facts[:MOST_FACTS]
    }
    told = {"message": message.body, **facts, "sent by": PLAIN.cut(message.footer, DETAIL)}
    return {name: text for name, text in told.items() if text}


def _links(message: Message) -> list[dict[str, str]]:
    return [
        {"href": button.url, "text": PLAIN.cut(button.text, LINK_TEXT)}
        for button in message.buttons
        if len(button.url) <= LINK_URL
    ][:MOST_LINKS]


def _bounded(content: dict[str, Any]) -> dict[str, Any]:
    """Only a template of one's own gets this long; its details are left out."""
    if len(json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "replace")) <= MOST_BYTES:
        return content
    alert = {**content["payload"], "custom_details": {"message": "The details were too long for PagerDuty."}}
    return {name: content[name] for name in ("event_action", "dedup_key")} | {"payload": alert}
