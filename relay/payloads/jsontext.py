"""Reads JSON that strangers wrote, and mends what senders are known to break.

A text cut in the middle of an emoji leaves half a surrogate pair, which strict readers refuse; the event
around it is still worth having. Half pairs go, broken bytes become U+FFFD, numbers no one can store and
whatever is nested too deeply become null. What is not JSON at all stays an error.
"""

import json
import re
from typing import Any

import msgspec

from relay.errors import PayloadError

DEEPEST = 50  # levels; real payloads have less than ten
LONGEST_INTEGER = 18  # digits; what fits 64 bits

# A text (even one never closed) or a bracket. Possessive, so it cannot backtrack.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?+|[\[\]{}]', re.DOTALL)

_KINDS = {"[": "a list", '"': "a text", "n": "null", "t": "true", "f": "false"}


def read(text: bytes) -> Any:
    """The value of a JSON text, mended when necessary."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(mend(text))


def mend(text: bytes) -> bytes:
    """The same JSON in a form that every reader takes, or PayloadError."""
    try:
        value = json.loads(
            _pruned(text.decode("utf-8", "replace")),
            strict=False,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=lambda _: None,
        )
    except json.JSONDecodeError as error:
        raise PayloadError(f"not JSON: {error.msg} (character {error.pos})") from error
    except RecursionError as error:
        raise PayloadError("not JSON: nested too deeply") from error
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore")


def kind_of(text: bytes) -> str:
    """What a JSON text that is no object is, in words."""
    return _KINDS.get(text.lstrip()[:1].decode("latin-1"), "a number")


def _pruned(text: str) -> str:
    """The text with null in place of everything below DEEPEST levels."""
    kept, depth, start = [], 0, 0
    for token in _STRUCTURE.finditer(text):
        mark = token[0][0]
        if mark in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept.append(text[start : token.start()] + "null")
        elif mark in "]}":
            if depth == DEEPEST + 1:
                start = token.end()
            depth -= 1
    return "".join((*kept, text[start:] if depth <= DEEPEST else ""))


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_INTEGER else None


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None
