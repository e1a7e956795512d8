"""How much one observation counts: w = 2^(-age / 14 days) × source (odds.md 2)."""

from datetime import timedelta
from math import exp2

from relay.failures.record import FailureClass
from relay.odds.attempts import Source

HALF_LIFE = timedelta(days=14)
SOON = timedelta(hours=2)
AUTOMATIC, MANUAL, LATE = 1.0, 0.5, 0.2
SETTINGS = frozenset({FailureClass.CONFIG, FailureClass.AUTH})  # a person mends these without a commit


def decay(age: timedelta) -> float:
    """2^(-age / 14 days), from 0 to 1; an age below zero, from clocks that differ, counts as none."""
    return exp2(-(max(age, timedelta(0)) / HALF_LIFE))


def source_weight(source: Source, failure_class: FailureClass | None, after: timedelta) -> float:
    """What a second run teaches, 0 to 1, `after` the first began (odds.md 2).

    An automatic retry counts in full. People often mend something before they press the button, so theirs
    count half, and little after two hours. A second run that nobody asked for counts like theirs.
    """
    if failure_class in SETTINGS:
        return 0.0
    if after > SOON:
        return LATE
    return AUTOMATIC if source is Source.AUTOMATIC else MANUAL
