"""The kinds of values that options of actions hold, checked when the file is loaded."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from relay import durations
from relay.errors import TemplateError
from relay.sandbox import check_template

UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,3})?) ?([a-z]{0,3})", re.ASCII)


def _seconds(value: Any) -> Any:
    if not isinstance(value, str) or value.strip().replace(".", "").isdigit():
        raise ValueError("wanted a duration such as 30s or 10m")
    return durations.parse(value)


def _bytes(value: Any) -> int:
    found = _SIZE.fullmatch(str(value).strip().lower())
    if not found or found[2] not in UNITS:
        raise ValueError("wanted a size such as 500KB or 50MB")
    return int(float(found[1]) * UNITS[found[2]])


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _template(value: str) -> str:
    """Made of an event's fields; the words of messages are not there."""
    problems = check_template(value, ())
    if problems:
        raise ValueError("; ".join(problems))
    return value


def spelled(size: int) -> str:
    """ "1.5 MB": a size as people write it."""
    for unit in ("GB", "MB", "KB"):
        if size >= UNITS[unit.lower()]:
            return f"{size / UNITS[unit.lower()]:.3g} {unit}"
    return f"{size} bytes"


def checked(text: str) -> None:
    """ValueError, as models want it, for a template that cannot be used."""
    try:
        _template(text)
    except TemplateError as error:
        raise ValueError(str(error)) from error


_TEXTS_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_SIZE_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "integer"}]}

Seconds = Annotated[float, BeforeValidator(_seconds), WithJsonSchema({"type": "string"})]
Bytes = Annotated[int, BeforeValidator(_bytes), WithJsonSchema(_SIZE_SCHEMA)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(_TEXTS_SCHEMA)]
Template = Annotated[str, AfterValidator(_template)]
