"""Every error the CircleCI client raises.

RelayError
└── CircleCIError           status, CircleCI's own message, and which request it was
    ├── Refused             any other 4xx: the message says what CircleCI did not like
    ├── Unauthorized        401: no token, or one that is not accepted; a setting to repair
    ├── Forbidden           403: the token may not do this
    ├── NotFound            404: not there, or not visible to this token
    ├── Gone                410: the endpoint has ended; `instead` names its successor
    ├── RateLimited         429, or our own limiter: come back after `retry_after` seconds
    ├── ServerError         5xx
    ├── Redirected          a redirect that is not followed: of a POST, in a circle, or to nowhere
    ├── Unreachable         no answer, or one that broke off
    ├── Unreadable          an answer that is not what the documentation promises
    │   └── NotABuild       … a build was promised
    ├── Unclear             the answer to a call that must not be repeated was lost: it may have worked
    ├── TooLarge            a file beyond the limit
    └── NotSaved            a file that cannot be written to disk

`temporary` says whether the same call may work later. Texts never hold the token.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from relay.errors import RelayError


class CircleCIError(RelayError):
    """A call to CircleCI failed.

    `request` is like "GET /api/v2/me"; `status` is None without an answer; `retry_after` is the seconds
    CircleCI, or our own limiter, asked us to wait.
    """

    temporary: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        request: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.status = status
        self.retry_after = retry_after

    def __str__(self) -> str:
        answered = f" answered {self.status}" if self.status else ""
        return f"{self.request}{answered}: {self.message}" if self.request else self.message


class Refused(CircleCIError):
    """CircleCI understood the call and will not do it."""


class Unauthorized(CircleCIError):
    """No token was sent, or it is mistyped, revoked or expired."""


class Forbidden(CircleCIError):
    """The token's owner, or its scope, does not allow the call."""


class NotFound(CircleCIError):
    """Not there, or not visible to this token."""


class Gone(CircleCIError):
    """The endpoint has ended. `instead` is the endpoint that replaces it, or ""."""

    def __init__(
        self, message: str, *, request: str = "", status: int | None = 410, instead: str = ""
    ) -> None:
        super().__init__(message, request=request, status=status)
        self.instead = instead


class RateLimited(CircleCIError):
    """Too many requests, by CircleCI's count or by ours."""

    temporary = True


class ServerError(CircleCIError):
    """CircleCI, or something in front of it, is in trouble."""

    temporary = True


class Redirected(CircleCIError):
    """A redirect that is not followed."""


class Unreachable(CircleCIError):
    """No whole answer came. `sent` is False when the request certainly never left."""

    temporary = True

    def __init__(self, message: str, *, request: str = "", sent: bool = True, lasting: bool = False) -> None:
        super().__init__(message, request=request)
        self.sent = sent
        self.lasting = lasting  # such as a certificate that does not fit: the same again will not help


class Unreadable(CircleCIError):
    """An answer that is not what the documentation promises."""


class NotABuild(Unreadable):
    """A build was promised; `raw` is what came, `said` why, where CircleCI said so."""

    def __init__(self, message: str, *, raw: Mapping[str, Any], said: str | None) -> None:
        super().__init__(message)
        self.raw = raw
        self.said = said


class Unclear(CircleCIError):
    """The call may have been carried out, such as a build started; only looking can tell."""


class TooLarge(CircleCIError):
    """A file is larger than was allowed."""


class NotSaved(CircleCIError):
    """A file could not be written; the text says why."""
