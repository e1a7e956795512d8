"""A line of things to be done in order, some of which have to wait for something first.

Things of one key keep their order: what comes later neither begins to wait nor goes on before what came
earlier is done with. Things of different keys do not wait for each other.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

THREADS = 8
GRACE_S = 2.0  # beyond the time that the work itself keeps to

Clock = Callable[[], float]


@dataclass(slots=True)
class _Place(Generic[T]):
    """A thing in line. `work` makes it ready; `otherwise` is what it is when that takes too long."""

    thing: T
    work: Callable[[], T] | None
    otherwise: T
    until: float
    future: "Future[T] | None" = None


@dataclass(slots=True)
class _Queue(Generic[T]):
    """Things of one key. `out`: how many were given out and are not done with."""

    waiting: deque[_Place[T]] = field(default_factory=deque)
    out: list[T] = field(default_factory=list)


class Line(Generic[T]):
    """One thread puts in and takes out; the work is done by others, which call `wake` at its end."""

    def __init__(
        self, wake: Callable[[], None], *, threads: int = THREADS, clock: Clock = time.monotonic
    ) -> None:
        self._wake = wake
        self._clock = clock
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="enrich")
        self._queues: dict[str, _Queue[T]] = {}

    def __len__(self) -> int:
        return sum(len(queue.waiting) + len(queue.out) for queue in self._queues.values())

    def __iter__(self) -> Iterator[T]:
        """Everything in it, also what was given out."""
        for queue in self._queues.values():
            yield from queue.out
            yield from (place.thing for place in queue.waiting)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def put(self, key: str, thing: T, work: Callable[[], T] | None, otherwise: T, within_s: float) -> None:
        """Work must come to an end within so many seconds from now, and never raise."""
        place = _Place(thing=thing, work=work, otherwise=otherwise, until=self._clock() + within_s)
        self._queues.setdefault(key, _Queue()).waiting.append(place)
        self._start(self._queues[key])

    def has_ready(self) -> bool:
        return any(self._is_ready(queue) for queue in self._queues.values())

    def take(self) -> list[T]:
        """What may go on now. It counts as in line until `done`."""
        return [thing for queue in self._queues.values() for thing in self._taken(queue)]

    def done(self) -> None:
        """Everything that was given out is done with."""
        for key, queue in list(self._queues.items()):
            queue.out.clear()
            if not queue.waiting:
                del self._queues[key]
            self._start(queue)

    def _taken(self, queue: _Queue[T]) -> Iterator[T]:
        while self._is_ready(queue):
            place = queue.waiting.popleft()
            thing = self._outcome(place)
            queue.out.append(thing)
            yield thing

    def _is_ready(self, queue: _Queue[T]) -> bool:
        """Whether its first may go. Without work to do several may go together; else one, alone."""
        if not queue.waiting:
            return False
        first = queue.waiting[0]
        if first.work is None:
            return True
        is_over = self._clock() > first.until + GRACE_S
        return first.future is not None and not queue.out and (first.future.done() or is_over)

    def _outcome(self, place: _Place[T]) -> T:
        if place.future is None:
            return place.thing
        is_done = place.future.done() and not place.future.cancelled() and not place.future.exception()
        return place.future.result() if is_done else place.otherwise

    def _start(self, queue: _Queue[T]) -> None:
        """The first in line begins its work, once nothing before it is under way."""
        if queue.out or not queue.waiting:
            return
        first = queue.waiting[0]
        if first.work is not None and first.future is None:
            first.future = self._pool.submit(first.work)
            first.future.add_done_callback(lambda _: self._wake())
