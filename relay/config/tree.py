"""A parsed YAML document that still knows where each key and value was written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    line: int  # from 1
    column: int  # from 1, in characters


START = Position(line=1, column=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One value of the document; `key_at` is where the key that leads to it stands."""

    value: "Scalar | tuple[Node, ...] | Mapping[str, Node]"
    at: Position
    key_at: Position | None = None


def plain(node: Node) -> Any:
    """The document as ordinary dicts, lists and scalars."""
    if isinstance(node.value, Mapping):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(child) for child in node.value]
    return node.value


def child(node: Node, part: str | int) -> Node | None:
    """The value one step down, or None when there is none."""
    if isinstance(node.value, Mapping) and isinstance(part, str):
        return node.value.get(part)
    if isinstance(node.value, tuple) and isinstance(part, int):
        return node.value[part] if 0 <= part < len(node.value) else None
    return None


def find(node: Node, path: Path) -> Node | None:
    """The value at a path, or None when the document has none there."""
    for part in path:
        below = child(node, part)
        if below is None:
            return None
        node = below
    return node


def without(node: Node, path: Path) -> Node:
    """The document without the key at a path; for an item of a list, without the whole list."""
    while path and (isinstance(path[-1], int) or find(node, path) is None):
        path = path[:-1]
    return _without_key(node, path) if path else node


def _without_key(node: Node, path: Path) -> Node:
    if isinstance(node.value, tuple):
        items = list(node.value)
        items[int(path[0])] = _without_key(items[int(path[0])], path[1:])
        return replace(node, value=tuple(items))
    below = dict(node.value) if isinstance(node.value, Mapping) else {}
    first = str(path[0])
    if len(path) == 1:
        del below[first]
    else:
        below[first] = _without_key(below[first], path[1:])
    return replace(node, value=below)


def written_path(path: Path) -> str:
    """A path as people write it: `routes[0].match.branch`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def with_above(written: str) -> tuple[str, ...]:
    """A written path and those of everything around it, outermost first."""
    ends = [at for at, character in enumerate(written) if character in ".["]
    return tuple(written[:end] for end in (*ends, len(written)))
