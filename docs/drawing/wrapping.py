"""Breaks lines of text that are longer than there is room, at blanks if there are any."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from docs.drawing.shapes import Span
from docs.drawing.widths import width

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # categories of characters that SVG refuses or nobody sees


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A piece of one look, in its place on a line."""

    span: Span
    x: float
    width: float


def rows(spans: Iterable[Span], room: float, size: float) -> tuple[tuple[Run, ...], ...]:
    """The lines, each with its pieces from left to right; those after the first begin without blanks."""
    found: list[list[Span]] = [[]]
    used = 0.0
    for word in _words(spans, room, size):
        wide = sum(width(span.text, span.look, size) for span in word)
        is_blank = all(span.text.isspace() for span in word)
        if used + wide > room and found[-1] and not is_blank:
            found.append([])
            used = 0.0
        if found[-1] or not is_blank or len(found) == 1:
            found[-1].extend(word)
            used += wide
    return tuple(_placed(each, size) for each in found)


def seen(text: str) -> str:
    """The text without what cannot be shown."""
    return "".join(each for each in text.replace("\t", "    ") if unicodedata.category(each) not in UNSEEN)


def _words(spans: Iterable[Span], room: float, size: float) -> Iterator[list[Span]]:
    """Blanks, and what stands between them whatever its look; a word wider than the room in parts."""
    word: list[Span] = []
    for span in spans:
        for part in re.findall(r"\s+|\S+", seen(span.text)):
            if part.isspace():
                yield from _fitting(word, room, size)
                yield [replace(span, text=part)]
                word = []
            else:
                word.append(replace(span, text=part))
    yield from _fitting(word, room, size)


def _fitting(word: list[Span], room: float, size: float) -> Iterator[list[Span]]:
    if sum(width(span.text, span.look, size) for span in word) <= room:
        yield from [word] if word else []
        return
    for span in word:
        yield from ([replace(span, text=part)] for part in _parts(span, room, size))


def _parts(span: Span, room: float, size: float) -> Iterator[str]:
    part = ""
    for character in span.text:
        if part and width(part + character, span.look, size) > room:
            yield part
            part = ""
        part += character
    yield part


def _placed(spans: Sequence[Span], size: float) -> tuple[Run, ...]:
    x, found = 0.0, []
    for span in _joined(spans):
        wide = width(span.text, span.look, size)
        found.append(Run(span=span, x=x, width=wide))
        x += wide
    return tuple(found)


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """Neighbours of the same look as one; without blanks at the end."""
    texts: list[Span] = []
    for span in spans:
        if texts and texts[-1].look == span.look:
            texts[-1] = replace(span, text=texts[-1].text + span.text)
        else:
            texts.append(span)
    while texts and texts[-1].text.isspace():
        texts.pop()
    yield from texts[:-1]
    yield from (replace(span, text=span.text.rstrip()) for span in texts[-1:])
