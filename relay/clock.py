"""A clock that a jump of the wall clock cannot move."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

JUMP_S = 5.0  # a smaller difference is drift, and left alone


class SteadyClock:
    """Wall time as it was at the start plus what the monotonic clock has counted since.

    `now()` never goes back and never leaps. `has_jumped()` tells once when the wall clock has moved away
    from it by more than JUMP_S; the clock then follows the wall, and due times in the store need repair.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._offset + self._monotonic(), UTC)

    def has_jumped(self) -> bool:
        offset = self._wall() - self._monotonic()
        if abs(offset - self._offset) <= JUMP_S:
            return False
        self._offset = offset
        return True
