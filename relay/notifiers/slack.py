"""Slack, by an incoming webhook or by a bot token and a channel."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Level, Message
from relay.notifiers.base import Notifier, OptionalSecret, OptionalText, Outgoing, is_web_address
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Reply, Transport, failure, judge

API_URL = "https://slack.com/api"

# https://docs.slack.dev/reference/block-kit/blocks
MOST_BLOCKS = 50
SECTION_TEXT = 3000  # characters
MOST_FIELDS = 10
# https://docs.slack.dev/reference/block-kit/block-elements/button-element
BUTTON_TEXT = 75
# All blocks of a message together hold about 13,200 characters (github.com/slackapi/bolt-js/issues/2509).
# These are lower than Slack's own so that a message never gets there.
TITLE = 300
FIELD_TEXT = 300
BUTTON_URL = 1000
MOST_BUTTONS = 4
FOOTER = 300
MOST_MENTIONS = 20

COLOURS: Mapping[Level, str] = {
    Level.GOOD: "#2eb67d",
    Level.BAD: "#e01e5a",
    Level.WARNING: "#ecb22e",
    Level.INFO: "#868686",
}

# https://docs.slack.dev/reference/methods/chat.postMessage lists the errors; those below may pass.
TEMPORARY = {
    "fatal_error",
    "internal_error",
    "ratelimited",
    "rate_limited",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}
REMEDIES: Mapping[str, str] = {
    "account_inactive": "the token's user or workspace is gone",
    "channel_not_found": "check `channel`; a private one has to invite the app",
    "invalid_auth": "check `token`",
    "is_archived": "the channel is archived",
    "missing_scope": "give the app the scope chat:write",
    "not_in_channel": "invite the app to the channel",
    "token_expired": "renew `token`",
    "token_revoked": "renew `token`",
}

MARKUP = MARKUPS["slack"]


class Slack(Notifier):
    """Posts to a Slack channel."""

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
    allow_private: bool = Field(
        default=False, description="Lets the address be a private one, and http; for tests and proxies."
    )

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
        return self

    def destination(self) -> str:
        return self._destination_of(self.webhook, self.token, self.channel)

    def remarks(self) -> tuple[str, ...]:
        return (self.channel,) if self.channel else ()

    def mention(self, person: PersonSpec) -> str:
        return _mention(person)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """The title as text, which notifications show too; the rest beside a bar that shows the level."""
        to = {"channel": self.channel} if self.token else {}
        return {**_content(message, outgoing), **to, "unfurl_links": False, "unfurl_media": False}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        body = self.payload(message, outgoing)
        if self.webhook:
            return transport.post(
                self.webhook, json=body, timeout=self.seconds, allow_private=self.allow_private
            )
        token = self.token or Secret("")
        return transport.post(
            f"{self.api_url}/chat.postMessage",
            json=body,
            headers={"Authorization": Secret(f"Bearer {token.reveal()}")},
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(token,),
            judge=judge_api,
        )


def judge_api(reply: Reply) -> Answer:
    """Slack tells most errors with HTTP 200 and `ok: false`."""
    answer = judge(reply)
    said = reply.json()
    if not isinstance(said, dict):
        raise DeliveryError("Slack's answer is not JSON", status=reply.status, excerpt=reply.excerpt)
    if said.get("ok") is not True:
        code = str(said.get("error") or "no reason given")
        remedy = f" ({REMEDIES[code]})" if code in REMEDIES else ""
        raise failure(reply, f"Slack says {code[:100]}{remedy}", permanent=code not in TEMPORARY)
    receipt = {name: str(said[name]) for name in ("ts", "channel") if said.get(name)}
    return Answer(status=answer.status, excerpt=answer.excerpt, receipt=receipt)


def _content(message: Message, outgoing: Outgoing) -> dict[str, Any]:
    text = _text(message, outgoing)
    if isinstance(message.override, list):
        return {"text": text, "blocks": message.override[:MOST_BLOCKS]}
    if isinstance(message.override, dict):
        return {"text": text, **message.override}
    blocks = list(_blocks(message))
    return {
        "text": text,
        "attachments": [{"color": COLOURS[message.level], "blocks": blocks}] if blocks else [],
    }


def _text(message: Message, outgoing: Outgoing) -> str:
    title = MARKUP.bold(MARKUP.link(MARKUP.marked(MARKUP.cut(message.title, TITLE)), message.url))
    return " ".join((title, *filter(None, map(_mention, outgoing.mentions[:MOST_MENTIONS]))))


def _mention(person: PersonSpec) -> str:
    """`<@U…>` for a person, `<!subteam^S…>` for a group."""
    if group := person.ids.get("slack_group"):
        return f"<!subteam^{MARKUP.escape(group)}>"
    member = person.ids.get("slack")
    return f"<@{MARKUP.escape(member)}>" if member else ""


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    if message.body:
        yield {"type": "section", "text": _mrkdwn(MARKUP.cut(message.body, SECTION_TEXT))}
    if message.facts:
        facts = message.facts[:MOST_FIELDS]
        yield {"type": "section", "fields": [_mrkdwn(_field(fact.name, fact.value)) for fact in facts]}
    buttons = [b for b in message.buttons if len(b.url) <= BUTTON_URL][:MOST_BUTTONS]
    if buttons:
        yield {"type": "actions", "elements": [_button(button.text, button.url) for button in buttons]}
    if message.footer:
        yield {"type": "context", "elements": [_mrkdwn(MARKUP.cut(message.footer, FOOTER))]}


def _field(name: str, value: str) -> str:
    return MARKUP.cut(f"{MARKUP.bold(MARKUP.marked(MARKUP.cut(name, FIELD_TEXT // 3)))}\n{value}", FIELD_TEXT)


def _button(text: str, url: str) -> dict[str, Any]:
    said = {"type": "plain_text", "text": MARKUP.cut(text, BUTTON_TEXT), "emoji": False}
    return {"type": "button", "text": said, "url": url}


def _mrkdwn(text: str) -> dict[str, Any]:
    """`verbatim`: Slack makes no links or mentions of its own out of what a stranger wrote."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
