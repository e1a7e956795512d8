"""Looks out for what an operator should hear of, about once a minute, and makes it an event of our own.

Everything is found in the store, so that it is found by the next worker when this one dies; marks and keys
see to it that of many workers one tells it, once. Each step is short; the queue goes on between two.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

from relay.errors import StoreError
from relay.expecting import Expecting
from relay.notices import Notice
from relay.pipeline import Relay
from relay.store import Mark, Store
from relay.telling import tell
from relay.troubles import Troubles

FIRST_S = 5.0  # after the start
EVERY_S = 60.0
PAUSE_S = 0.05  # between two steps

log = structlog.get_logger()


class Lookout:
    """For the thread that owns the database. What ends in _s is monotonic time."""

    def __init__(self, store: Store, monotonic_s: float, *, first_s: float = FIRST_S) -> None:
        self._store = store
        self._next_s = monotonic_s + first_s
        self._begun_s = monotonic_s
        self._steps: Iterator[object] | None = None
        self._troubles = Troubles(store, _tell)
        self._expecting = Expecting(store, _tell)

    def wait_s(self, monotonic_s: float) -> float:
        """Until the next step is due."""
        return max(0.0, self._next_s - monotonic_s)

    def go_on(self, relay: Relay, clock: Callable[[], datetime], monotonic_s: float) -> None:
        """Take one step if it is due."""
        if monotonic_s < self._next_s:
            return
        if self._steps is None:
            self._begun_s = monotonic_s
            self._steps = self._round(relay, clock())
        there_is_more = self._step(self._steps)
        self._next_s = monotonic_s + PAUSE_S if there_is_more else self._begun_s + EVERY_S
        if not there_is_more:
            self._steps = None

    def _step(self, steps: Iterator[object]) -> bool:
        """Whether there is more."""
        try:
            return next(steps, self) is not self
        except StoreError as error:
            log.warning("could not look out for trouble; trying again in a minute", error=str(error))
        except Exception:  # what only watches must not end what delivers
            log.exception("looking out for trouble broke down; trying again in a minute")
        return False

    def _round(self, relay: Relay, now: datetime) -> Iterator[object]:
        yield from self._troubles.steps(relay, now)
        yield from self._expecting.steps(relay, now)


def look_once(store: Store, relay: Relay, now: datetime) -> None:
    """A whole round at once, as a worker makes it."""
    lookout = Lookout(store, 0.0, first_s=0.0)
    while lookout.wait_s(0.0) < EVERY_S:
        lookout.go_on(relay, lambda: now, lookout.wait_s(0.0))


def _tell(store: Store, notice: Notice, now: datetime, mark: Mark | None = None) -> bool:
    is_new = tell(store, notice, now, mark)
    if is_new:
        log.warning("something to tell the operators", what=notice.what, text=notice.text)
    return is_new
