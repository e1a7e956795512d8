"""The only way to CircleCI: sends calls, repeats them where that is safe, keeps to limits and deadlines."""

import copy
import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests

from relay import __version__
from relay.circleci.answers import Ending, ending_of, error_of, message_of
from relay.circleci.auth import NoAuth, OurHosts, TokenAuth, hide_queries
from relay.circleci.calls import Call, pause_before_repeat
from relay.circleci.connection import Connection
from relay.circleci.errors import (
    CircleCIError,
    RateLimited,
    Redirected,
    ServerError,
    Unauthorized,
    Unclear,
    Unreachable,
    Unreadable,
)
from relay.circleci.limiter import Limiter
from relay.circleci.wire import Answer, Wire
from relay.secret import Masker

MOST_REDIRECTS = 5
ERROR_LIMIT = 64 * 1024  # bytes of an error's body that are read
_REDIRECTS = {301, 302, 303, 307, 308}
_AGENT = f"relay/{__version__}"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer that said yes. `body` is parsed JSON (None when there was none), or the text asked for."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)


class Http:
    """Speaks to one CircleCI. Thread-safe.

    `on_ending` hears once of each endpoint that is going to end, `on_rejected` each time that the token is
    not accepted.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        limiter: Limiter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        on_ending: Callable[[Ending], None] | None = None,
        on_rejected: Callable[[], None] | None = None,
    ) -> None:
        self.connection = connection
        self.root = connection.root
        self._auth = TokenAuth(
            connection.token, connection.auth, OurHosts(self.root, connection.artifact_hosts)
        )
        self._mask = Masker([connection.token.reveal()] if connection.token else [])
        self._wire = Wire(connection, clock)
        self._limiter = limiter or Limiter(clock=clock, sleep=sleep)
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._on_ending = on_ending
        self._on_rejected = on_rejected
        self._told: set[str] = set()
        self._until = float("inf")
        logging.getLogger("urllib3.connectionpool").addFilter(hide_queries)

    def __repr__(self) -> str:
        return f"Http({self.root})"

    def close(self) -> None:
        self._wire.close()

    def within(self, seconds: float) -> "Http":
        """The same client, all of whose calls together end that many seconds from now."""
        bounded = copy.copy(self)
        bounded._until = min(self._until, self._clock() + seconds)
        return bounded

    def send(self, call: Call) -> Reply:
        """Makes the call. Raises CircleCIError."""
        until = self._end_after(self.connection.deadline)
        return self._repeatedly(call, until, lambda: self._try(call, until))

    def read(self, url: str, most: int, *, token: bool) -> tuple[bytes, bool]:
        """Up to `most` bytes from any address, and whether there were more. Raises CircleCIError."""
        call = _get(url)
        until = self._end_after(self.connection.deadline)

        def read_once() -> tuple[bytes, bool]:
            with self.fetch(url, token=token, until=until) as answer:
                return answer.read(most)

        return self._repeatedly(call, until, read_once)

    @contextmanager
    def fetch(
        self,
        url: str,
        *,
        token: bool,
        until: float,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """A file, tried once, redirects followed; the token goes to CircleCI's own hosts only."""
        call = _get(url)
        request = requests.Request(
            "GET",
            _joined(f"{self.root}/", url),
            headers={"Accept": "*/*", "User-Agent": _AGENT, **(headers or {})},
            auth=self._auth if token else NoAuth(),
        )
        self._take_place(call, until)
        with self._answered(request, call, until) as answer:
            yield answer

    def end_of_download(self) -> float:
        """When a file that is begun now must be complete, by our clock."""
        return self._end_after(self.connection.download_deadline)

    def pause_before_repeat(self, url: str, error: CircleCIError, tries: int, until: float) -> bool:
        """Waits before a download is tried again; False when it should not be."""
        pause = pause_before_repeat(_get(url), error, tries, self._chance())
        if pause is None or self._clock() + pause >= until:
            return False
        self._sleep(pause)
        return True

    def _end_after(self, seconds: float) -> float:
        return min(self._until, self._clock() + seconds)

    def _repeatedly(self, call: Call, until: float, act: Callable[[], T]) -> T:
        tries = 0
        while True:
            tries += 1
            try:
                return act()
            except CircleCIError as error:
                pause = pause_before_repeat(call, error, tries, self._chance())
                if pause is None or self._clock() + pause >= until:
                    raise
            self._sleep(pause)

    def _try(self, call: Call, until: float) -> Reply:
        self._take_place(call, until)
        try:
            return self._exchange(call, until)
        except (Unreachable, ServerError, Unreadable) as error:
            if not call.once or (isinstance(error, Unreachable) and not error.sent):
                raise
            text = f"{error.message}; it may have been carried out all the same, look before repeating it"
            raise Unclear(text, request=call.request, status=error.status) from error

    def _take_place(self, call: Call, until: float) -> None:
        away = self._limiter.wait(until)
        if away:
            text = f"not sent, to keep below CircleCI's limits for another {away:.0f} s"
            raise RateLimited(text, request=call.request, retry_after=away)

    def _exchange(self, call: Call, until: float) -> Reply:
        request = requests.Request(
            call.method,
            self.root + call.path,
            params=dict(call.query),
            json=call.json,
            data=dict(call.form) if call.form else None,
            headers={"Accept": "application/json", "User-Agent": _AGENT},
            auth=self._auth,
        )
        with self._answered(request, call, until) as answer:
            self._notice_ending(call, answer.headers)
            body, more = answer.read(self.connection.largest_answer)
            if more:
                raise Unreadable("the answer is too large", request=call.request, status=answer.status)
            parsed = body.decode("utf-8", "replace") if call.text else self._parsed(body, call, answer)
            return Reply(status=answer.status, headers=answer.headers, body=parsed)

    @contextmanager
    def _answered(self, request: requests.Request, call: Call, until: float) -> Iterator[Answer]:
        """The final answer, if it says yes."""
        with ExitStack() as stack:
            for _ in range(MOST_REDIRECTS + 1):
                exchange = self._wire.exchange(request, call.request, until, alone=call.once)
                answer = stack.enter_context(exchange)
                self._limiter.learn(answer.headers)
                if not _is_followed(request, answer):
                    self._raise_if_refused(answer, call, request)
                    yield answer
                    return
                request = _redirected(request, answer)
        raise Redirected("the redirects have no end", request=call.request, status=answer.status)

    def _raise_if_refused(self, answer: Answer, call: Call, request: requests.Request) -> None:
        if answer.status < 300:
            return
        self._notice_ending(call, answer.headers)
        token = request.auth is self._auth and bool(self.connection.token)
        error = error_of(
            request=call.request,
            status=answer.status,
            headers=answer.headers,
            said=self._mask(message_of(_start_of(answer))),
            token=token,
        )
        if isinstance(error, Unauthorized) and token and self._on_rejected:
            self._on_rejected()
        if isinstance(error, RateLimited) and error.retry_after:
            self._limiter.pause(error.retry_after)
        raise error

    def _parsed(self, body: bytes, call: Call, answer: Answer) -> Any:
        try:
            return json.loads(body) if body.strip() else None
        except (ValueError, RecursionError):
            text = f"not JSON: {self._mask(message_of(body))}"
        raise Unreadable(text, request=call.request, status=answer.status)

    def _notice_ending(self, call: Call, headers: Mapping[str, str]) -> None:
        ending = ending_of(f"{call.method} {call.endpoint}", headers)
        if ending and self._on_ending and ending.endpoint not in self._told:
            self._told.add(ending.endpoint)
            self._on_ending(ending)


def _get(url: str) -> Call:
    """For errors: the address without its query, which may hold a signature."""
    bare = url.partition("?")[0].partition("#")[0]
    return Call(method="GET", endpoint=bare, path=bare)


def _is_followed(request: requests.Request, answer: Answer) -> bool:
    return request.method == "GET" and answer.status in _REDIRECTS and "Location" in answer.headers


def _redirected(request: requests.Request, answer: Answer) -> requests.Request:
    """The next request. Whether the token goes along is decided anew by the new address."""
    url = _joined(request.url, answer.headers["Location"])
    return requests.Request("GET", url, headers=request.headers, auth=request.auth)


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        problem = Unreachable("not a valid address", request="GET", sent=False, lasting=True)
    raise problem


def _start_of(answer: Answer) -> bytes:
    """What can be had of an error's body."""
    try:
        return answer.read(ERROR_LIMIT)[0]
    except Unreachable:
        return b""
