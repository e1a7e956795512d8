"""What the GitHub notifiers share: whose repository an event is of, calls, and what the answers mean."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from relay.errors import DeliveryError
from relay.markup import clean, one_line
from relay.model import Answer, Event
from relay.notifiers.base import AllowPrivate, Notifier, is_web_address
from relay.secret import Secret
from relay.transport import Reply, Transport, failure, judge
from relay.transport.answers import retry_after

API_URL = "https://api.github.com"
WEB_HOST = "github.com"
VERSION = "2022-11-28"  # https://docs.github.com/en/rest/about-the-rest-api/api-versions
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
PAUSE = 60.0  # seconds to wait when GitHub wants less and does not say for how long
LONGEST_REASON = 300  # characters

# Logins of managed users have an underscore. https://docs.github.com/en/rest/repos/repos
_PLACE = re.compile(r"https://([^/?#@]+)/([A-Za-z0-9_-]{1,100})/([A-Za-z0-9._-]{1,100}?)(?:\.git)?(?:/(.*))?")
_PULL = re.compile(r"pull/(\d{1,12})(?:[/?#].*)?")
_SLUG = re.compile(r"(?:gh|github)/([A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100})")

ReceiptOf = Callable[[Reply], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PullPlace:
    """A pull request: the repository it is in, `acme/api`, and its number there."""

    repository: str
    number: int

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


class GitHubNotifier(Notifier):
    """Speaks to GitHub's REST API."""

    in_flight: ClassVar[int | None] = 1  # GitHub wants writes one after the other
    needs: ClassVar[str] = ""  # the permission its token has to have

    token: Secret = Field(description="A token of a user or an app, `github_pat_…` or `ghp_…`.")
    api_url: str = Field(
        default=API_URL,
        description="The address of the API; for GitHub Enterprise Server `https://<host>/api/v3`.",
    )
    allow_private: AllowPrivate = False

    @field_validator("api_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _can_be_asked(self) -> "GitHubNotifier":
        if not self.token:
            raise ValueError("token is missing or empty")
        if not is_web_address(self.api_url, self.allow_private):
            raise ValueError("api_url has to begin with https://")
        return self

    def destination(self) -> str:
        return self._destination_of(self.token, self.api_url)

    @property
    def web_host(self) -> str:
        return web_host(self.api_url)

    def call(
        self,
        method: str,
        path: str,
        transport: Transport,
        *,
        json: Any = None,
        receipt_of: ReceiptOf = lambda _: {},
    ) -> Answer:
        """One request. receipt_of: makes the answer's receipt of a good reply."""
        return transport.post(
            f"{self.api_url}{path}",
            method=method,
            json=json,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": Secret(f"Bearer {self.token.reveal()}"),
                "X-GitHub-Api-Version": VERSION,
            },
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.token,),
            judge=lambda reply: self._judge(reply, receipt_of),
        )

    def _judge(self, reply: Reply, receipt_of: ReceiptOf) -> Answer:
        if not 200 <= reply.status < 300:
            raise refusal(reply, self.needs)
        return replace(judge(reply), receipt=receipt_of(reply))


def web_host(api_url: str) -> str:
    """Where the pages are that belong to an API: GitHub's, an Enterprise Server's, or of a subdomain."""
    parts = urlsplit(api_url)
    host = (parts.netloc or "").lower()
    if parts.path.rstrip("/").endswith("/api/v3"):
        return host
    return host.removeprefix("api.") if host.startswith("api.") else WEB_HOST


def repository_of(event: Event, host: str) -> str | None:
    """`acme/api`, from the project's page, else the commit's, else CircleCI's name of the project."""
    for url in (event.project.url, event.commit.url):
        if found := _place(url, host):
            return found[0]
    slug = _SLUG.fullmatch(event.project.slug) if host == WEB_HOST and not event.project.url else None
    return slug[1] if slug else None


def pull_requests_of(event: Event, host: str) -> Iterator[PullPlace]:
    """Where the event's pull requests are; for a fork that is not the fork's repository."""
    for request in event.pull_requests:
        found = _place(request.url, host)
        number = _PULL.fullmatch(found[1]) if found else None
        if found and number:
            yield PullPlace(repository=found[0], number=int(number[1]))


def _place(url: str | None, host: str) -> tuple[str, str] | None:
    """The repository that a page belongs to, and the rest of its path; None for pages elsewhere."""
    found = _PLACE.fullmatch(url) if url else None
    if not found or found[1].lower() != host or found[3] in (".", ".."):
        return None
    return f"{found[2]}/{found[3]}", found[4] or ""


def refusal(reply: Reply, needs: str) -> DeliveryError:
    """What GitHub's no means. A repository the token may not see is one of several: that is not dead."""
    pause = _pause(reply)
    if pause is not None:
        return DeliveryError(
            f"HTTP {reply.status}: GitHub wants fewer requests",
            retry_after=pause,
            status=reply.status,
            excerpt=reply.excerpt,
        )
    said = " ".join(filter(None, (_said(reply), _remedy(reply.status, needs))))
    return failure(reply, said or None, is_dead=reply.status == 401)


def _remedy(status: int, needs: str) -> str:
    if status == 401:
        return "(check `token`; it may have expired)"
    if status in (403, 404):
        return f"(no such repository, or `token` may not: it needs {needs})"
    return "(the repository was renamed or moved)" if 300 <= status < 400 else ""


def _pause(reply: Reply) -> float | None:
    """Seconds to wait when too much was asked; None when that is not what the answer says."""
    if reply.status not in (403, 429):
        return None
    if (told := retry_after(reply)) is not None:
        return told
    if reply.headers.get("X-RateLimit-Remaining") == "0":
        return _until_reset(reply)
    is_secondary = b"secondary rate limit" in reply.body or b"abuse detection" in reply.body
    return PAUSE if reply.status == 429 or is_secondary else None


def _until_reset(reply: Reply) -> float:
    """`x-ratelimit-reset` is in seconds since 1970."""
    reset = reply.headers.get("X-RateLimit-Reset") or ""
    return max(float(reset) - reply.at.timestamp(), 1.0) if re.fullmatch(r"\d{1,12}", reset) else PAUSE


def _said(reply: Reply) -> str:
    """`Validation Failed: No commit found for SHA`."""
    body = reply.json()
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    details = [_detail(each) for each in errors[:3]] if isinstance(errors, list) else []
    said = ": ".join(text for text in (str(body.get("message") or ""), *details) if text)
    return f"GitHub says {one_line(clean(said))[:LONGEST_REASON]}" if said else ""


def _detail(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "")
    return str(error)
