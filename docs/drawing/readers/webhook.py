"""A program: JSON, of which long parts are left out."""

import json
from collections.abc import Iterator
from typing import Any

from docs.drawing.shapes import Code, Picture, line, plain

DEEPEST = 3  # what is further inside is not shown
MOST_KEYS = 9
WIDEST = 60  # characters of a text


def read(payload: Any) -> Picture:
    note = line(plain("… stands for what the picture leaves out", faint=True))
    return Picture(service="a program", elements=(Code(lines=tuple(outline(payload))), note))


def outline(value: Any, depth: int = 0, key: str = "", comma: str = "") -> Iterator[str]:
    """Lines of JSON."""
    indent, named = "  " * depth, f"{json.dumps(key)}: " if key else ""
    if isinstance(value, dict) and value:
        yield from _within(indent + named, indent, "{}", value.items(), depth, comma)
    elif isinstance(value, list) and value:
        yield from _within(indent + named, indent, "[]", [("", each) for each in value], depth, comma)
    else:
        yield f"{indent}{named}{_scalar(value)}{comma}"


def _within(head: str, indent: str, ends: str, items: Any, depth: int, comma: str) -> Iterator[str]:
    """Nothing is said of what is empty."""
    told = [(key, each) for key, each in items if each not in (None, "", [], {})]
    if depth > DEEPEST:
        yield f"{head}{ends[0]}…{ends[1]}{comma}"
        return
    yield head + ends[0]
    for number, (key, each) in enumerate(told[:MOST_KEYS], 1):
        yield from outline(each, depth + 1, key, "," if number < len(told) else "")
    if len(told) > MOST_KEYS:
        yield f"{indent}  …"
    yield f"{indent}{ends[1]}{comma}"


def _scalar(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= WIDEST else f'{said[: WIDEST - 2]}…"'
