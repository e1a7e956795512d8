"""`${NAME}`, `${NAME:-default}` and `${file:/path}` inside the strings of a parsed document.

Resolved after parsing, so that a value can never become YAML. `$${` writes a plain `${`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from urllib.parse import unquote, urlsplit

from relay.config.tree import Node, Path, Position, written_path
from relay.errors import Fault

PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)\}|\$\{")
VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-.*)?\Z", re.DOTALL)
MAX_FILE = 64 * 1024  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Substituted:
    """The document with its values in place, and which texts came from outside the file."""

    node: Node
    values: frozenset[str]
    places: frozenset[Position]  # of the texts that hold such values
    faults: tuple[Fault, ...]


class _Missing(Exception):
    """A placeholder that cannot be resolved; says why."""


def substitute(node: Node, environ: Mapping[str, str], file: str) -> Substituted:
    """Resolves every placeholder of a document."""
    resolver = _Resolver(environ, file)
    done = resolver.node(node, ())
    values = frozenset(part for value in resolver.values for part in _secret_parts(value))
    return Substituted(
        node=done, values=values, places=frozenset(resolver.places), faults=tuple(resolver.faults)
    )


class _Resolver:
    def __init__(self, environ: Mapping[str, str], file: str) -> None:
        self.values: set[str] = set()
        self.places: set[Position] = set()
        self.faults: list[Fault] = []
        self._environ = environ
        self._file = file

    def node(self, node: Node, path: Path) -> Node:
        if isinstance(node.value, Mapping):
            below = {key: self.node(child, (*path, key)) for key, child in node.value.items()}
            return replace(node, value=below)
        if isinstance(node.value, tuple):
            items = ((child, self.node(child, (*path, i))) for i, child in enumerate(node.value))
            return replace(node, value=tuple(new for old, new in items if new.value != "" or old.value == ""))
        if isinstance(node.value, str) and "${" in node.value:
            self.places.add(node.at)
            return replace(node, value=self._text(node, node.value, path))
        return node

    def _text(self, node: Node, text: str, path: Path) -> str:
        try:
            return PLACEHOLDER.sub(self._one, text)
        except _Missing as missing:
            where = written_path(path)
            at = node.at
            fault = Fault(file=self._file, line=at.line, column=at.column, path=where, problem=str(missing))
            self.faults.append(fault)
            return text

    def _one(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        inside = match["inside"] or ""
        if inside.startswith("file:"):
            return self._keep(_read(inside.removeprefix("file:")))
        variable = VARIABLE.match(inside)
        if variable is None:
            raise _Missing(
                "cannot read ${…}; write ${NAME}, ${NAME:-default}, ${file:/path}, or $${ for a plain ${"
            )
        return self._variable(variable["name"], variable["default"])

    def _variable(self, name: str, default: str | None) -> str:
        value = self._environ.get(name, "")
        if value:
            return self._keep(value)
        if default is None:
            state = "is empty" if name in self._environ else "is not set"
            raise _Missing(
                f"environment variable {name} {state}; set it, or write ${{{name}:-}} to allow empty"
            )
        return default.removeprefix(":-")

    def _keep(self, value: str) -> str:
        self.values.add(value)
        return value


def _read(path: str) -> str:
    """The text of a secret file without its last line break."""
    try:
        with FilePath(path).open(encoding="utf-8") as stream:
            text = stream.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise _Missing(f"cannot read {path}: {reason}; create the file and let the relay read it") from error
    if len(text) > MAX_FILE:
        raise _Missing(f"cannot read {path}: larger than {MAX_FILE // 1024} KiB")
    if not text.strip():
        raise _Missing(f"{path} is empty; write the value into it")
    return text.removesuffix("\n").removesuffix("\r")


def _secret_parts(value: str) -> Iterator[str]:
    """The value, and the password inside it when it is an address: both must be masked."""
    yield value
    try:
        password = urlsplit(value).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
