"""What an answer of CircleCI says: its message, the error it stands for, how long to wait, what will end."""

import email.utils
import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import re2

from relay.circleci.errors import (
    CircleCIError,
    Forbidden,
    Gone,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerError,
    Unauthorized,
)

MESSAGE_LIMIT = 200  # characters of a page that is quoted
_PAGE_LIMIT = 20_000  # characters of a page that are looked at
_TAGS = re2.compile(r"(?is)<!--.*?-->|<script.*?</script>|<style.*?</style>|<[^>]*>")
LONGEST_WAIT_S = 3600.0  # a longer Retry-After is taken for a mistake

RERUN = "POST /api/v2/workflow/{id}/rerun"
RUN = "POST /api/v2/project/{project}/pipeline/run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """An endpoint that CircleCI announced to end, told once per endpoint."""

    endpoint: str  # "POST /api/v1.1/project/{project}/{number}/retry"
    deprecation: str  # the Deprecation header, as sent
    sunset: str  # the Sunset header: when it ends

    def __str__(self) -> str:
        return f"CircleCI ends {self.endpoint} (Deprecation: {self.deprecation}; Sunset: {self.sunset})"


def message_of(body: bytes) -> str:
    """The reason in an error's body, whatever its form; "" when there is none.

    JSON's `message` or `error` (a text, or an object with title and detail), unwrapped once when that
    is JSON again; else the first 200 characters of the text, without tags.
    """
    text = body.decode("utf-8", "replace")
    said = _message_in(_json(text))
    if said is None:
        return _printable(_text_of_page(text))[:MESSAGE_LIMIT]
    inner = _message_in(_json(said))
    return _printable(inner if inner is not None else said)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _message_in(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return None
    said = value.get("message") or value.get("error")
    if isinstance(said, Mapping):
        return ": ".join(str(said[key]) for key in ("title", "detail", "message") if said.get(key))
    return said if isinstance(said, str) else None


def _text_of_page(text: str) -> str:
    page = text[:_PAGE_LIMIT].encode("utf-8", "replace").decode()
    return html.unescape(_TAGS.sub(" ", page)) if page.lstrip().startswith("<") else page


def _printable(text: str) -> str:
    """One line, and nothing that could steer a terminal."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def error_of(
    *, request: str, status: int, headers: Mapping[str, str], said: str, token: bool
) -> CircleCIError:
    """The error an answer of 300 and above stands for. `token`: whether one was sent."""
    if status < 400:
        where = headers.get("Location", "").partition("?")[0] or "nowhere"
        text = f"a redirect to {_printable(where)}, not followed; is the project's name or the host wrong?"
        return Redirected(text, request=request, status=status)
    if status == 429 or (status == 403 and "rate limit" in said.lower()):
        text = said or "too many requests"
        return RateLimited(text, request=request, status=status, retry_after=retry_after(headers))
    if status == 410:
        return _gone(said, request)
    explain = _EXPLAINED.get(status)
    if explain:
        kind, words = explain
        return kind(words(said, request, token), request=request, status=status)
    if status >= 500:
        text, pause = said or "no reason given", retry_after(headers)
        return ServerError(text, request=request, status=status, retry_after=pause)
    return Refused(said or "no reason given", request=request, status=status)


def _unauthorized(said: str, request: str, token: bool) -> str:
    if not token:
        return _and(said, "no token was sent, and this call needs one")
    return _and(
        said, "the token is mistyped, revoked or expired (personal tokens end within a year): make a new one"
    )


def _forbidden(said: str, request: str, token: bool) -> str:
    return said or "the token's owner or scope does not allow this"


def _not_found(said: str, request: str, token: bool) -> str:
    hint = "not there, or not visible to this token"
    if "/api/v2/" in request and re.search("(project|job) not found", said, re.IGNORECASE):
        hint += "; a project token always gets this answer from API v2, which takes personal tokens only"
    return _and(said, hint)


_Words = Callable[[str, str, bool], str]
_EXPLAINED: Mapping[int, tuple[type[CircleCIError], _Words]] = {
    401: (Unauthorized, _unauthorized),
    403: (Forbidden, _forbidden),
    404: (NotFound, _not_found),
}


def _and(said: str, hint: str) -> str:
    return f"{said.rstrip('.')} ({hint})" if said else hint


def _gone(said: str, request: str) -> Gone:
    method, _, path = request.partition(" ")
    instead = ""
    if method == "POST" and "/api/v1" in path:
        instead = RERUN if path.endswith(("/retry", "/ssh")) else RUN
    hint = f"CircleCI has ended this endpoint{f'; use {instead}' if instead else ''}"
    return Gone(_and(said, hint), request=request, instead=instead)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After (a number, or a date seen from the answer's own Date), or None."""
    said = headers.get("Retry-After", "").strip()
    seconds = _number(said)
    if seconds is None:
        until, now = _date(said), _date(headers.get("Date", ""))
        seconds = until - now if until is not None and now is not None else None
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if seconds is not None else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text) else None


def _date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def ending_of(endpoint: str, headers: Mapping[str, str]) -> Ending | None:
    """What the Deprecation and Sunset headers announce."""
    deprecation, sunset = (_printable(headers.get(name, "")) for name in ("Deprecation", "Sunset"))
    if not deprecation and not sunset:
        return None
    return Ending(endpoint=endpoint, deprecation=deprecation or "not said", sunset=sunset or "not said")
