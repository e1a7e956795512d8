"""Reads times as CircleCI's many parts write them."""

from datetime import UTC, datetime
from typing import Any

LONGEST = 64  # characters
EARLIEST_YEAR, LATEST_YEAR = 2000, 2199  # outside lie zero values and nonsense


def moment(value: Any) -> datetime | None:
    """A time in UTC. Taken: ISO 8601 with or without offset (then UTC), to the nanosecond, and Go's

    `2024-12-18 17:23:29.361740256 +0000 UTC`, as GitHub App triggers have it. Out of range is missing.
    """
    if not isinstance(value, str) or not 10 <= len(value) <= LONGEST:
        return None
    try:
        found = datetime.fromisoformat(_iso(value.strip()))
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return found if EARLIEST_YEAR <= found.year <= LATEST_YEAR else None


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long it took; missing when either end is, or when it ended before it began."""
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds()


def _iso(text: str) -> str:
    day, _, rest = text.partition(" ")
    time, _, rest = rest.partition(" ")
    offset = rest.partition(" ")[0]
    return f"{day}T{time}{offset}" if time else text
