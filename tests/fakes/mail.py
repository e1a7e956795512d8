"""A mail server on 127.0.0.1: keeps what it is sent and refuses as it was told."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.fakes.tls import client_context, server_context


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One message as it was handed in."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


class MailServer:
    """Use it in a `with` block.

    refuse: what to answer for a recipient, such as {"bob@example.com": "550 unknown"}.
    at_data: what to answer to the message itself. login: the user and password it wants.
    tls: "none", "starttls" or "from the start".
    """

    def __init__(
        self,
        *,
        refuse: Mapping[str, str] | None = None,
        at_data: str = "250 OK",
        login: tuple[str, str] | None = None,
        tls: str = "none",
    ) -> None:
        self.mails: list[Mail] = []
        self.refuse = dict(refuse or {})
        self.at_data = at_data
        self._login = login
        self._tls = tls
        self._controller = _Controller(self, hostname="127.0.0.1", port=0, **self._options())

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self._login is not None:
            options |= {"authenticator": self._authenticate, "auth_require_tls": False}
        if self._tls == "starttls":
            options |= {"tls_context": server_context(), "require_starttls": True}
        elif self._tls == "from the start":
            options |= {"ssl_context": server_context()}
        return options

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
        user, password = self._login or ("", "")
        is_right = (given.login, given.password) == (user.encode(), password.encode())
        return AuthResult(success=is_right, handled=is_right)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 – named so by aiosmtpd
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(
            Mail(sender=envelope.mail_from, recipients=tuple(envelope.rcpt_tos), content=envelope.content)
        )
        return self.at_data

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


class _Controller(Controller):  # type: ignore[misc]  # aiosmtpd has no types
    """Learns its port once it listens."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        with socket.create_connection((self.hostname, self.port)) as client:
            secured = self.ssl_context and client_context().wrap_socket(client, server_hostname="localhost")
            (secured or client).recv(1)
            if secured:
                secured.close()

    def factory(self) -> Any:
        return SMTP(self.handler, hostname="mail.example.com", **self.SMTP_kwargs)
