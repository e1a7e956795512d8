"""What the format has room for and this release does not do yet. Refused, never ignored.

An entry is `key` at the top of the file, `routes.key` in any route, `notifiers.key` in any notifier,
`actions.key` in any action, `notifiers.key=value` for one value of a key, `notify=prefix` for a way to
name whom to notify, or `fields.name` for a field that has to be fetched from CircleCI.
Whoever builds the thing deletes its entry.
"""

from collections.abc import Mapping
from dataclasses import replace

from relay.config.tree import Node, Path, written_path
from relay.errors import Fault

NOT_YET: frozenset[str] = frozenset()


def refuse(root: Node, file: str) -> tuple[Node, tuple[Fault, ...]]:
    """The document without what is not available, and a fault for each such place."""
    pruner = _Pruner(file)
    return pruner.top(root), tuple(pruner.faults)


def is_unavailable_target(name: str) -> bool:
    """Whether a route names whom to notify in a way that is not there yet, such as `dm:author`."""
    return any(
        name.startswith(entry.removeprefix("notify=")) for entry in NOT_YET if entry.startswith("notify=")
    )


def is_unavailable_field(name: str) -> bool:
    """Whether a dotted field has to be fetched and nobody fetches it yet."""
    return f"fields.{name.partition('.')[0]}" in NOT_YET


def not_available(what: str) -> str:
    """The problem, in the words used for all of them."""
    return f"`{what}` is not available in this release yet; remove it"


class _Pruner:
    def __init__(self, file: str) -> None:
        self.faults: list[Fault] = []
        self._file = file

    def top(self, root: Node) -> Node:
        kept = self._without(root, "", ())
        if not isinstance(kept.value, Mapping):
            return kept
        parts = dict(kept.value)
        for section in ("notifiers", "actions"):
            if section in parts:
                parts[section] = self._each(parts[section], f"{section}.", (section,))
        if "routes" in parts:
            parts["routes"] = self._routes(parts["routes"], ("routes",))
        return replace(kept, value=parts)

    def _routes(self, node: Node, path: Path) -> Node:
        if not isinstance(node.value, tuple):
            return node
        return replace(node, value=tuple(self._route(r, (*path, i)) for i, r in enumerate(node.value)))

    def _route(self, node: Node, path: Path) -> Node:
        kept = self._without(node, "routes.", path)
        if not isinstance(kept.value, Mapping) or "routes" not in kept.value:
            return kept
        children = self._routes(kept.value["routes"], (*path, "routes"))
        return replace(kept, value={**kept.value, "routes": children})

    def _each(self, node: Node, prefix: str, path: Path) -> Node:
        if not isinstance(node.value, Mapping):
            return node
        kept = {key: self._without(below, prefix, (*path, key)) for key, below in node.value.items()}
        return replace(node, value=kept)

    def _without(self, node: Node, prefix: str, path: Path) -> Node:
        if not isinstance(node.value, Mapping):
            return node
        kept = {}
        for key, below in node.value.items():
            what = _refused(prefix, key, below.value)
            if what:
                self._fault(below, (*path, key), what)
            else:
                kept[key] = below
        return replace(node, value=kept)

    def _fault(self, node: Node, path: Path, what: str) -> None:
        at = node.key_at or node.at
        where = written_path(path)
        fault = Fault(
            file=self._file, line=at.line, column=at.column, path=where, problem=not_available(what)
        )
        self.faults.append(fault)


def _refused(prefix: str, key: str, value: object) -> str | None:
    """What to call the thing that is not there yet, or None when it is there."""
    if f"{prefix}{key}" in NOT_YET:
        return key
    return f"{key}: {value}" if isinstance(value, str) and f"{prefix}{key}={value}" in NOT_YET else None
