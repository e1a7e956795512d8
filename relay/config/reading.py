"""The way in: a configuration file → Config, or all its faults at once."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TypeAlias

from relay.config import loader
from relay.config.build import build
from relay.config.config import Config
from relay.config.discretion import discreet
from relay.config.document import check_document
from relay.config.faults import Page
from relay.config.substitution import substitute
from relay.config.targets import Types
from relay.config.tree import Node, with_above
from relay.config.warnings import warnings_about
from relay.errors import ConfigError, Fault

Environ: TypeAlias = Mapping[str, str]

NO_FILE = (
    "no such file; begin with config.example.yaml, name another with --config,"
    " or run `relay demo` to see the relay at work without one"
)


def load(
    path: str | os.PathLike[str], notifier_types: Types, action_types: Types, environ: Environ | None = None
) -> Config:
    """The configuration in a file; ConfigError with every fault. `environ`: the process's own by default."""
    return load_text(text_of(path), os.fspath(path), notifier_types, action_types, environ)


def load_text(
    text: str, file: str, notifier_types: Types, action_types: Types, environ: Environ | None = None
) -> Config:
    """The configuration in a text; `file` is what faults call it."""
    outcome = _read(text, file, notifier_types, action_types, os.environ if environ is None else environ)
    if isinstance(outcome, Config):
        return outcome
    raise ConfigError(outcome)


def check(
    path: str | os.PathLike[str], notifier_types: Types, action_types: Types, environ: Environ | None = None
) -> tuple[Fault, ...]:
    """Every fault of a file, in the order of its lines; none means that it loads."""
    try:
        load(path, notifier_types, action_types, environ)
    except ConfigError as error:
        return error.faults
    return ()


def text_of(path: str | os.PathLike[str]) -> str:
    """What the file says, unchecked. ConfigError when it cannot be read at all."""
    name = os.fspath(path)
    try:
        with FilePath(path).open("rb") as stream:
            content = stream.read(loader.MAX_SIZE + 1)
        if len(content) > loader.MAX_SIZE:
            raise _at_start(name, loader.TOO_LARGE)
        return content.decode("utf-8")
    except FileNotFoundError as error:
        raise _at_start(name, NO_FILE) from error
    except OSError as error:
        raise _at_start(name, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _at_start(name, "is not UTF-8 text; save it as UTF-8") from error


def _at_start(file: str, problem: str) -> ConfigError:
    return ConfigError([Fault(file=file, line=1, column=1, path="", problem=problem)])


def _read(
    text: str, file: str, notifier_types: Types, action_types: Types, environ: Environ
) -> Config | tuple[Fault, ...]:
    node, writing_faults = loader.read(text, file)
    if node is None:
        return writing_faults
    substituted = substitute(node, environ, file)
    page = _page(substituted.node, file)
    checked = check_document(page, notifier_types, action_types)
    faults = _together(writing_faults, substituted.faults, checked.faults)
    if faults:
        return discreet(faults, substituted)
    return build(
        source=file,
        text=text,
        file=checked.file,
        notifiers=checked.notifiers,
        actions=checked.actions,
        outside_values=substituted.values,
        warnings=warnings_about(checked.file, page),
    )


def _page(node: Node, file: str) -> Page:
    """The document without sections that were left empty."""
    if not isinstance(node.value, Mapping):
        return Page(file, node)
    written = {key: below for key, below in node.value.items() if below.value is not None}
    return Page(file, replace(node, value=written))


def _together(*groups: Iterable[Fault]) -> tuple[Fault, ...]:
    """All faults in the order of the file; where an earlier group faults a place, later groups are quiet."""
    kept: list[Fault] = []
    for group in groups:
        seen = {fault.path for fault in kept if fault.path}
        kept.extend(fault for fault in group if seen.isdisjoint(with_above(fault.path)))
    return tuple(sorted(kept, key=lambda fault: (fault.line, fault.column, fault.problem)))
