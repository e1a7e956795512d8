"""Counts what the web processes did, for Prometheus.

The counters live in memory shared by the processes: a row of numbers each, written only by its owner and
added up when somebody asks. Counting costs well under a microsecond, leaves no files, and a process
that takes over the row of a dead one goes on from its numbers.
"""

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from relay.web.access import Reason

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, float("inf"))
MOST_PROCESSES = 64
NUMBER = 8  # bytes of a double


class Result(StrEnum):
    """How a webhook was answered, when its sender had proved itself or did not need to."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    PING = "ping"
    METHOD = "method"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    INCOMPLETE = "incomplete"
    CONTENT_TYPE = "content_type"
    PAYLOAD = "payload"
    BUSY = "busy"
    FAULT = "fault"


LABELS: tuple[str, ...] = (*Result, *Reason)
_PLACE: Mapping[str, int] = {label: place for place, label in enumerate(LABELS)}
_SUM = len(LABELS)
_FIRST_BUCKET = _SUM + 1
WIDTH = _FIRST_BUCKET + len(BUCKETS_S)


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What the store holds at the moment of asking."""

    rows: Mapping[str, int]  # events and deliveries by state
    oldest_s: float | None  # seconds since the oldest that is due became so


class Tally:
    """The row of one process."""

    def __init__(self, numbers: "memoryview[float]") -> None:
        self._numbers = numbers

    def count(self, label: str) -> None:
        """One more webhook answered like this."""
        self._add(_PLACE[label], 1.0)

    def time(self, seconds: float) -> None:
        """How long a stored webhook took, from its head to its commit."""
        self._add(_SUM, seconds)
        self._add(_FIRST_BUCKET + bisect_left(BUCKETS_S, seconds), 1.0)

    def _add(self, place: int, more: float) -> None:
        self._numbers[place] += more


class Board:
    """The rows of all processes. Make it before they are forked."""

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, MOST_PROCESSES * WIDTH * NUMBER)).cast("d")

    def tally(self, number: int = 0) -> Tally:
        """The row of the process with this number."""
        begin = (number % MOST_PROCESSES) * WIDTH
        return Tally(self._numbers[begin : begin + WIDTH])

    def totals(self) -> list[float]:
        rows = self._numbers.tolist()
        return [sum(rows[place::WIDTH]) for place in range(WIDTH)]


class _WebhookCollector(Collector):
    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterable[Metric]:
        totals = self._board.totals()
        answered = CounterMetricFamily("relay_webhooks", "Webhooks by their answer", labels=["result"])
        for label, place in _PLACE.items():
            answered.add_metric([label], totals[place])
        yield answered
        took = HistogramMetricFamily("relay_accept_seconds", "From a webhook's head to its commit")
        took.add_metric([], list(_cumulative(totals[_FIRST_BUCKET:])), totals[_SUM])
        yield took


def _cumulative(counts: Iterable[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound, count in zip(BUCKETS_S, counts, strict=True):
        total += count
        yield ("+Inf" if bound == float("inf") else str(bound)), total


class BacklogCollector(Collector):
    """What the store counts, as it is at the moment of asking."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[Metric]:
        rows = GaugeMetricFamily("relay_rows", "Events and deliveries by state", labels=["state"])
        for state, number in self._backlog.rows.items():
            rows.add_metric([state], number)
        yield rows
        oldest = "Since the oldest event or delivery that is due became so"
        yield GaugeMetricFamily("relay_oldest_waiting_seconds", oldest, value=self._backlog.oldest_s or 0.0)


def exposition(board: Board, *more: Collector) -> bytes:
    """Everything, in the text format of Prometheus; `more` is of the store, nothing when there is none."""
    registry = CollectorRegistry()
    for collector in (_WebhookCollector(board), *more):
        registry.register(collector)
    return generate_latest(registry)
