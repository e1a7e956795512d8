"""An outage rather than a broken branch: everything failed within half an hour, and nobody passed then."""

from collections.abc import Collection
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=30)


def is_outage(failing: Collection[datetime], sibling_passes: Collection[datetime]) -> bool:
    """Whether all failing runs began within 30 minutes and no sibling project passed meanwhile (odds.md 6).

    `failing` are the starts of all runs that failed alike, `sibling_passes` those of runs of other projects
    that passed. Ask it for classes that an outage can cause; a compiler error needs none.
    """
    if not failing:
        return False
    first, last = min(failing), max(failing)
    if last - first > WINDOW:
        return False
    return not any(first <= each <= first + WINDOW for each in sibling_passes)
