"""Notifiers and actions of the file, each checked by the model of its type."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from relay.config.faults import Page, from_validation
from relay.config.suggestions import unknown
from relay.errors import Fault

Types: TypeAlias = Mapping[str, type[BaseModel]]


def read_targets(
    section: str, written: Mapping[str, Mapping[str, Any]], types: Types, page: Page
) -> tuple[dict[str, BaseModel], tuple[Fault, ...]]:
    """The models of one section (`notifiers` or `actions`) by name, and everything wrong with the others."""
    targets: dict[str, BaseModel] = {}
    faults: list[Fault] = []
    for name, options in written.items():
        found = _read_one(section, name, options, types, page)
        if isinstance(found, BaseModel):
            targets[name] = found
        else:
            faults.extend(found)
    return targets, tuple(faults)


def _read_one(
    section: str, name: str, options: Mapping[str, Any], types: Types, page: Page
) -> BaseModel | tuple[Fault, ...]:
    kind = options.get("type")
    if not isinstance(kind, str) or kind not in types:
        return (_type_fault(section, name, kind, types, page),)
    model = types[kind]
    try:
        return model.model_validate(_own_options(options, model))
    except ValidationError as error:
        return from_validation(error, page, model, {model: ("type",)}, prefix=(section, name))


def _own_options(options: Mapping[str, Any], model: type[BaseModel]) -> Mapping[str, Any]:
    """What the model is given: its type only when it has a field for it."""
    if "type" in model.model_fields:
        return options
    return {key: value for key, value in options.items() if key != "type"}


def _type_fault(section: str, name: str, kind: object, types: Types, page: Page) -> Fault:
    path = (section, name, "type")
    if kind is None:
        return page.fault(path, f"missing; write one of: {', '.join(sorted(types))}")
    return page.fault(path, unknown("unknown type", str(kind), types))
