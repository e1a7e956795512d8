"""YAML text → a tree with positions; every fault of the writing at once.

Stricter than YAML: no duplicate keys, anchors, aliases, tags, merge keys or keys that are not text,
one document, bounded depth and size. What remains cannot surprise or explode.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from relay.config.remedies import syntax_remedy
from relay.config.scalars import resolve
from relay.config.tree import START, Node, Path, Position, written_path
from relay.errors import Fault

MAX_DEPTH = 40
MAX_SIZE = 1024 * 1024  # bytes
TOO_LARGE = f"the file is larger than {MAX_SIZE // 1024} KiB"
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
REFUSED_CHARACTER = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

QUOTE_IT = "if it is meant as text, write it in quotes"


def read(text: str, file: str, parser: Any = PARSER) -> tuple[Node | None, tuple[Fault, ...]]:
    """The document and what is wrong with its writing; no document when it cannot be read to its end."""
    composer = _Composer(text, file, parser)
    try:
        node = composer.document()
    except _Unreadable:
        node = None
    return node, tuple(composer.faults)


class _Unreadable(Exception):
    """The rest of the file makes no sense; the fault is already noted."""


class _Composer:
    """Builds nodes from the parser's events, noting faults on the way."""

    def __init__(self, text: str, file: str, parser: Any) -> None:
        self.faults: list[Fault] = []
        self._text = text
        self._file = file
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=parser)

    def document(self) -> Node:
        """The only document of the file; an empty file is an empty mapping."""
        self._refuse_text()
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return Node(value={}, at=START)
        node = self._node(self._next(), (), None)
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self._stop(_position(event.start_mark), (), "a second document starts here; one file holds one")
        return node

    def _refuse_text(self) -> None:
        if len(self._text.encode("utf-8", "surrogatepass")) > MAX_SIZE:
            self._stop(START, (), TOO_LARGE)
        refused = REFUSED_CHARACTER.search(self._text)
        if refused:
            at = _position_of(refused.start(), self._text)
            self._stop(at, (), "an unprintable character; remove it")

    def fault(self, at: Position, path: Path, problem: str) -> None:
        """Notes one thing that is wrong."""
        where = written_path(path)
        self.faults.append(
            Fault(file=self._file, line=at.line, column=at.column, path=where, problem=problem)
        )

    def _stop(self, at: Position, path: Path, problem: str) -> NoReturn:
        self.fault(at, path, problem)
        raise _Unreadable

    def _next(self) -> Any:
        try:
            return next(self._events)
        except yaml.MarkedYAMLError as error:
            line, column, problem = syntax_remedy(error, self._text)
            self._stop(Position(line=line, column=column), (), problem)

    def _node(self, event: Any, path: Path, key_at: Position | None) -> Node:
        at = _position(event.start_mark)
        if len(path) > MAX_DEPTH:
            self._stop(at, (), f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            problem = f'aliases are not allowed; repeat the value, or {QUOTE_IT}: "*{event.anchor}"'
            self.fault(at, path, problem)
            return Node(value=None, at=at, key_at=key_at)
        self._refuse_marks(event, at, path)
        if isinstance(event, yaml.MappingStartEvent):
            return Node(value=self._mapping(path), at=at, key_at=key_at)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(value=self._sequence(path), at=at, key_at=key_at)
        is_empty = event.implicit[0] and not event.value
        return Node(value=_scalar(event), at=key_at if is_empty and key_at else at, key_at=key_at)

    def _refuse_marks(self, event: Any, at: Position, path: Path) -> None:
        if event.anchor is not None:
            problem = f'anchors are not allowed; remove it, or {QUOTE_IT}: "&{event.anchor}"'
            self.fault(at, path, problem)
        if event.tag is not None:
            problem = f"tags are not allowed; remove {_short(event.tag)}, or {QUOTE_IT}"
            self.fault(at, path, problem)

    def _sequence(self, path: Path) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), None))
        return tuple(items)

    def _mapping(self, path: Path) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, at = self._key(event, path), _position(event.start_mark)
            value = self._node(self._next(), (*path, key or "?"), at)
            if key is not None and key in found:
                self._duplicate(at, found[key].key_at or START, (*path, key))
            elif key is not None:
                found[key] = value
        return found

    def _duplicate(self, at: Position, first: Position, path: Path) -> None:
        self.fault(at, path, f"written twice; the first is at line {first.line}, column {first.column}")

    def _key(self, event: Any, path: Path) -> str | None:
        """The key, or None with a fault when it is not one we take."""
        at = _position(event.start_mark)
        if not isinstance(event, yaml.ScalarEvent):
            self._node(event, (*path, "?"), None)
            problem = "a key must be text; a value that begins with { or [ must be written in quotes"
            self.fault(at, path, problem)
            return None
        self._refuse_marks(event, at, (*path, event.value))
        if event.value == "<<" and event.implicit[0]:
            self.fault(at, (*path, "<<"), "merge keys are not allowed; write the keys out")
            return None
        if not isinstance(_scalar(event), str):
            self.fault(
                at, (*path, event.value), f'a key must be text; write "{_short(event.value)}" in quotes'
            )
            return None
        return str(event.value)


def _scalar(event: Any) -> Any:
    return resolve(event.value) if event.implicit[0] and event.tag is None else event.value


def _position(mark: Any) -> Position:
    return Position(line=mark.line + 1, column=mark.column + 1)


def _position_of(offset: int, text: str) -> Position:
    before = text[:offset]
    return Position(line=before.count("\n") + 1, column=offset - before.rfind("\n"))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
