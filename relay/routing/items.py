"""One item of a match: a word, a glob, a regular expression, a comparison or true and false."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Protocol

from relay import durations, fields, patterns
from relay.fields import FieldType
from relay.patterns import PatternError, Regex
from relay.routing.reading import Scalar
from relay.routing.wording import as_text

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
    "!=": ne,
    "==": eq,
}
_COMPARISON = re.compile(r"\s*(>=|<=|!=|==|>|<)\s*(.*?)\s*", re.DOTALL)
_REGEX = re.compile(r"/(.*)/(i?)", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d{1,15}(\.\d{1,15})?", re.ASCII)


class ItemError(ValueError):
    """An item that cannot mean anything for its field; the text says what to write."""


class Item(Protocol):
    """`text` is the item as written, without its "!"."""

    @property
    def text(self) -> str: ...

    def matches(self, value: Scalar) -> bool: ...


@dataclass(frozen=True, slots=True)
class Word:
    """A glob without wildcards."""

    text: str

    def matches(self, value: Scalar) -> bool:
        return as_text(value) == self.text


@dataclass(frozen=True, slots=True)
class Pattern:
    """A glob or a regular expression."""

    text: str
    regex: Regex

    def matches(self, value: Scalar) -> bool:
        return self.regex.found_in(as_text(value))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number next to a limit; texts that spell a number count as one."""

    text: str
    operator: str
    limit: float

    def matches(self, value: Scalar) -> bool:
        number = _number_of(value)
        return number is not None and OPERATORS[self.operator](number, self.limit)


@dataclass(frozen=True, slots=True)
class Flag:
    text: str
    wanted: bool

    def matches(self, value: Scalar) -> bool:
        return as_text(value) == self.text


def _number_of(value: Scalar) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value


def read_item(name: str, raw: Any) -> tuple[bool, Item]:
    """(whether it is negative, the item) for a field that exists. Raises ItemError."""
    kind = _kind_of(name)
    if kind in _REFUSED:
        raise ItemError(_REFUSED[kind].format(name=name))
    if not isinstance(raw, (str, int, float)):
        raise ItemError('wanted a pattern; "!*" asks for a field that is missing')
    text = raw if isinstance(raw, str) else ""
    negative = text.startswith("!") and not text.startswith("!=")
    bare = text[1:] if negative else raw
    if isinstance(bare, str) and bare.strip() in ("", "//", "//i"):
        raise ItemError("the pattern is empty")
    return negative, _READERS[kind](name, bare)


def _kind_of(name: str) -> FieldType | None:
    """None for what sits below an open mapping: CircleCI decides its type, so every item is allowed."""
    return fields.ALL.get(name)


_REFUSED: Mapping[FieldType | None, str] = {
    FieldType.TIME: "{name} is a time, which match cannot compare; use during: or when:",
    FieldType.MAPPING: "{name} holds names of its own; write {name}.<name>",
}


def _read_text(name: str, raw: Any) -> Item:
    if not isinstance(raw, str):
        raise ItemError(f'{name} is text; quote the value: "{as_text(raw)}"')
    if _COMPARISON.fullmatch(raw):
        raise ItemError(f'{name} is text, which is not compared; "!word" excludes a word')
    return _read_pattern(raw)


def _read_pattern(text: str) -> Item:
    expression = _REGEX.fullmatch(text) if len(text) > 1 else None
    try:
        if expression:
            source, insensitive = expression.groups()
            return Pattern(text, Regex(f"(?i){source}" if insensitive else source))
        if patterns.is_plain(text):
            return Word(text)
        return Pattern(text, Regex(patterns.glob_source(text)))
    except PatternError as error:
        raise ItemError(f"cannot read the pattern {text}: {error}") from error


def _read_number(name: str, raw: Any) -> Item:
    return _read_comparison(raw, _plain_number, f'{name} wants a number: 3, "> 3" or "!= 3"')


def _read_duration(name: str, raw: Any) -> Item:
    return _read_comparison(raw, durations.parse, f'{name} wants a length of time: "> 20m" or "<= 90s"')


def _read_comparison(raw: Any, parse: Callable[[str], float], remedy: str) -> Item:
    if isinstance(raw, bool):
        raise ItemError(remedy)
    text = as_text(raw).strip()
    comparison = _COMPARISON.fullmatch(text)
    operator, limit = comparison.groups() if comparison else ("==", text)
    try:
        return Comparison(text, operator, parse(limit))
    except ValueError as error:
        raise ItemError(remedy) from error


def _plain_number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _read_flag(name: str, raw: Any) -> Item:
    text = as_text(raw)
    if text not in ("true", "false"):
        raise ItemError(f"{name} is true or false")
    return Flag(text, text == "true")


def _read_any(name: str, raw: Any) -> Item:
    if isinstance(raw, bool):
        return _read_flag(name, raw)
    comparison = _COMPARISON.fullmatch(raw) if isinstance(raw, str) else None
    if comparison is None and isinstance(raw, str):
        return _read_pattern(raw)
    return _read_number(name, raw)


_READERS: Mapping[FieldType | None, Callable[[str, Any], Item]] = {
    FieldType.TEXT: _read_text,
    FieldType.NUMBER: _read_number,
    FieldType.DURATION: _read_duration,
    FieldType.FLAG: _read_flag,
    FieldType.TEXTS: _read_any,
    None: _read_any,
}
