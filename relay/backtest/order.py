"""The events of a stretch of time in the order in which they were planned, those planned together as one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import groupby

from relay.backtest.recorded import Circumstances, circumstances_of
from relay.ids import id_at, time_of
from relay.store import Past, PastEvent

PAGE = 200  # events read at once
SLACK = timedelta(minutes=1)  # by which the clocks of web processes and workers may differ


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What is played: events that came after `warm` and were planned before `end`; what was decided before
    `start` is repeated as it was."""

    warm: datetime
    start: datetime
    end: datetime

    @property
    def ids(self) -> tuple[str, str]:
        return id_at(self.warm.timestamp()), id_at((self.end + SLACK).timestamp())


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Events that were planned in one turn, in order."""

    at: datetime
    events: tuple[PastEvent, ...]
    known: tuple[Circumstances, ...]


_Waiting = tuple[datetime, int, str]


def batches(past: Past, span: Span, on_page: Callable[[int], None] = lambda _: None) -> Iterator[Batch]:
    """An event is planned after it came, so what is read but might not be next yet is kept back."""
    for _, together in groupby(_in_order(past, span, on_page), key=lambda pair: pair[1].at):
        pairs = list(together)
        yield Batch(
            at=pairs[0][1].at,
            events=tuple(event for event, _ in pairs),
            known=tuple(known for _, known in pairs),
        )


def _in_order(
    past: Past, span: Span, on_page: Callable[[int], None]
) -> Iterator[tuple[PastEvent, Circumstances]]:
    after, before = span.ids
    waiting: list[_Waiting] = []
    kept: dict[str, tuple[PastEvent, Circumstances]] = {}
    while page := past.page(after, before, PAGE):
        for event in page:
            known = circumstances_of(event)
            if known.at <= span.end:
                heappush(waiting, (known.at, known.place, event.id))
                kept[event.id] = event, known
        after = page[-1].id
        on_page(len(page))
        while waiting and waiting[0][0] < time_of(after) - SLACK:
            yield kept.pop(heappop(waiting)[2])
    while waiting:
        yield kept.pop(heappop(waiting)[2])
