"""Microsoft Teams, by the webhook of a workflow."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from relay.markup import PLAIN, clean, one_line
from relay.markup.room import fit, json_bytes, utf8_bytes
from relay.markup.teams import Teams as TeamsMarkup
from relay.model import Answer, Fact, Level, Message
from relay.notifiers.base import AllowPrivate, Notifier, Outgoing, is_web_address
from relay.notifiers.parts.chat import LONGEST_URL, title_link
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Reply, Transport, failure, judge

# https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors
MOST_BYTES = 27_000  # of about 28 KB, since Teams wraps the card once more
# https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
CARD_VERSION = "1.4"
TITLE = 300
MOST_FACTS = 8
FACT_NAME = 50
FACT_VALUE = 200
MOST_BUTTONS = 4
BUTTON_TEXT = 75
FOOTER = 300
MOST_MENTIONS = 10
ELEMENT_BYTES = 100  # what the body's element takes beside its text

STYLES: Mapping[Level, str] = {
    Level.GOOD: "good",
    Level.BAD: "attention",
    Level.WARNING: "warning",
    Level.INFO: "emphasis",
}
RETIRED = re.compile(r"(?:[^/]*\.)?webhook\.office\.com/.*|outlook\.office(?:365)?\.com/webhook.*", re.DOTALL)
RETIRED_REMEDY = (
    "url is that of an Office 365 connector, which Microsoft has shut down; in Teams open the channel's menu,"
    " Workflows, take 'Send webhook alerts to a channel' and use the address it gives"
)
# https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app has some of the codes.
REMEDIES: Mapping[str, str] = {
    "DirectApiAuthorizationRequired": "copy `url` whole, with its sig=, and let anyone trigger the workflow",
    "DirectApiInvalidAuthorizationScheme": "let anyone trigger the workflow",
    "WorkflowNotFound": "the workflow is gone; make a new one",
    "WorkflowTriggerIsNotEnabled": "the workflow is turned off; turn it on",
    "WorkflowTriggerNotFound": "the workflow has changed; copy `url` again",
}
MARKUP = TeamsMarkup()


class Teams(Notifier):
    """Posts to a Teams channel or chat through a workflow."""

    markup: ClassVar[str] = "teams"
    rate: ClassVar[float | None] = 4.0
    burst: ClassVar[int] = 4
    in_flight: ClassVar[int | None] = 2

    type: Literal["teams"] = "teams"
    url: Secret = Field(description="The address that the workflow's webhook trigger gives, whole.")
    allow_private: AllowPrivate = False

    @model_validator(mode="after")
    def _can_be_sent(self) -> "Teams":
        if _is_retired(self.url.reveal()):
            raise ValueError(RETIRED_REMEDY)
        if not is_web_address(self.url, self.allow_private):
            raise ValueError("url has to begin with https://")
        return self

    def destination(self) -> str:
        return self._destination_of(self.url)

    def mention(self, person: PersonSpec) -> str:
        return _mention(person)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """One Adaptive Card; or the template's own, or the template's own message."""
        own = message.override
        if isinstance(own, dict):
            return {**own, "type": "message"} if "attachments" in own else _wrapped(own)
        if isinstance(own, list):
            return _wrapped(_card(own, message, outgoing))
        room = MOST_BYTES - _size(_wrapped(_card(_elements(message, outgoing, ""), message, outgoing)))
        body = fit(MARKUP, message.body, room - ELEMENT_BYTES, lambda text: json_bytes(_spaced(text)))
        return _wrapped(_card(_elements(message, outgoing, _spaced(body)), message, outgoing))

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        return transport.post(
            self.url,
            json=self.payload(message, outgoing),
            timeout=self.seconds,
            allow_private=self.allow_private,
            judge=judge_workflow,
        )


def judge_workflow(reply: Reply) -> Answer:
    """202 when the workflow has started; what goes wrong inside it nobody tells."""
    if 200 <= reply.status < 300:
        return judge(reply)
    code = _code(reply)
    if code is None:
        raise failure(reply)
    remedy = f" ({REMEDIES[code]})" if code in REMEDIES else ""
    raise failure(reply, f"Teams says {code}{remedy}", is_dead=True if code in REMEDIES else None)


def _code(reply: Reply) -> str | None:
    said = reply.json()
    error = said.get("error") if isinstance(said, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return one_line(clean(code))[:100] if isinstance(code, str) and code else None


def _is_retired(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    return RETIRED.fullmatch(f"{(parts.hostname or '').rstrip('.')}{parts.path or '/'}".lower()) is not None


def _wrapped(card: Mapping[str, Any]) -> dict[str, Any]:
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _size(payload: Any) -> int:
    return utf8_bytes(json.dumps(payload, ensure_ascii=False))


def _card(body: Sequence[Any], message: Message, outgoing: Outgoing) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": CARD_VERSION,
        "fallbackText": PLAIN.cut(message.fallback or MARKUP.plain(message.title), TITLE),
        "body": body,
        "msteams": {"width": "Full"},
    }
    if buttons := [b for b in message.buttons if len(b.url) <= LONGEST_URL][:MOST_BUTTONS]:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": MARKUP.plain(MARKUP.cut(b.text, BUTTON_TEXT)), "url": b.url}
            for b in buttons
        ]
    if entities := [_entity(person) for person in _mentioned(outgoing)]:
        card["msteams"]["entities"] = entities
    return card


def _elements(message: Message, outgoing: Outgoing, body: str) -> list[dict[str, Any]]:
    return list(_each_element(message, outgoing, body))


def _each_element(message: Message, outgoing: Outgoing, body: str) -> Iterator[dict[str, Any]]:
    title = _text(title_link(MARKUP, message, TITLE), weight="Bolder", size="Medium")
    yield {"type": "Container", "style": STYLES[message.level], "bleed": True, "items": [title]}
    if mentions := " ".join(map(_mention, _mentioned(outgoing))):
        yield _text(mentions)
    if body:
        yield _text(body)
    if message.facts:
        yield {"type": "FactSet", "facts": [_fact(fact) for fact in message.facts[:MOST_FACTS]]}
    if message.footer:
        yield _text(MARKUP.cut(message.footer, FOOTER), size="Small", isSubtle=True)


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def _spaced(text: str) -> str:
    """Teams runs lines together unless a blank one parts them."""
    return re.sub(r"\n+", "\n\n", text)


def _fact(fact: Fact) -> dict[str, str]:
    return {"title": MARKUP.cut(fact.name, FACT_NAME), "value": MARKUP.cut(fact.value, FACT_VALUE)}


def _mentioned(outgoing: Outgoing) -> list[PersonSpec]:
    return [person for person in outgoing.mentions if person.ids.get("teams")][:MOST_MENTIONS]


def _mention(person: PersonSpec) -> str:
    """What Teams replaces by the entity of the same text."""
    return f"<at>{_name(person)}</at>" if person.ids.get("teams") else ""


def _entity(person: PersonSpec) -> dict[str, Any]:
    """https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format#mention-support-within-adaptive-cards"""
    who = {"id": person.ids["teams"], "name": _name(person)}
    return {"type": "mention", "text": _mention(person), "mentioned": who}


def _name(person: PersonSpec) -> str:
    return re.sub(r"[<>&]", "", one_line(clean(person.key)))
