"""Sends one message over SMTP and says what came of it."""

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from relay.errors import DeliveryError
from relay.model import Answer
from relay.secret import Secret
from relay.transport.answers import excerpt
from relay.transport.timed import TimedSocket

PORTS: Mapping[str, int] = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
Refused = Mapping[str, tuple[int, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Where mail is handed in."""

    host: str
    port: int
    user: str | None
    password: Secret | None
    tls: str  # "none" | "starttls" | "from the start"

    @property
    def origin(self) -> str:
        return f"{'smtps' if self.tls == 'from the start' else 'smtp'}://{self.host}:{self.port}"


def parse_server(url: Secret) -> Server:
    """Reads `smtp://user:pass@host:587?starttls` or `smtps://…`. ValueError that names no secret."""
    problem = "wanted smtp://user:password@host:port?starttls or smtps://user:password@host"
    try:
        parts = urlsplit(url.reveal())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(problem) from None
    query = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme not in ("smtp", "smtps") or not host or query.keys() - {"starttls"}:
        raise ValueError(problem)
    is_starttls = "starttls" in query and parts.scheme == "smtp"
    kind = "smtp+starttls" if is_starttls else parts.scheme
    return Server(
        host=host,
        port=port or PORTS[kind],
        user=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
        tls={"smtps": "from the start", "smtp+starttls": "starttls"}.get(kind, "none"),
    )


class _Timed:
    """All answers of the server share one deadline, in seconds of the monotonic clock."""

    deadline: float
    file: Any
    sock: Any

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.sock.settimeout(max(self.deadline - time.monotonic(), 0.001))
            self.file = TimedSocket(self.sock).makefile("rb")
        answer: tuple[int, bytes] = super().getreply()  # type: ignore[misc]  # smtplib's, beside this class
        return answer


class _Plain(_Timed, smtplib.SMTP):
    pass


class _Secure(_Timed, smtplib.SMTP_SSL):
    pass


def send(
    server: Server, message: EmailMessage, timeout: float, context: Callable[[], ssl.SSLContext]
) -> Answer:
    """Hands the message in. `timeout`: seconds for all of it."""
    try:
        refused = _dialogue(server, message, timeout, context)
    except smtplib.SMTPRecipientsRefused as error:
        raise _all_refused(error.recipients) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(f"{server.origin}: {excerpt(str(error))}", permanent=True) from None
    except (smtplib.SMTPException, OSError) as error:
        is_late = any(
            isinstance(each, TimeoutError) for each in (error, error.__context__)
        )  # smtplib tells it as a lost connection
        words = f"no answer within {timeout:g} s" if is_late else excerpt(_words(error))
        raise DeliveryError(f"{server.origin}: {words}") from None
    return Answer(status=250, excerpt=_summary(message, refused))


def _dialogue(
    server: Server, message: EmailMessage, timeout: float, context: Callable[[], ssl.SSLContext]
) -> Refused:
    client = _client(server, timeout, context)
    try:
        client.connect(server.host, server.port)
        if server.tls == "starttls":
            client.starttls(context=context())
        if server.user is not None:
            client.login(server.user, server.password.reveal() if server.password else "")
        refused = client.send_message(message)
        _part(client)
    finally:
        client.close()
    return refused


def _client(server: Server, timeout: float, context: Callable[[], ssl.SSLContext]) -> smtplib.SMTP:
    name = socket.gethostname()
    client: _Plain | _Secure
    if server.tls == "from the start":
        client = _Secure(timeout=timeout, local_hostname=name, context=context())
    else:
        client = _Plain(timeout=timeout, local_hostname=name)
    client._host = server.host  # type: ignore[union-attr]  # the name TLS checks; smtplib sets it only when it connects by itself
    client.deadline = time.monotonic() + timeout
    return client


def _part(client: smtplib.SMTP) -> None:
    """Says goodbye; the message is handed in, whatever the answer."""
    try:
        client.quit()
    except (smtplib.SMTPException, OSError):
        return


def _all_refused(recipients: Refused) -> DeliveryError:
    """One address that may be accepted later is worth another try."""
    address, (code, text) = max(recipients.items(), key=lambda item: item[1][0] < 500)
    error = _refused(code, text)
    said = excerpt(_each(recipients)) if len(recipients) > 1 else error.excerpt
    return DeliveryError(f"{error} ({address})", permanent=error.permanent, status=code, excerpt=said)


def _refused(code: int, text: bytes | str) -> DeliveryError:
    """4xx may pass, 5xx will not (RFC 5321, 4.2.1); a code of -1 is an answer that made no sense."""
    said = excerpt(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
    return DeliveryError(f"SMTP {code}: {said}", permanent=code >= 500, status=code, excerpt=said)


def _summary(message: EmailMessage, refused: Refused) -> str:
    if not refused:
        return ""
    return excerpt(f"not accepted for {len(refused)} of {_recipients(message)} recipients: {_each(refused)}")


def _each(refused: Refused) -> str:
    """What the server said to each address."""
    return "; ".join(
        f"{address}: {code} {text.decode('utf-8', 'replace')}" for address, (code, text) in refused.items()
    )


def _recipients(message: EmailMessage) -> int:
    return sum(len(header.addresses) for name in ("To", "Cc") for header in message.get_all(name, []))


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
