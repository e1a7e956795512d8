"""What messages of chat services are made of: a title that is a link, links for buttons, facts that fit."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from relay.markup import Markup, one_line
from relay.model import Button, Level, Message

LONGEST_URL = 1000  # characters; longer ones are left out
LINK_TEXT = 100  # characters

COLOURS: Mapping[Level, str] = {
    Level.GOOD: "#2eb67d",
    Level.BAD: "#e01e5a",
    Level.WARNING: "#ecb22e",
    Level.INFO: "#868686",
}

Made = TypeVar("Made")


def title_link(markup: Markup, message: Message, limit: int) -> str:
    """The title on one line, leading to the build."""
    title = markup.marked(markup.cut(one_line(message.title), limit))
    return markup.link(title, message.url if len(message.url or "") <= LONGEST_URL else None)


def links(markup: Markup, buttons: Sequence[Button], room: int) -> str:
    """The buttons as links on one line, those that fit."""
    said = ""
    for button in buttons:
        link = markup.link(markup.marked(markup.cut(button.text, LINK_TEXT)), button.url)
        longer = f"{said} · {link}" if said else link
        said = longer if len(longer) <= room else said
    return said


def fitting(make: Callable[[int], Made], most: int, size: Callable[[Made], int], room: int) -> Made:
    """What `make` makes of as many facts, at most `most`, as let it be no larger than the room."""
    made = make(most)
    while most and size(made) > room:
        most -= 1
        made = make(most)
    return made
