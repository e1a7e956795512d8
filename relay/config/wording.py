"""What kind of value a field takes and what it is by default, in the words of the reference."""

import types
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

from relay import durations
from relay.config.values import Kind
from relay.secret import Secret

NOTHING = "–"
PLAIN: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Secret: "secret",
}


def kind_of(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """What a value is, in words."""
    metadata = tuple(metadata)
    named = [item.name for item in metadata if isinstance(item, Kind)]
    if named:
        return named[-1]
    written = [item.json_schema for item in metadata if isinstance(item, WithJsonSchema)]
    if written:
        return _from_schema(written[-1], annotation)
    if get_origin(annotation) is Annotated:
        inner, *rest = get_args(annotation)
        return kind_of(inner, rest)
    return _structure(bare(annotation))


def _from_schema(schema: Mapping[str, Any] | None, annotation: Any) -> str:
    """What is written as text and kept as a number of seconds, or written alone and kept as a list."""
    if annotation is float:
        return "duration"
    return "text or list of texts" if schema and "anyOf" in schema else _structure(annotation)


def _structure(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind_of(annotation)
    if origin is tuple:
        return f"list: {kind_of(inner[0])}"
    if origin is Literal:
        return " or ".join(f"`{word}`" for word in inner)
    if origin in (Mapping, dict):
        return f"names, each with {kind_of(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{word.value}`" for word in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_config.get("title") or "keys below"
    return PLAIN.get(annotation, "keys below")


def bare(annotation: Any) -> Any:
    """`X` of `X | None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = None if field.default_factory else field.default
    is_duration = kind_of(field.annotation, field.metadata).endswith("duration")
    return f"`{_written(value, is_duration)}`" if _is_telling(value) else NOTHING


def _is_telling(value: Any) -> bool:
    return value is not None and value not in ((), {}, "") and not isinstance(value, BaseModel)


def _written(value: Any, is_duration: bool) -> str:
    """A value as somebody would write it in the file."""
    if isinstance(value, tuple):
        return f"[{', '.join(_written(item, is_duration) for item in value)}]"
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, bool):
        return str(value).lower()
    return durations.spell(value).replace(" ", "") if is_duration else str(value)
