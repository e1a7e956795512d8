"""Reads texts as chat services do: what pings, what links where, what became more than text."""

import re
from collections.abc import Collection
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.notifiers.contract.contract import Reading

CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
TARGET = re.compile(r"\]\([^)\s]*\)")
# In services that go by names a ping is an at sign, not inside a word, with a name right behind it.
NAMED = re.compile(r"(?<![\w])@([A-Za-z0-9][\w.-]*|\*+[^*\n]+\*+)")


def names_pinged(text: str) -> tuple[str, ...]:
    """`@name` outside code and addresses; a backslash before the sign does not help, one behind it does."""
    return tuple(NAMED.findall(TARGET.sub("] ", CODE.sub(" ", text))))


def markdown(text: str, *, images: bool = False, tags: Collection[str] = ()) -> Reading:
    """Links and what else CommonMark makes of a text; `tags`: the HTML that we write ourselves."""
    tokens = MarkdownIt("commonmark", {"html": True}).parse(text)
    flat = [child for token in tokens for child in (token, *(token.children or ()))]
    broken = [each.content for each in flat if each.type in ("html_block", "html_inline")]
    strange = [each for each in broken if each.strip() not in tags]
    pictures = [each.type for each in flat if each.type == "image" and not images]
    return Reading(links=tuple(_links(flat)), broken=(*strange, *pictures))


def _links(tokens: list[Token]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    target, shown = None, ""
    for token in tokens:
        if token.type == "link_open":
            target, shown = str(token.attrGet("href")), ""
        elif token.type == "link_close" and target is not None:
            found.append((shown, target))
            target = None
        elif target is not None:
            shown += token.content
    return found


def slack(text: str) -> Reading:
    """`<!channel>`, `<@U1>`, `<#C1>` ping; `<url|shown>` links; the rest is text."""
    inside = re.findall(r"<([^<>]*)>", text)
    links = [each.partition("|") for each in inside if each and each[0] not in "!@#"]
    return Reading(
        pings=tuple(each for each in inside if each[:1] in ("!", "@")),
        links=tuple((shown or url, url) for url, _, shown in links),
    )


def html(text: str, allowed: Collection[str]) -> Reading:
    """Links and elements; those not allowed, and attributes that nobody wrote, broke out."""
    reader = _HtmlReader(allowed)
    reader.feed(text)
    reader.close()
    left_open = tuple(f"<{tag}> is not closed" for tag in reader.open)
    return Reading(links=tuple(reader.links), broken=(*reader.broken, *left_open))


class _HtmlReader(HTMLParser):
    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._allowed = allowed
        self.links: list[tuple[str, str]] = []
        self.broken: list[str] = []
        self.open: list[str] = []
        self._target: str | None = None
        self._shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = ("href", "color", "data-mx-color", "style", "class")
        if tag not in self._allowed or any(name not in known for name, _ in attrs):
            self.broken.append(self.get_starttag_text() or tag)
        if tag not in ("br", "hr"):
            self.open.append(tag)
        if tag == "a":
            self._target, self._shown = dict(attrs).get("href") or "", ""

    def handle_data(self, data: str) -> None:
        self._shown += data

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.broken.append(f"</{tag}> ends nothing")
        if tag == "a" and self._target is not None:
            self.links.append((self._shown, self._target))
            self._target = None
