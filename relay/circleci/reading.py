"""Reads CircleCI's JSON with tolerance: what is absent, null, empty or of another type is missing."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]


def mapping(value: Any) -> Raw:
    return value if isinstance(value, Mapping) else {}


def at(raw: Raw, *path: str) -> Any:
    """The value below the keys, or None."""
    value: Any = raw
    for key in path:
        value = mapping(value).get(key)
    return value


def text(raw: Raw, *path: str) -> str | None:
    """A non-empty text; a number is written out, since ids are sometimes numbers."""
    value = at(raw, *path)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def number(raw: Raw, *path: str) -> int | None:
    value = at(raw, *path)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds(raw: Raw, *path: str) -> float | None:
    """A number that may be sent as text ("0.25")."""
    value = at(raw, *path)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value) if math.isfinite(float(value)) else None
    except (ValueError, OverflowError):
        return None


def from_millis(raw: Raw, *path: str) -> float | None:
    """Seconds, from milliseconds."""
    millis = seconds(raw, *path)
    return None if millis is None else millis / 1000


def flag(raw: Raw, *path: str) -> bool | None:
    value = at(raw, *path)
    return value if isinstance(value, bool) else None


def moment(raw: Raw, *path: str) -> datetime | None:
    """A time, in UTC."""
    value = at(raw, *path)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found and (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def objects(value: Any) -> tuple[Raw, ...]:
    """The objects of a list."""
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def texts(raw: Raw, *path: str) -> tuple[str, ...]:
    value = at(raw, *path)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def underscored(raw: Raw) -> Raw:
    """Some of v2's objects have hyphens in their keys, or either."""
    return {key.replace("-", "_"): value for key, value in raw.items()}
