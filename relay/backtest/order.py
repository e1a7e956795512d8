"""The events of a stretch of time in the order in which they were planned, those planned together as one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import groupby

from relay.backtest.recorded import Circumstances, circumstances_of
from relay.ids import id_at, time_of
from relay.store import Past, PastDelivery, PastEvent

PAGE = 200  # events read at once
SLACK = timedelta(minutes=1)  # by which the clocks of web processes and workers may differ


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What is played: events that came after `warm` and were planned before `end`; what was decided before
    `start` is repeated as it was. first: the id of the oldest event that is looked at in the end."""

    warm: datetime
    start: datetime
    end: datetime
    first: str = ""

    def counts(self, event: PastEvent, at: datetime) -> bool:
        """Whether what was decided about an event, at that time, is part of the answer."""
        return self.start <= at <= self.end and event.id >= self.first

    @property
    def ids(self) -> tuple[str, str]:
        return id_at(self.warm.timestamp()), id_at((self.end + SLACK).timestamp())


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Events that were planned in one turn, in order."""

    at: datetime
    events: tuple[PastEvent, ...]
    known: tuple[Circumstances, ...]
    deliveries: Mapping[str, tuple[PastDelivery, ...]]  # by event, what came of it


_Read = tuple[PastEvent, Circumstances, tuple[PastDelivery, ...]]


def batches(past: Past, span: Span, on_page: Callable[[int], None] = lambda _: None) -> Iterator[Batch]:
    """An event is planned after it came, so what is read but might not be next yet is kept back."""
    for _, together in groupby(_in_order(past, span, on_page), key=lambda each: each[1].at):
        read = list(together)
        yield Batch(
            at=read[0][1].at,
            events=tuple(event for event, _, _ in read),
            known=tuple(known for _, known, _ in read),
            deliveries={event.id: each for event, _, each in read},
        )


def _in_order(past: Past, span: Span, on_page: Callable[[int], None]) -> Iterator[_Read]:
    after, before = span.ids
    waiting: list[tuple[datetime, int, str]] = []
    kept: dict[str, _Read] = {}
    while page := past.page(after, before, PAGE):
        found = past.deliveries([event.id for event in page])
        for event in page:
            known = circumstances_of(event)
            if known.at <= span.end:
                heappush(waiting, (known.at, known.place, event.id))
                kept[event.id] = event, known, found.get(event.id, ())
        after = page[-1].id
        on_page(len(page))
        while waiting and waiting[0][0] < time_of(after) - SLACK:
            yield kept.pop(heappop(waiting)[2])
    while waiting:
        yield kept.pop(heappop(waiting)[2])
