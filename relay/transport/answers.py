"""What an HTTP answer means for a delivery: done, try again, or give up."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from relay.errors import DeliveryError
from relay.markup import clean, one_line
from relay.model import ANSWER_LIMIT, Answer

TEMPORARY: Final = {408, 425, 429}  # beside 5xx
DEAD: Final = {401, 403, 404, 410}  # no other message gets through either
REASONS: Final[Mapping[int, str]] = {
    400: "the request was not understood",
    401: "not authorized",
    403: "forbidden",
    404: "no such address",
    408: "the other side waited too long",
    410: "gone for good",
    413: "too large",
    425: "too early",
    429: "too many requests",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An HTTP answer as it came. The body may have been cut. `at`: when it came."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes
    at: datetime

    @property
    def excerpt(self) -> str:
        return excerpt(self.body.decode("utf-8", "replace"))

    def json(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def excerpt(text: str) -> str:
    """The beginning of a text, on one line, harmless to print."""
    return one_line(clean(text[: 4 * ANSWER_LIMIT]))[:ANSWER_LIMIT]


def judge(reply: Reply) -> Answer:
    """The answer when it is good; DeliveryError otherwise."""
    if 200 <= reply.status < 300:
        return Answer(status=reply.status, excerpt=reply.excerpt)
    raise failure(reply)


def failure(
    reply: Reply,
    reason: str | None = None,
    *,
    permanent: bool | None = None,
    is_dead: bool | None = None,
) -> DeliveryError:
    """The error an answer stands for; its status decides whether another try can help, unless told.

    is_dead: whether the place itself is gone or shut, so that no other message gets through either.
    """
    temporary = reply.status in TEMPORARY or reply.status >= 500
    return DeliveryError(
        f"HTTP {reply.status}: {reason or _reason(reply.status)}",
        permanent=not temporary if permanent is None else permanent,
        is_dead=permanent is None and reply.status in DEAD if is_dead is None else is_dead,
        retry_after=retry_after(reply),
        status=reply.status,
        excerpt=reply.excerpt,
    )


def _reason(status: int) -> str:
    if 300 <= status < 400:
        return "redirects are not followed"
    return REASONS.get(status) or ("the other side failed" if status >= 500 else "refused")


def retry_after(reply: Reply) -> float | None:
    """Seconds to wait, from the header (a number or a date) or from the body, as some services do."""
    header = reply.headers.get("Retry-After")
    waits = (_number(header), _until(header, reply.at)) if header else _from_body(reply.json())
    return next((wait for wait in waits if wait is not None), None)


def _from_body(body: Any) -> tuple[float | None, ...]:
    """Discord: retry_after. Zulip: retry-after. Telegram: parameters.retry_after. Matrix: retry_after_ms."""
    if not isinstance(body, dict):
        return ()
    inner = body.get("parameters")
    milliseconds = _number(body.get("retry_after_ms"))
    return (
        _number(body.get("retry_after")),
        _number(body.get("retry-after")),
        _number(inner.get("retry_after")) if isinstance(inner, dict) else None,
        None if milliseconds is None else milliseconds / 1000,
    )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
