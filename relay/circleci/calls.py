"""One call of the API as a value, and whether and when it may be sent again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.circleci.errors import CircleCIError, RateLimited, ServerError, Unreachable

TRIES = 4
FIRST_PAUSE_S = 0.5  # doubled each time
LONGEST_PAUSE_S = 20.0  # for more tries than now


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request to the API. `once`: it may start or make something, so it is never sent twice on a doubt."""

    method: str
    endpoint: str  # "/api/v1.1/project/{project}/{number}/retry"
    path: str  # the same filled in and encoded
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    once: bool = False
    text: bool = False  # the answer is plain text

    @property
    def request(self) -> str:
        """For people: without the query, which may hold a token."""
        return f"{self.method} {self.path}"


def pause_before_repeat(call: Call, error: CircleCIError, tries: int, random: float) -> float | None:
    """Seconds to wait before the call is sent again after `tries` tries; None when it must not be.

    A 429, or a connection that never stood, allows any call again; a lost answer or a 5xx only one that is
    safe to repeat. `random` is in [0, 1): half of each backoff is left to chance.
    """
    if tries >= TRIES or not _allows_repeat(call, error):
        return None
    if error.retry_after is not None:
        return error.retry_after
    backoff: float = min(FIRST_PAUSE_S * 2.0 ** (tries - 1), LONGEST_PAUSE_S)
    return backoff * (0.5 + random / 2)


def _allows_repeat(call: Call, error: CircleCIError) -> bool:
    match error:
        case RateLimited():
            return error.status == 429
        case Unreachable():
            return not error.lasting and not (call.once and error.sent)
        case ServerError():
            return not call.once
    return False
