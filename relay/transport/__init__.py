"""The outbound edge: HTTP requests, mail, and what is printed. Every call ends within its timeout."""

import json as json_
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util import Timeout

import relay
from relay.errors import DeliveryError
from relay.model import Answer
from relay.secret import Masker, Secret
from relay.transport.addresses import Resolve, refuse_private_literal, resolve
from relay.transport.answers import Reply, failure, judge
from relay.transport.connections import Adapter

if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = ["Reply", "Transport", "failure", "judge"]

CONNECT_TIMEOUT = 5.0  # seconds, for one address
TIMEOUT = 10.0  # seconds, for everything
READ_LIMIT = 64 * 1024  # bytes of an answer that are looked at
SECRET_SEGMENT = 12  # a part of a URL's path as long as this is taken for a secret

Judge = Callable[[Reply], Answer]
Headers = Mapping[str, str | Secret]


class _NoCookies(RequestsCookieJar):
    """Keeps nothing: one destination's cookies are no business of another thread."""

    def set_cookie(self, cookie: Any, *args: Any, **options: Any) -> None:
        return None


class Transport:
    """Shared by all threads; connections are reused. Close it when done."""

    def __init__(
        self,
        *,
        stream: TextIO | None = None,
        look_up: Resolve = resolve,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stream = stream
        self._tls = tls
        self._clock = clock
        self._sessions = {allowed: _session(allowed, look_up) for allowed in (False, True)}
        self._printing = threading.Lock()

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    def post(
        self,
        url: str | Secret,
        *,
        body: bytes | None = None,
        json: Any = None,
        headers: Headers | None = None,
        timeout: float = TIMEOUT,
        allow_private: bool = False,
        verify: bool | str = True,
        secrets: Sequence[Secret] = (),
        method: str = "POST",
        judge: Judge = judge,
    ) -> Answer:
        """Sends once and gives what `judge` makes of the answer. Raises DeliveryError and nothing else.

        timeout: seconds until the whole answer must be here. secrets: masked in what is kept of the answer,
        beside the URL's own and those among the headers.
        """
        target = url.reveal() if isinstance(url, Secret) else url
        mask = Masker(_secrets_in(target, headers or {}, secrets))
        try:
            host = _host(target)
            if not allow_private:
                refuse_private_literal(host)
            content, sent = _content(body, json, headers or {})
            reply = self._exchange(
                method,
                target,
                content,
                sent,
                Timeout(connect=CONNECT_TIMEOUT, total=timeout),
                allow_private,
                verify,
            )
            return _masked_answer(judge(reply), mask)
        except DeliveryError as error:
            raise _masked_error(error, mask) from None

    def mail(self, smtp: Secret, message: "EmailMessage", timeout: float = TIMEOUT) -> Answer:
        """Hands the message in at `smtp://user:password@host:port?starttls` or `smtps://…`."""
        from relay.transport import mail  # with Python's SMTP, for those who send any

        try:
            server = mail.parse_server(smtp)
        except ValueError as error:
            raise DeliveryError(str(error), permanent=True) from None
        mask = Masker([server.password.reveal()] if server.password else [])
        try:
            return _masked_answer(mail.send(server, message, timeout, self._tls), mask)
        except DeliveryError as error:
            raise _masked_error(error, mask) from None

    @property
    def is_terminal(self) -> bool:
        """Whether what is shown goes to a terminal, which understands colours."""
        return self._out().isatty()

    def show(self, text: str) -> Answer:
        """Prints the text, whole, on a line of its own."""
        with self._printing:
            try:
                self._out().write(f"{text}\n")
                self._out().flush()
            except (OSError, ValueError) as error:
                raise DeliveryError(f"cannot print: {error}") from error
        return Answer()

    def _out(self) -> TextIO:
        return self._stream or sys.stdout

    def _exchange(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: Mapping[str, str],
        timeout: Timeout,
        allow_private: bool,
        verify: bool | str,
    ) -> Reply:
        origin = _origin(url)
        try:
            with self._sessions[allow_private].request(
                method,
                url,
                data=content,
                headers=headers,
                timeout=timeout,  # type: ignore[arg-type]  # requests passes urllib3's own on
                verify=verify,
                auth=_leave_as_it_is,
                allow_redirects=False,
                stream=True,
            ) as response:
                said = _read(response)
        except (requests.Timeout, ReadTimeoutError, TimeoutError):
            raise DeliveryError(f"{origin}: no answer within {timeout.total:g} s") from None
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise _network_error(origin, error) from None
        return Reply(status=response.status_code, headers=response.headers, body=said, at=self._clock())


def _session(allow_private: bool, look_up: Resolve) -> requests.Session:
    session = requests.Session()
    session.cookies = _NoCookies()
    adapter = Adapter(allow_private, look_up)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _leave_as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given as `auth`, so that no password from a .netrc file is added."""
    return request


def _read(response: requests.Response) -> bytes:
    """The beginning of the body. A connection is only reused when that was all."""
    said = b""
    while len(said) < READ_LIMIT:
        piece = response.raw.read(READ_LIMIT - len(said), decode_content=False)
        if not piece:
            return said
        said += piece
    response.raw.close()
    return said


def _content(body: bytes | None, json: Any, headers: Headers) -> tuple[bytes | None, dict[str, str]]:
    """What is sent, and the headers with it."""
    sent = {"User-Agent": f"relay/{relay.__version__}", "Accept-Encoding": "identity"}
    if json is not None:
        body = json_.dumps(json, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        sent["Content-Type"] = "application/json; charset=utf-8"
    given = {name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()}
    return body, sent | given


def _host(url: str) -> str:
    """The host of an http or https URL."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise DeliveryError("the URL is not one of http or https", permanent=True)
    return host


def _origin(url: str) -> str:
    """What may be told of a URL: its scheme and host."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


def _secrets_in(url: str, headers: Headers, given: Sequence[Secret]) -> Iterator[str]:
    """Every text that an answer may repeat and that nobody should read."""
    _, _, rest = url.partition("://")
    path = rest[rest.find("/") :] if "/" in rest else ""
    yield from (url, path, path.partition("?")[0])
    yield from (part for part in re.split("[/?=&]", path) if len(part) >= SECRET_SEGMENT)
    yield from (value.reveal() for value in (*headers.values(), *given) if isinstance(value, Secret))


def _masked_answer(answer: Answer, mask: Masker) -> Answer:
    return Answer(status=answer.status, excerpt=mask(answer.excerpt), receipt=answer.receipt)


def _masked_error(error: DeliveryError, mask: Masker) -> DeliveryError:
    return DeliveryError(
        mask(str(error)),
        permanent=error.permanent,
        is_dead=error.is_dead,
        retry_after=error.retry_after,
        status=error.status,
        excerpt=mask(error.excerpt),
    )


def _network_error(origin: str, error: BaseException) -> DeliveryError:
    """Told without the text of the libraries, which names the whole URL."""
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError)):
        return DeliveryError(f"{origin}: the URL or a header cannot be sent", permanent=True)
    if isinstance(error, requests.exceptions.SSLError):
        return DeliveryError(f"{origin}: {_tls_words(error)}")
    if isinstance(error, requests.exceptions.ProxyError):
        return DeliveryError(f"{origin}: the proxy cannot be used")
    words = next(
        (cause.strerror for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror), None
    )
    return DeliveryError(f"{origin}: {words.lower() if words else 'the connection was cut'}")


def _tls_words(error: BaseException) -> str:
    found = next((c for c in _causes(error) if isinstance(c, ssl.SSLCertVerificationError)), None)
    return f"the certificate is not valid: {found.verify_message}" if found else "no TLS connection"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, outermost first."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = error.__cause__ or getattr(error, "reason", None) or inner or error.__context__
