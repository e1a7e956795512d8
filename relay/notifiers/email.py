"""E-mail: text and HTML, in one conversation for each branch and workflow."""

import hashlib
import html
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from relay.markup import PLAIN, html_to_plain, one_line
from relay.model import Answer, Event, Level, Message
from relay.notifiers.base import Notifier, Outgoing, Texts
from relay.secret import Secret
from relay.transport import Transport
from relay.transport.mail import parse_server

SUBJECT = 180  # characters; RFC 5322 has lines end before 998, mail programs show far less
MOST_RECIPIENTS = 50
COLOURS: Mapping[Level, str] = {
    Level.GOOD: "#1a7f37",
    Level.BAD: "#cf222e",
    Level.WARNING: "#bf8700",
    Level.INFO: "#6e7781",
}


class Email(Notifier):
    """Sends e-mail through an SMTP server."""

    markup: ClassVar[str] = "html"
    in_flight: ClassVar[int | None] = 2

    type: Literal["email"] = "email"
    smtp: Secret = Field(
        description="`smtp://user:password@host:587?starttls` or `smtps://user:password@host`."
    )
    sender: str = Field(alias="from", description="The address messages come from.")
    to: Texts = Field(description="Who gets them: an address or a list of addresses.")

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
        return self

    def destination(self) -> str:
        return self._destination_of(self.smtp)

    def remarks(self) -> tuple[str, ...]:
        return (f"to {', '.join(self.to)}",)

    def payload(self, message: Message, outgoing: Outgoing) -> EmailMessage:
        made = EmailMessage(policy=SMTP)
        for name, value in self._headers(message, outgoing).items():
            made[name] = one_line(PLAIN.escape(value))
        made.set_content(_text(message, outgoing))
        made.add_alternative(_html(message, outgoing), subtype="html")
        return made

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        return transport.mail(self.smtp, self.payload(message, outgoing), timeout=self.seconds)

    def _headers(self, message: Message, outgoing: Outgoing) -> dict[str, str]:
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        conversation = f"<{_conversation(outgoing.events[0])}@{domain}>"
        return {
            "From": self.sender,
            "To": ", ".join(self.to),
            "Subject": PLAIN.cut(message.fallback or html_to_plain(message.title), SUBJECT),
            "Date": format_datetime(outgoing.sent_at),
            "Message-ID": f"<{outgoing.delivery_id}@{domain}>",
            "In-Reply-To": conversation,
            "References": conversation,
            "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic replies, please
            "List-Id": f"CI results <relay.{domain}>",
        }


def _is_address(text: str) -> bool:
    address = parseaddr(text)[1]
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and text.isprintable() and " " not in address and address.isascii()


def _conversation(event: Event) -> str:
    """The same for all results of one workflow on one branch."""
    parts = (event.project.slug, event.branch or event.tag, event.workflow.name or event.job.name)
    return hashlib.sha256("\0".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()[:32]


def _text(message: Message, outgoing: Outgoing) -> str:
    return "\n\n".join(part for part in _text_parts(message, outgoing) if part) + "\n"


def _text_parts(message: Message, outgoing: Outgoing) -> Iterator[str]:
    yield html_to_plain(message.title)
    yield html_to_plain(message.body)
    yield "\n".join(f"{html_to_plain(fact.name)}: {html_to_plain(fact.value)}" for fact in message.facts)
    yield "\n".join(f"{html_to_plain(button.text)}: {button.url}" for button in message.buttons)
    yield _people(outgoing)
    yield f"-- \n{html_to_plain(message.footer)}" if message.footer else ""


def _html(message: Message, outgoing: Outgoing) -> str:
    """Styles are inline: mail programs drop style sheets."""
    bar = f"border-left:4px solid {COLOURS[message.level]};padding-left:12px;font-family:sans-serif"
    return f'<html><body><div style="{bar}">\n{"".join(_html_parts(message, outgoing))}</div></body></html>\n'


def _html_parts(message: Message, outgoing: Outgoing) -> Iterator[str]:
    yield f"<h3>{message.title}</h3>\n"
    if message.body:
        yield "<p>{}</p>\n".format(message.body.replace("\n", "<br>\n"))
    if message.facts:
        rows = "".join(
            f"<tr><td>{fact.name}&nbsp;</td><td>{fact.value}</td></tr>\n" for fact in message.facts
        )
        yield f"<table>\n{rows}</table>\n"
    if message.buttons:
        links = (f'<a href="{html.escape(button.url)}">{button.text}</a>' for button in message.buttons)
        yield f"<p>{' · '.join(links)}</p>\n"
    if outgoing.mentions:
        yield f"<p>{html.escape(_people(outgoing))}</p>\n"
    if message.footer:
        yield f'<p style="color:#6e7781;font-size:small">{message.footer}</p>\n'


def _people(outgoing: Outgoing) -> str:
    names = ", ".join(person.key for person in outgoing.mentions)
    return f"For {names}" if names else ""
