"""E-mail: text and HTML, threaded by conversation."""

import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import ClassVar, Final, Literal

from pydantic import Field, model_validator

from relay import patterns
from relay.errors import DeliveryError
from relay.markup import MARKUPS, MORE, PLAIN, html_to_plain, one_line
from relay.model import Answer, Fact, Level, Message
from relay.notifiers.base import Notifier, OptionalText, Outgoing, Texts
from relay.people import PersonSpec
from relay.secret import Secret
from relay.transport import Transport
from relay.transport.mail import parse_server

SUBJECT = 180  # characters; RFC 5322 has lines end before 998, mail programs show far less
MOST_RECIPIENTS = 50
# Gmail hides what is beyond about 102 KB. These keep either part below 100 KB with four bytes a character.
BODY = 8000  # characters
MOST_FACTS = 20
FACT = 200
FOOTER = 500
MOST_BUTTONS = 6
BUTTON_TEXT = 100
BUTTON_URL = 1000
MOST_MENTIONS = 50

SEVEN_BIT: Final = SMTP.clone(cte_type="7bit")  # not every server takes eight
COLOURS: Mapping[Level, str] = {
    Level.GOOD: "#1a7f37",
    Level.BAD: "#cf222e",
    Level.WARNING: "#bf8700",
    Level.INFO: "#6e7781",
}
# RFC 4954: authentication is wanted, too weak, wrong, or only with encryption
NOT_LET_IN = {530, 534, 535, 538}

MARKUP = MARKUPS["html"]


class Email(Notifier):
    """Sends e-mail through an SMTP server."""

    markup: ClassVar[str] = "html"
    in_flight: ClassVar[int | None] = 2
    body_limit: ClassVar[int] = BODY

    type: Literal["email"] = "email"
    smtp: Secret = Field(
        description="`smtp://user:password@host:587?starttls` or `smtps://user:password@host`."
    )
    sender: str = Field(alias="from", description="The address messages come from.")
    to: Texts = Field(description="Who gets them: an address or a list of addresses.")
    unsubscribe: OptionalText = Field(
        default=None,
        description="Where people ask for no more, `mailto:ops@example.com` or https: `List-Unsubscribe`.",
    )

    @model_validator(mode="after")
    def _can_be_sent(self) -> "Email":
        try:
            parse_server(self.smtp)
        except ValueError as error:
            raise ValueError(f"smtp: {error}") from None
        if not 1 <= len(self.to) <= MOST_RECIPIENTS:
            raise ValueError(f"to: wanted 1 to {MOST_RECIPIENTS} addresses")
        for address in (self.sender, *self.to):
            if not _is_address(address):
                raise ValueError(f"{address!r} is not an e-mail address")
        if self.unsubscribe and not _is_unsubscribing(self.unsubscribe):
            raise ValueError("unsubscribe: wanted mailto:name@example.com or https://…")
        return self

    def destination(self) -> str:
        return self._destination_of(self.smtp)

    def remarks(self) -> tuple[str, ...]:
        return (f"to {', '.join(self.to)}",)

    @property
    def can_thread(self) -> bool:
        return True

    def address_of(self, person: PersonSpec) -> str | None:
        """The first of the person's addresses that is written out."""
        return next((each for each in person.emails if patterns.is_plain(each) and _is_address(each)), None)

    def payload(self, message: Message, outgoing: Outgoing) -> EmailMessage:
        made = EmailMessage(policy=SEVEN_BIT)
        for name, value in self._headers(message, outgoing).items():
            made[name] = one_line(PLAIN.escape(value))
        made.set_content(_text(message, outgoing))
        made.make_alternative(boundary=f"relay-{_digest('boundary', outgoing.delivery_id)}")
        made.add_alternative(_html(message, outgoing), subtype="html")
        return made

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        made = self.payload(message, outgoing)
        try:
            answer = transport.mail(self.smtp, made, timeout=self.seconds)
        except DeliveryError as error:
            error.is_dead = error.status in NOT_LET_IN
            raise
        root = outgoing.card.get("message_id") or str(made["Message-ID"])
        return answer if self.style == "post" else replace(answer, receipt={"message_id": root})

    def _headers(self, message: Message, outgoing: Outgoing) -> dict[str, str]:
        return {
            "From": self.sender,
            "To": ", ".join(self._recipients(outgoing)),
            "Subject": PLAIN.cut(_subject(message), SUBJECT),
            "Date": format_datetime(outgoing.sent_at),
            **self._place_in_thread(outgoing),
            "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic replies, please
            "List-Id": f"CI results <relay.{self._domain}>",
            **({"List-Unsubscribe": f"<{self.unsubscribe}>"} if self.unsubscribe else {}),
        }

    def _place_in_thread(self, outgoing: Outgoing) -> dict[str, str]:
        """Its id and what it answers: the first of the conversation, or a message that never was.

        The id is the delivery's, not the conversation's: mail programs show each id once, so a first message
        that has to be sent anew, or to somebody else, would be swallowed.
        """
        root = f"<{self._conversation_id(outgoing)}@{self._domain}>"
        first = outgoing.card.get("message_id", "")
        return {
            "Message-ID": f"<{outgoing.delivery_id}@{self._domain}>",
            "In-Reply-To": first or root,
            "References": f"{root} {first}".strip(),
        }

    def _conversation_id(self, outgoing: Outgoing) -> str:
        """The same for all messages about one subject; posts go by workflow and branch."""
        if outgoing.subject and self.style != "post":
            return _digest(outgoing.subject)
        event = outgoing.events[0]
        return _digest(event.project.slug, event.branch or event.tag, event.workflow.name or event.job.name)

    def _recipients(self, outgoing: Outgoing) -> tuple[str, ...]:
        if outgoing.direct is None:
            return self.to
        address = self.address_of(outgoing.direct)
        if address is None:
            raise DeliveryError(f"{outgoing.direct.key} has no e-mail address under `people`", permanent=True)
        return (address,)

    @property
    def _domain(self) -> str:
        return parseaddr(self.sender)[1].rpartition("@")[2]


def _is_address(text: str) -> bool:
    address = parseaddr(text)[1]
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and text.isprintable() and " " not in address and address.isascii()


def _is_unsubscribing(url: str) -> bool:
    is_whole = url.isascii() and url.isprintable() and not any(each in url for each in "<> ,")
    return is_whole and url.startswith(("mailto:", "https://"))


def _digest(*parts: str | None) -> str:
    written = "\0".join(part or "" for part in parts)
    return hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()[:32]


def _subject(message: Message) -> str:
    return message.fallback or html_to_plain(message.title)


def _text(message: Message, outgoing: Outgoing) -> str:
    return "\n\n".join(part for part in _text_parts(message, outgoing) if part) + "\n"


def _text_parts(message: Message, outgoing: Outgoing) -> Iterator[str]:
    yield html_to_plain(message.title)
    yield PLAIN.cut(html_to_plain(message.body), BODY)
    yield "\n".join(f"{html_to_plain(fact.name)}: {html_to_plain(fact.value)}" for fact in _facts(message))
    yield "\n".join(f"{html_to_plain(text)}: {url}" for text, url in _buttons(message))
    yield _people(outgoing)
    yield f"-- \n{html_to_plain(MARKUP.cut(message.footer, FOOTER))}" if message.footer else ""


def _html(message: Message, outgoing: Outgoing) -> str:
    """Styles are inline: mail programs drop style sheets."""
    bar = f"border-left:4px solid {COLOURS[message.level]};padding-left:12px;font-family:sans-serif"
    return f'<html><body><div style="{bar}">\n{"".join(_html_parts(message, outgoing))}</div></body></html>\n'


def _html_parts(message: Message, outgoing: Outgoing) -> Iterator[str]:
    title_url = None if "<a " in message.title else _short(message.url)
    yield f"<h3>{MARKUP.link(MARKUP.marked(message.title), title_url)}</h3>\n"
    if message.body:
        yield "<p>{}</p>\n".format(MARKUP.cut(message.body, BODY).replace("\n", "<br>\n"))
    if message.facts:
        rows = (f"<tr><td>{fact.name}&nbsp;</td><td>{fact.value}</td></tr>\n" for fact in _facts(message))
        yield f"<table>\n{''.join(rows)}</table>\n"
    if links := [f'<a href="{html.escape(url)}">{text}</a>' for text, url in _buttons(message)]:
        yield f"<p>{' · '.join(links)}</p>\n"
    if outgoing.mentions:
        yield f"<p>{html.escape(_people(outgoing))}</p>\n"
    if message.footer:
        yield f'<p style="color:#6e7781;font-size:small">{MARKUP.cut(message.footer, FOOTER)}</p>\n'


def _facts(message: Message) -> Iterator[Fact]:
    for fact in message.facts[:MOST_FACTS]:
        yield Fact(name=MARKUP.cut(fact.name, FACT // 3), value=MARKUP.cut(fact.value, FACT))
    if len(message.facts) > MOST_FACTS:
        yield Fact(name=MORE.format(n=len(message.facts) - MOST_FACTS), value="")


def _buttons(message: Message) -> Iterator[tuple[str, str]]:
    """Texts and addresses; what is too long for an address is left out, for it would lead elsewhere."""
    fitting = [button for button in message.buttons if _short(button.url)]
    yield from ((MARKUP.cut(button.text, BUTTON_TEXT), button.url) for button in fitting[:MOST_BUTTONS])


def _short(url: str | None) -> str | None:
    return url if url and len(url) <= BUTTON_URL else None


def _people(outgoing: Outgoing) -> str:
    names = ", ".join(person.key for person in outgoing.mentions[:MOST_MENTIONS])
    return f"For {names}" if names else ""
