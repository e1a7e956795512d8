"""Group commit: requests that wait at the same time share one transaction.

One writer per process takes everything that waits, writes it with one commit, then answers all. While it
commits the next batch piles up, so the batches grow with the load by themselves. The writer and those
who wait use nothing but `threading`, so it is a thread or, where gevent has patched the process, a
greenlet. Names are looked up in `threading` when they are used for that reason, never imported from it.
"""

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from relay.errors import StoreBusy, StoreError
from relay.store.accept import Arrival

MOST_WAITING = 1000  # arrivals; beyond it the sender is asked to come back
A_TURN_S = 1e-6  # not 0, for which gevent would not look at its sockets
ENOUGH = 64  # arrivals for one commit; more would only make the first of them wait
LONGEST_WAIT_S = 8.0  # for a commit; CircleCI hangs up after 10


class Accepts(Protocol):
    """The part of the store that is written to."""

    def accept(self, arrivals: Sequence[Arrival], /) -> Sequence[bool | StoreError]:
        """All in one transaction: True for each that is new, an error for one that cannot be stored."""


class _Batch:
    """Arrivals of one transaction. The writer fills in `results` before it sets `done`."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.results: Sequence[bool | StoreError] = ()
        self.done = threading.Event()


class GroupCommit:
    """Writes arrivals in batches. Make it in the process that uses it, after any fork."""

    def __init__(
        self, store: Accepts, *, most_waiting: int = MOST_WAITING, longest_wait_s: float = LONGEST_WAIT_S
    ) -> None:
        self._store = store
        self._most_waiting = most_waiting
        self._longest_wait_s = longest_wait_s
        self._guard = threading.Lock()  # of the two below
        self._waiting = _Batch()
        self._closing = False
        self._wake = threading.Event()
        self._writer = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._writer.start()

    def submit(self, arrival: Arrival) -> bool:
        """Wait until it is committed: True when new, False for a duplicate.

        StoreBusy when too much waits already or the commit takes too long, StoreError when it failed.
        """
        batch, number = self._join(arrival)
        self._wake.set()
        if not batch.done.wait(self._longest_wait_s):
            raise StoreBusy("the database has not committed in time")
        result = batch.results[number]
        if isinstance(result, StoreError):
            raise _own(result) from result
        return result

    @property
    def waiting(self) -> int:
        """How many arrivals the next commit will take."""
        return len(self._waiting.arrivals)

    def close(self) -> None:
        """Finish what was submitted; whatever comes later is refused."""
        with self._guard:
            self._closing = True
        self._wake.set()
        self._writer.join()

    def _join(self, arrival: Arrival) -> tuple[_Batch, int]:
        with self._guard:
            batch = self._waiting
            if self._closing:
                raise StoreBusy("the relay is stopping")
            if len(batch.arrivals) >= self._most_waiting:
                raise StoreBusy("too many webhooks wait to be stored")
            batch.arrivals.append(arrival)
            return batch, len(batch.arrivals) - 1

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._wake.wait()
            self._wake.clear()
            self._gather()
            batch, is_last = self._take()
            if batch.arrivals:
                batch.results = self._write(batch.arrivals)
                batch.done.set()

    def _gather(self) -> None:
        """Let requests that are on their way here join, as long as each turn brings more of them.

        A commit costs as much as ten rows, so this saves much under load. With nobody else there it is
        one turn of the scheduler, at most a millisecond.
        """
        seen = 0
        while seen < self.waiting <= ENOUGH:
            seen = self.waiting
            time.sleep(A_TURN_S)

    def _take(self) -> tuple[_Batch, bool]:
        """What waits now, and whether nothing can follow it."""
        with self._guard:
            batch, self._waiting = self._waiting, _Batch()
            return batch, self._closing

    def _write(self, arrivals: Sequence[Arrival]) -> Sequence[bool | StoreError]:
        try:
            return self._store.accept(arrivals)
        except StoreError as error:
            return [error] * len(arrivals)
        except Exception as error:  # noqa: BLE001 - the requests that wait must hear of it, the writer must live
            fault = StoreError(f"{type(error).__name__}: {error}")
            fault.__cause__ = error
            return [fault] * len(arrivals)


def _own(error: StoreError) -> StoreError:
    """The error for one request: several must not raise the same object."""
    return (
        StoreBusy(str(error), error.retry_after) if isinstance(error, StoreBusy) else StoreError(str(error))
    )
