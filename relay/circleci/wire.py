"""One exchange with a server over `requests`: sent, answered, read within bounds, failures put in words."""

import ssl
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from relay.circleci.connection import Connection
from relay.circleci.errors import Unreachable

CHUNK = 64 * 1024
POOL = 20  # connections kept per host
_BROKEN = (OSError, ValueError, urllib3.exceptions.HTTPError)  # those of requests are OSErrors


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Status and headers have come, the body is on its way. `chunks` raises Unreachable."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    chunks: Iterator[bytes] = field(repr=False)

    def read(self, most: int) -> tuple[bytes, bool]:
        """Up to `most` bytes, and whether there were more."""
        body = bytearray()
        for chunk in self.chunks:
            body += chunk
            if len(body) > most:
                return bytes(body[:most]), True
        return bytes(body), False


class Wire:
    """Sends requests as they are: no cookies, no .netrc, no redirects, no repeats."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._session = _new_session()
        self._closing = weakref.finalize(self, self._session.close)

    def close(self) -> None:
        """Closes its connections. Happens by itself once nothing refers to it any more."""
        self._closing()

    @contextmanager
    def exchange(
        self, request: requests.Request, name: str, until: float, *, alone: bool = False
    ) -> Iterator[Answer]:
        """`name` is the request for people. `alone` takes a new connection, which cannot have gone stale."""
        session = _new_session() if alone else self._session
        try:
            response = self._send(session, request, name, until)
            try:
                chunks = self._chunks(response.raw, name, until)
                yield Answer(status=response.status_code, headers=response.headers, chunks=chunks)
            finally:
                response.close()
        finally:
            if alone:
                session.close()

    def _send(
        self, session: requests.Session, request: requests.Request, name: str, until: float
    ) -> requests.Response:
        """The failure is raised outside of `except`: its cause may hold the token in an address."""
        left = until - self._clock()
        if left <= 0:
            raise Unreachable("no time is left", request=name, sent=False)
        patience = (min(self._connection.connect_timeout, left), min(self._connection.read_timeout, left))
        try:
            prepared = session.prepare_request(request)
            proxies, verify = self._ways(session, prepared.url)
            adapter = session.get_adapter(prepared.url or "")
            return adapter.send(prepared, stream=True, timeout=patience, verify=verify, proxies=proxies)
        except _BROKEN as error:
            problem = _unreachable(error, name)
        raise problem

    def _ways(self, session: requests.Session, url: str | None) -> tuple[Any, Any]:
        """Proxies and certificates: ours, else the environment's."""
        proxies, verify = dict(self._connection.proxies), self._connection.ca_bundle or True
        ways = session.merge_environment_settings(url, proxies, True, verify, None)
        return ways["proxies"], ways["verify"]

    def _chunks(self, raw: urllib3.BaseHTTPResponse, name: str, until: float) -> Iterator[bytes]:
        while True:
            if self._clock() >= until:
                raise Unreachable("the answer did not end in time", request=name)
            chunk = _read(raw, name)
            if not chunk:
                return
            yield chunk


def _read(raw: urllib3.BaseHTTPResponse, name: str) -> bytes:
    try:
        return raw.read1(CHUNK, decode_content=True)
    except _BROKEN as error:
        problem = _unreachable(error, name)
    raise problem


def _new_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=0, pool_maxsize=POOL))
    return session


def _unreachable(error: Exception, name: str) -> Unreachable:
    """The failure in our words: those of the libraries quote addresses."""
    lasting = isinstance(error, (ValueError, requests.exceptions.SSLError)) or _is_setup(error)
    return Unreachable(_words(error), request=name, sent=not _never_left(error), lasting=lasting)


def _never_left(error: Exception) -> bool:
    """Whether it is certain that the request was not sent."""
    early = (requests.ConnectTimeout, requests.exceptions.ProxyError, ValueError)
    if isinstance(error, early) or _is_setup(error):
        return True
    new = (urllib3.exceptions.NewConnectionError, ssl.SSLCertVerificationError)
    return any(isinstance(cause, new) for cause in _causes(error))


def _is_setup(error: Exception) -> bool:
    """`requests` raises a bare OSError for certificates that are not where they should be."""
    return type(error) is OSError


def _words(error: Exception) -> str:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {getattr(cause, 'verify_message', '') or cause.reason}"
    for kind, words in _WORDS:
        if any(isinstance(cause, kind) for cause in causes):
            return words
    if _is_setup(error):
        return "the certificates to check with are not where the settings say"
    said = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return f"no connection: {said[-1]}" if said else "the connection broke off before the answer was complete"


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (requests.ConnectTimeout, "no connection in time"),
    (requests.ReadTimeout, "no answer in time"),
    (urllib3.exceptions.ReadTimeoutError, "the answer stopped coming"),
    (requests.exceptions.ProxyError, "the proxy does not let us through"),
    (urllib3.exceptions.DecodeError, "the answer's compression is broken"),
    (ValueError, "the request cannot be put together: its address or content is not valid"),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is below it, however the libraries hang it on."""
    seen: set[int] = set()
    below: list[object] = [error]
    while below:
        cause = below.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            below += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
