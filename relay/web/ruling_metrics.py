"""Counts what came of failed runs that were judged, for Prometheus: retries, why not, verdicts, masked.

All are of the last 30 days, and labels are words of ours only, so that no stranger makes new series.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from relay.store.retried import Counted

RULINGS_OF = timedelta(days=30)
RETRIES = "Failed runs of the last 30 days that were to be run again, by mode and by what came of it"
BY_LOT = "Those of them that were run again by lot, against the odds"
REFUSED = "Failed runs of the last 30 days that were not to be run again, by what spoke against it"
REFUSED_PASSED = "Those of them that passed when somebody ran them again all the same"
VERDICTS = "Judged runs of the last 30 days by what they turned out to be"
MASKED = "Retries of the last 30 days that passed while the same failure came back within a day"
Key = tuple[str, ...]


class RulingCollector(Collector):
    """Of rulings as the store counted them, grouped by kind and end."""

    def __init__(self, counted: Iterable[Counted]) -> None:
        self._counted = tuple(counted)

    def collect(self) -> Iterable[Metric]:
        yield self._family("relay_retries", RETRIES, ("mode", "outcome"), _retry)
        yield self._family("relay_retries_by_lot", BY_LOT, ("mode", "outcome"), _by_lot)
        yield self._family("relay_retries_refused", REFUSED, ("mode", "stop"), _refused)
        yield self._family("relay_retries_missed", REFUSED_PASSED, ("mode", "stop"), _missed)
        yield self._family("relay_verdicts", VERDICTS, ("mode", "verdict"), _verdict)
        yield self._masked()

    def _family(self, name: str, says: str, labels: Key, key_of: Callable[[Counted], Key | None]) -> Metric:
        family = GaugeMetricFamily(name, says, labels=labels)
        for key, number in sorted(_sums(self._counted, key_of)):
            family.add_metric(key, number)
        return family

    def _masked(self) -> Metric:
        family = GaugeMetricFamily("relay_retries_masked", MASKED, labels=("mode",))
        sums = Counter[str]()
        for each in self._counted:
            sums[each.mode] += each.masked
        for mode, number in sorted(sums.items()):
            family.add_metric([mode], number)
        return family


def _sums(counted: Iterable[Counted], key_of: Callable[[Counted], Key | None]) -> Iterator[tuple[Key, int]]:
    sums = Counter[Key]()
    for each in counted:
        key = key_of(each)
        if key is not None:
            sums[key] += each.count
    yield from sums.items()


def _retry(each: Counted) -> Key | None:
    return (each.mode, _outcome(each)) if each.retry else None


def _by_lot(each: Counted) -> Key | None:
    return (each.mode, _outcome(each)) if each.retry and each.explored else None


def _refused(each: Counted) -> Key | None:
    return None if each.retry else (each.mode, each.stop or "unknown")


def _missed(each: Counted) -> Key | None:
    return _refused(each) if each.passed else None


def _verdict(each: Counted) -> Key | None:
    return (each.mode, each.verdict) if each.verdict else None


def _outcome(each: Counted) -> str:
    return {True: "passed", False: "failed", None: "open"}[each.passed]
