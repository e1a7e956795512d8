"""Writes docs/configuration.md from the models and the table of fields, so that it cannot be out of date.

python -m relay.config.reference > docs/configuration.md
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from relay.config.file import File
from relay.config.meanings import MEANINGS
from relay.config.prose import ACTIONS_INTRO, BEFORE, FIELDS_INTRO, NOTIFIERS_INTRO, TYPES
from relay.config.section import Section
from relay.config.targets import Types
from relay.config.templates import Override, TemplateSpec
from relay.config.wording import bare, default_of, kind_of
from relay.fields import ALL
from relay.routing.match import WORDS

HEAD = ("| Key | Type | Default | Meaning |", "|---|---|---|---|")


def render(notifier_types: Types, action_types: Types) -> str:
    """The whole page, as Markdown."""
    parts = (
        BEFORE,
        *_sections("", File, "## The file"),
        *_targets("notifiers", NOTIFIERS_INTRO, notifier_types),
        *_targets("actions", ACTIONS_INTRO, action_types),
        *_fields(),
    )
    return "\n".join(parts) + "\n"


def _sections(path: str, model: type[BaseModel], heading: str) -> Iterator[str]:
    """A table for the model, then one for each model inside it."""
    yield from (
        heading,
        "",
        (model.__doc__ or "").strip().split("\n")[0],
        "",
        *_table(model),
        "",
    )
    if model is TemplateSpec:
        yield from ("### `templates.NAME.TYPE`", "", _first_line(Override), "", *_table(Override), "")
    for name, field in _shown(model):
        inner = _model_in(field.annotation)
        if inner is not None and inner is not model:
            below = _below(path, name, field)
            yield from _sections(below, inner, f"{'##' if not path else '###'} `{below}`")


def _below(path: str, name: str, field: FieldInfo) -> str:
    """`people.NAME`, `routes[]`: how the reference writes "each of them"."""
    suffix = {tuple: "[]", Mapping: ".NAME"}.get(get_origin(bare(field.annotation)), "")
    return f"{path}.{name}{suffix}" if path else f"{name}{suffix}"


def _table(model: type[BaseModel], without: Collection[str] = ()) -> Iterator[str]:
    """One row for each key; `without` are names of fields told elsewhere."""
    yield from HEAD
    for name, field in _shown(model):
        if name not in without:
            cells = (f"`{field.alias or name}`", kind_of(field.annotation, field.metadata), default_of(field))
            yield f"| {' | '.join(map(_cell, cells))} | {_cell(field.description or '')} |"


def _shown(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields that may be written."""
    return ((name, field) for name, field in model.model_fields.items() if not field.exclude)


def _targets(section: str, intro: str, types: Types) -> Iterator[str]:
    """What all types share, then what each has besides."""
    if not types:
        return
    yield intro
    shared = set.intersection(*(set(model.model_fields) for model in types.values()))
    for _, model in sorted(types.items())[:1]:
        yield from (*_table(model, set(model.model_fields) - shared | {"type"}), "")
    for kind, model in sorted(types.items()):
        yield from (f"### `type: {kind}`", "", _first_line(model), "", *_own_keys(section, model, shared), "")


def _own_keys(section: str, model: type[BaseModel], shared: Collection[str]) -> Iterator[str]:
    rows = tuple(_table(model, shared))
    yield from rows if len(rows) > len(HEAD) else ("No keys of its own.",)


def _fields() -> Iterator[str]:
    yield FIELDS_INTRO
    yield "| Field | Type | Meaning |"
    yield "|---|---|---|"
    for name, kind in ALL.items():
        yield f"| `{name}` | {TYPES[kind]} | {_meaning(name)} |"
    yield ""


def _meaning(name: str) -> str:
    words = ", ".join(f"`{word}`" for word in WORDS.get(name, ()))
    return f"{MEANINGS[name]} One of {words}." if words else MEANINGS[name]


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n")[0]


def _model_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """An entry point, like a command: so it may bring notifiers, actions and this part together."""
    sys.stdout.write(render(import_module("relay.notifiers").types(), import_module("relay.actions").types()))


if __name__ == "__main__":
    main()
