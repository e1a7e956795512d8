"""Reads fields of strangers' JSON: what is absent, null, empty or of a wrong type is missing (None).

Texts come out storable (no NUL, no lone surrogate) and no longer than their limit.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relay.payloads.links import link
from relay.payloads.times import moment

NAME_LIMIT = 500  # characters
SUBJECT_LIMIT = 1_000
BODY_LIMIT = 10_000
LARGEST_NUMBER = 2**53  # what every JSON reader keeps exactly
LONGEST_DIGITS = 16

DEEPEST_VALUE = 10  # levels of free-form JSON
MOST_ITEMS = 500  # per level

_IN_A_LINE = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ") | {0: None}
_IN_A_PARAGRAPH = {code: None for code in _IN_A_LINE if code not in (0x09, 0x0A, 0x2028, 0x2029)}


def line(value: Any, limit: int = NAME_LIMIT) -> str | None:
    """One line of text."""
    if not isinstance(value, str):
        return None
    text = value if value.isprintable() else _storable(value).translate(_IN_A_LINE)
    return _cut(text.strip(), limit) or None


def paragraph(value: Any, limit: int = BODY_LIMIT) -> str | None:
    """Text of several lines."""
    if not isinstance(value, str):
        return None
    text = _storable(value).replace("\r\n", "\n").translate(_IN_A_PARAGRAPH)
    return _cut(text.strip(), limit) or None


def integer(value: Any) -> int | None:
    """A whole number, also when written as text or as 42.0. True and false are none."""
    if isinstance(value, str):
        digits = value.strip()
        unsigned = digits.removeprefix("-")
        is_whole = unsigned.isascii() and unsigned.isdigit() and len(unsigned) <= LONGEST_DIGITS
        value = int(digits) if is_whole else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) <= LARGEST_NUMBER else None


def number(value: Any) -> int | None:
    """A whole number that is not negative."""
    found = integer(value)
    return found if found is not None and found >= 0 else None


def storable(value: Any, depth: int = 0) -> Any:
    """Any JSON, made storable: texts cleaned and cut, what is too deep or too much left out."""
    if isinstance(value, str):
        return _cut(_storable(value).replace("\0", ""), BODY_LIMIT)
    if isinstance(value, (dict, list)) and depth >= DEEPEST_VALUE:
        return None
    if isinstance(value, dict):
        items = list(value.items())[:MOST_ITEMS]
        return {
            _cut(_storable(str(k)).replace("\0", ""), NAME_LIMIT): storable(v, depth + 1) for k, v in items
        }
    if isinstance(value, list):
        return [storable(item, depth + 1) for item in value[:MOST_ITEMS]]
    if isinstance(value, (int, float)) and abs(value) > LARGEST_NUMBER:
        return None
    return value


def _storable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


class Record:
    """An object of strangers' JSON. Each getter takes several names and gives the first that is there."""

    __slots__ = ("fields",)

    def __init__(self, fields: object = None) -> None:
        self.fields: Mapping[str, Any] = fields if isinstance(fields, dict) else {}

    def __bool__(self) -> bool:
        return bool(self.fields)

    def line(self, *names: str, limit: int = NAME_LIMIT) -> str | None:
        for name in names:
            found = line(self.fields.get(name), limit)
            if found:
                return found
        return None

    def paragraph(self, name: str, limit: int = BODY_LIMIT) -> str | None:
        return paragraph(self.fields.get(name), limit)

    def number(self, name: str) -> int | None:
        return number(self.fields.get(name))

    def integer(self, name: str) -> int | None:
        return integer(self.fields.get(name))

    def numbers(self, name: str) -> tuple[int, ...]:
        return tuple(found for item in self._list(name) if (found := number(item)) is not None)

    def flag(self, name: str) -> bool:
        """Whether it is true; GitLab's triggers write true as text."""
        value = self.fields.get(name)
        return value is True or value == "true"

    def link(self, name: str) -> str | None:
        return link(self.fields.get(name))

    def time(self, name: str) -> datetime | None:
        return moment(self.fields.get(name))

    def record(self, name: str) -> "Record":
        return Record(self.fields.get(name))

    def records(self, name: str) -> tuple["Record", ...]:
        return tuple(Record(item) for item in self._list(name) if isinstance(item, dict))

    def links(self, name: str) -> tuple[str, ...]:
        """Links of a list, which may be texts or objects with a `url`."""
        items = (item.get("url") if isinstance(item, dict) else item for item in self._list(name))
        return tuple(found for item in items if (found := link(item)))

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An open object, any JSON inside."""
        value = storable(self.fields.get(name))
        return value if isinstance(value, dict) else {}

    def _list(self, name: str) -> list[Any]:
        value = self.fields.get(name)
        return value if isinstance(value, list) else []
