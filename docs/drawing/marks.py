"""Reads Slack's mrkdwn and the services' kinds of Markdown as far as the relay writes them."""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from docs.drawing.shapes import LARGE, NORMAL, SMALL, Code, Element, Gap, Look, Span, Text

LineReader = Callable[[str], Element]
Names = Mapping[str, str]  # ids of people, and what the service shows for them

AS_IT_IS = Look()
FENCED = re.compile(r"```[ \t]*\n?(.*?)\n?```", re.DOTALL)
SLACK = re.compile(
    r"(?P<entity>&(?:amp|lt|gt);)"
    r"|(?P<code>`[^`\n]+`)"
    r"|<(?P<ping>@[^<>|]*|![^<>|]*)>"
    r"|<(?P<url>[^<>|]*)(?:\|(?P<shown>[^<>]*))?>"
    r"|(?<!\w)\*(?P<bold>(?:<[^<>]*>|`[^`\n]*`|[^*\n])+)\*(?!\w)"
)
MARKDOWN = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<entity>&(?:\#\d+|[a-z]+);)"
    r"|(?P<code>`[^`\n]+`)"
    r"|(?P<ping><@&?\d+>|@\*\*[^*\n]+\*\*|<at>[^<]*</at>|(?<!\w)@[A-Za-z0-9][\w.-]*)"
    r"|(?P<hidden><!--.*?-->|</?sub>)"
    r"|\[(?P<shown>(?:\\.|[^\]\\\n])*)\]\((?P<url>[^)\n]*)\)"
    r"|\*\*(?P<bold>(?:\\.|\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|`[^`\n]*`|[^*\\\n])+)\*\*"
)


def slack(text: str, names: Names, look: Look = AS_IT_IS, size: int = NORMAL) -> tuple[Element, ...]:
    """Lines and blocks of code."""
    return tuple(_elements(text, lambda each: _slack_line(each, names, look, size)))


def markdown(text: str, names: Names, look: Look = AS_IT_IS, size: int = NORMAL) -> tuple[Element, ...]:
    """Lines and blocks of code; headings, lists and small print are known."""
    return tuple(_elements(text, lambda each: _markdown_line(each, names, look, size)))


def spans(pattern: re.Pattern[str], text: str, names: Names, look: Look) -> Iterator[Span]:
    """The text in pieces of one look."""
    at = 0
    for found in pattern.finditer(text):
        yield Span(text=text[at : found.start()], look=look)
        yield from _marked(pattern, found, names, look)
        at = found.end()
    yield Span(text=text[at:], look=look)


def _marked(pattern: re.Pattern[str], found: re.Match[str], names: Names, look: Look) -> Iterator[Span]:
    said = {name: each for name, each in found.groupdict().items() if each is not None}
    match next(iter(said.items()), ("hidden", "")):
        case ("entity" | "escaped", one):
            yield Span(text=html.unescape(one), look=look)
        case ("code", code):
            yield Span(text=html.unescape(code[1:-1]), look=replace(look, code=True))
        case ("ping", who):
            yield Span(text=names.get(who, f"@{who.strip('@<>&!*')}"), look=replace(look, ping=True))
        case ("bold", inside):
            yield from spans(pattern, inside, names, replace(look, bold=True))
        case ("url" | "shown", _):
            shown = said.get("shown", said["url"])
            yield from spans(pattern, shown, names, replace(look, link=True))


def _elements(text: str, line_of: LineReader) -> Iterator[Element]:
    """Odd pieces are what stood between fences."""
    for number, piece in enumerate(FENCED.split(text)):
        if number % 2:
            yield Code(lines=tuple(html.unescape(piece).split("\n")))
        elif piece.strip("\n"):
            yield from (
                line_of(each) if each.strip() else Gap(height=7) for each in piece.strip("\n").split("\n")
            )


def _slack_line(text: str, names: Names, look: Look, size: int) -> Element:
    return Text(spans=tuple(spans(SLACK, text, names, look)), size=size)


def _markdown_line(text: str, names: Names, look: Look, size: int) -> Element:
    if text.startswith("### "):
        text, look, size = text[4:], replace(look, bold=True), LARGE
    elif text.startswith(("-# ", "<sub>")):
        text, look, size = text.removeprefix("-# "), replace(look, faint=True), SMALL
    elif text.startswith("- "):
        text = f"• {text[2:]}"
    return Text(spans=tuple(spans(MARKDOWN, text.lstrip(), names, look)), size=size)
