"""Web addresses made of a template: what an event tells goes in encoded, and cannot lead elsewhere."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from relay.errors import TemplateError
from relay.model import Event
from relay.sandbox import AsIs, check_template, compile_template, environment, names_of

DOTS = {".", ".."}


class Encoded(str):
    """A part of an address, percent-encoded."""

    __slots__ = ()


class Address(AsIs):
    """Each value is one part of the address. A missing one is refused: it would name something else."""

    marked: type[str] = Encoded

    def text(self, value: object) -> str:
        if isinstance(value, Encoded):
            return value
        if value is None or value == "":
            raise TemplateError("a value of the address is missing in this event")
        return Encoded(quote(str(value), safe="", errors="replace"))


def compile_address(text: str) -> Callable[[Event], str]:
    """ValueError for a template that cannot be an address; the function raises TemplateError."""
    if not text.startswith(("https://", "http://")):
        raise ValueError("wanted an address that begins with https:// or http://")
    problems = check_template(text, ())
    if problems:
        raise ValueError("; ".join(problems))
    markup = Address()
    within = environment(markup)
    within.filters["urlencode"] = markup.text
    program = compile_template(text, within)
    return lambda event: _checked(program(names_of(event)))


def _checked(url: str) -> str:
    """Without dots for segments: on the way they would be taken for steps up."""
    try:
        segments: Mapping[str, Any] = dict.fromkeys(unquote(part) for part in urlsplit(url).path.split("/"))
    except ValueError as error:
        raise TemplateError(f"no address: {error}") from error
    if DOTS & segments.keys():
        raise TemplateError("a part of the address would be . or ..")
    return url
