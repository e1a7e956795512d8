"""Fits marked text into a room that a service counts in units of its own: bytes, or halves of UTF-16."""

import json
import re
from collections.abc import Callable

from relay.markup.plain import Markup
from relay.markup.text import cut_list

_BLOCK = re.compile("```|<pre>")  # what spans lines, and must not lose one of its ends

Size = Callable[[str], int]


def utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def json_bytes(text: str) -> int:
    """What the text takes inside a JSON string."""
    return utf8_bytes(json.dumps(text, ensure_ascii=False)) - 2


def fit(markup: Markup, text: str, room: int, size: Size) -> str:
    """The text within the room as `size` counts it: lines are left out of its middle, or its end is cut."""
    limit = room = max(room, 0)
    kept = _shortened(markup, text, limit)
    while size(kept) > room:
        limit = max(min(limit, len(kept)) - max((size(kept) - room) // 4, 1), 0)
        kept = _shortened(markup, text, limit)
    return kept


def _shortened(markup: Markup, text: str, limit: int) -> str:
    lines = text.split("\n")
    if len(text) <= limit or len(lines) < 3 or len(lines[0]) > limit // 2 or _BLOCK.search(text):
        return markup.cut(text, limit)
    return markup.cut("\n".join(cut_list(lines, limit)), limit)
