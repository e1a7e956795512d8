"""Keeps all threads together below CircleCI's limits, before it has to say no."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from relay.circleci.answers import LONGEST_WAIT_S

REQUESTS = 40  # CircleCI publishes no limit; its own MCP server keeps to this
WINDOW_S = 2.0
_WINDOWS_S = {"Second": 1.0, "Minute": 60.0, "Hour": 3600.0, "Day": 86400.0}


class Limiter:
    """At most `requests` in any `window_s` seconds, fewer when an answer's headers say so. Thread-safe.

    One limiter may serve several clients that share a token.
    """

    def __init__(
        self,
        requests: int = REQUESTS,
        window_s: float = WINDOW_S,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._most = self._now_most = requests
        self._window_s = window_s
        self._clock = clock
        self._sleep = sleep
        self._taken: deque[float] = deque(maxlen=requests)  # when requests went or will go, ascending
        self._paused_until = 0.0
        self._lock = threading.Lock()

    def wait(self, until: float) -> float:
        """Waits for a place and returns 0.0; or, when it would come after `until`, the seconds it is away.

        A place that falls into a pause which began while it was waited for is given up for a later one.
        """
        while True:
            now, at = self._take_place(until)
            if at > until:
                return at - now
            if at > now:
                self._sleep(at - now)
            if at >= self._paused_until:
                return 0.0

    def learn(self, headers: Mapping[str, str]) -> None:
        """Takes RateLimit-* and X-RateLimit-*-{Second,…} into account; the tightest counts."""
        pause = max(_exhausted(headers), default=0.0)
        per_second = _leading_number(headers, "X-RateLimit-Limit-Second")
        with self._lock:
            if pause:
                self._paused_until = max(self._paused_until, self._clock() + min(pause, LONGEST_WAIT_S))
            if per_second:
                self._now_most = max(1, min(self._most, int(per_second * self._window_s)))

    def pause(self, seconds: float) -> None:
        """Nobody goes for so long: what a 429 with Retry-After asks of all threads."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + min(seconds, LONGEST_WAIT_S))

    def _take_place(self, until: float) -> tuple[float, float]:
        """What time it is, and the time of the next place; it is taken unless it comes too late."""
        with self._lock:
            now = self._clock()
            at = self._next_place(now)
            if at <= until:
                self._taken.append(at)
            return now, at

    def _next_place(self, now: float) -> float:
        at = max(now, self._paused_until, self._taken[-1] if self._taken else now)
        if len(self._taken) < self._now_most:
            return at
        return max(at, self._taken[-self._now_most] + self._window_s)


def _exhausted(headers: Mapping[str, str]) -> list[float]:
    """Seconds until each used-up window starts anew."""
    general = _pause(headers, "RateLimit-Remaining", "RateLimit-Reset", WINDOW_S)
    named = [
        _pause(headers, f"X-RateLimit-Remaining-{name}", f"X-RateLimit-Reset-{name}", min(length, 60.0))
        for name, length in _WINDOWS_S.items()
    ]
    return [general, *named]


def _pause(headers: Mapping[str, str], remaining: str, reset: str, otherwise: float) -> float:
    if _leading_number(headers, remaining) != 0:
        return 0.0
    said = _leading_number(headers, reset)
    if said is None:
        said = _leading_number(headers, "X-RateLimit-Reset")
    return otherwise if said is None else float(said)


def _leading_number(headers: Mapping[str, str], name: str) -> int | None:
    found = re.match(r"\s*([0-9]{1,9})(?![0-9])", headers.get(name, ""))
    return int(found[1]) if found else None
