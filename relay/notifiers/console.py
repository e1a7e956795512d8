"""Prints messages; good for trying things."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from relay.model import Answer, Level, Message
from relay.notifiers.base import Notifier, Outgoing
from relay.transport import Transport

COLOURS = {Level.GOOD: "32", Level.BAD: "31", Level.WARNING: "33", Level.INFO: "37"}  # ECMA-48, SGR
INDENT = "   "


class Console(Notifier):
    """Prints each message where the relay runs."""

    in_flight: ClassVar[int | None] = 1

    type: Literal["console"] = "console"

    def payload(self, message: Message, outgoing: Outgoing) -> str:
        """A block of lines: title, text, facts, links, small print."""
        return "\n".join((message.title, *(f"{INDENT}{line}" for line in _lines(message, outgoing))))

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        text = self.payload(message, outgoing)
        return transport.show(_coloured(text, message.level) if transport.is_terminal else text)


def _lines(message: Message, outgoing: Outgoing) -> Iterator[str]:
    yield from (line for line in message.body.split("\n") if line)
    if message.facts:
        yield " · ".join(f"{fact.name} {fact.value}" for fact in message.facts)
    yield from (f"{button.text}: {button.url}" for button in message.buttons)
    if outgoing.mentions:
        yield f"for {', '.join(person.key for person in outgoing.mentions)}"
    if message.footer:
        yield message.footer


def _coloured(text: str, level: Level) -> str:
    """The title in the colour of the level, the rest dim."""
    title, _, rest = text.partition("\n")
    return f"\x1b[1;{COLOURS[level]}m{title}\x1b[0m\n\x1b[2m{rest}\x1b[0m"
