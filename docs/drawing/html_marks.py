"""Reads the HTML that the relay writes for mail and for chat services."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser

from docs.drawing.shapes import LARGE, NORMAL, SMALL, Code, Element, Gap, Look, Span, Text

BLOCKS = ("p", "div", "table", "h3")
PEOPLE = ("tg://user", "https://matrix.to/")
GREY = 20  # how far the parts of a colour are apart, of 255
LOOKS: Mapping[str, Look] = {
    "b": Look(bold=True),
    "h3": Look(bold=True),
    "i": Look(italic=True),
    "code": Look(code=True),
    "sub": Look(faint=True),
}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def html(text: str, *, breaks_at_newlines: bool = False) -> tuple[Element, ...]:
    """Lines and blocks of code."""
    reader = _Reader(breaks_at_newlines)
    reader.feed(text)
    reader.close()
    return reader.finish()


class _Reader(HTMLParser):
    def __init__(self, breaks_at_newlines: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._breaks = breaks_at_newlines
        self._done: list[Element] = []
        self._line: list[Span] = []
        self._open: list[tuple[str, Look, int]] = []
        self._verbatim: str | None = None

    def finish(self) -> tuple[Element, ...]:
        self._end_line()
        while self._done and isinstance(self._done[-1], Gap):
            self._done.pop()
        return tuple(self._done)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "br":
            self._end_line()
            return
        if tag in BLOCKS:
            self._end_line()
        if tag == "pre":
            self._end_line()
            self._verbatim = ""
        self._open.append((tag, _with(self._look, tag, given), _size(self._size, tag, given)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre" and self._verbatim is not None:
            self._done.append(Code(lines=tuple(self._verbatim.strip("\n").split("\n"))))
            self._verbatim = None
        elif tag in BLOCKS:
            self._end_line()
            self._gap()
        elif tag == "tr":
            self._end_line()
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._verbatim is not None:
            self._verbatim += data
            return
        pieces = data.split("\n") if self._breaks else [re.sub(r"[ \n]+", " ", data)]
        for number, piece in enumerate(pieces):
            if number:
                self._end_line()
            if piece.strip() or self._line:
                shown = piece if self._breaks or self._line else piece.lstrip()
                self._line.append(Span(text=shown, look=self._look))

    @property
    def _look(self) -> Look:
        return self._open[-1][1] if self._open else Look()

    @property
    def _size(self) -> int:
        return self._open[-1][2] if self._open else NORMAL

    def _end_line(self) -> None:
        if self._line:
            self._done.append(Text(spans=tuple(self._line), size=self._size))
        self._line = []

    def _gap(self) -> None:
        if self._done and not isinstance(self._done[-1], Gap):
            self._done.append(Gap(height=7))


def _with(look: Look, tag: str, given: Mapping[str, str]) -> Look:
    if tag == "a":
        is_person = given.get("href", "").startswith(PEOPLE)
        return replace(look, ping=True) if is_person else replace(look, link=True)
    colour = given.get("color") or given.get("data-mx-color") or ""
    if _COLOUR.fullmatch(colour):
        return replace(look, faint=True) if _is_grey(colour) else replace(look, colour=colour)
    if "font-size:small" in given.get("style", ""):
        return replace(look, faint=True)
    own = LOOKS.get(tag, Look())
    return replace(
        look,
        bold=look.bold or own.bold,
        italic=look.italic or own.italic,
        code=look.code or own.code,
        faint=look.faint or own.faint,
    )


def _is_grey(colour: str) -> bool:
    """Drawn as what is faint in the reader's theme: on black a dark grey could not be read."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return max(parts) - min(parts) < GREY


def _size(size: int, tag: str, given: Mapping[str, str]) -> int:
    if tag == "sub" or "font-size:small" in given.get("style", ""):
        return SMALL
    return LARGE if tag == "h3" else size
