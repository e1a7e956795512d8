"""When to try a delivery again."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from relay.errors import DeliveryError

SPREAD = 0.2  # waits vary by this share either way, so that many deliveries do not come back at once


def next_try(
    schedule: Sequence[float],
    number: int,
    error: DeliveryError,
    now: datetime,
    *,
    give_up_after: float,
    first_at: datetime,
    jitter: Callable[[], float],
) -> datetime | None:
    """When try `number` + 1 is due; None when there is none.

    schedule: seconds to wait after the first try, the second, …; the last one repeats until
    `give_up_after` seconds have passed since `first_at`. jitter: gives numbers in [0, 1).
    A wait that the other side asked for is kept at least. Once the clock was set back to before `first_at`,
    the tries that were made tell how much time has passed.
    """
    if error.permanent or not schedule:
        return None
    wait = _wait(schedule, number) * (1 - SPREAD + 2 * SPREAD * jitter())
    wait = max(wait, error.retry_after or 0.0)
    passed = (now - first_at).total_seconds()
    if passed < 0:
        passed = _waited(schedule, number)
    return now + timedelta(seconds=wait) if wait <= give_up_after - passed else None


def _wait(schedule: Sequence[float], number: int) -> float:
    return schedule[min(max(number, 1), len(schedule)) - 1]


def _waited(schedule: Sequence[float], number: int) -> float:
    """Before try `number`, at least."""
    repeated = max(0, number - 1 - len(schedule)) * schedule[-1]
    return (1 - SPREAD) * (sum(schedule[: max(0, number - 1)]) + repeated)
