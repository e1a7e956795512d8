"""Forgets what is old beside the worker's other work: about once an hour, in steps too short to be felt."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from relay.config.server import Defaults
from relay.errors import StoreError
from relay.store import Pruned, Store

FIRST_S = 60.0  # after the start
EVERY_S = 3600.0
PAUSE_S = 0.5  # between two steps
BATCH = 100  # events in one step

log = structlog.get_logger()


class Pruning:
    """For the thread that owns the database. What ends in _s is monotonic time."""

    def __init__(self, store: Store, monotonic_s: float, *, first_s: float = FIRST_S) -> None:
        self._store = store
        self._next_s = monotonic_s + first_s
        self._steps: Iterator[Pruned] | None = None
        self._total = Pruned()

    def wait_s(self, monotonic_s: float) -> float:
        """Until the next step is due."""
        return max(0.0, self._next_s - monotonic_s)

    def go_on(self, defaults: Defaults, now: datetime, monotonic_s: float) -> None:
        """Take one step if it is due."""
        if monotonic_s < self._next_s:
            return
        there_is_more = defaults.prune and self._step(now - timedelta(seconds=defaults.keep))
        self._next_s = monotonic_s + (PAUSE_S if there_is_more else EVERY_S)

    def _step(self, older_than: datetime) -> bool:
        """Whether there is more."""
        self._steps = self._steps or self._store.prune_steps(older_than, BATCH)
        try:
            step = next(self._steps, None)
        except StoreError as error:
            log.warning("could not forget what is old; trying again in an hour", error=str(error))
            step = None
        if step is None:
            self._finish()
            return False
        self._total = self._total.plus(step)
        return True

    def _finish(self) -> None:
        if self._total != Pruned():
            log.info("forgot what is old", events=self._total.events, deliveries=self._total.deliveries)
        self._steps, self._total = None, Pruned()
