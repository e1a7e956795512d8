"""Remembers that CircleCI rejected the token, until somebody asks. Any thread may use it."""

from collections.abc import Callable
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


class Rejections:
    """The last one counts. A value is taken and put whole, so no lock is needed."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._at: datetime | None = None

    def note(self) -> None:
        self._at = self._clock()

    def take(self) -> datetime | None:
        """When it was, and forget it."""
        found, self._at = self._at, None
        return found
