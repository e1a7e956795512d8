"""The token: how it is sent, to whom, and how it is kept out of everything else."""

import base64
import logging
import re
from collections.abc import Callable
from enum import StrEnum
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from relay.errors import UsageError
from relay.secret import Secret

ARTIFACT_HOSTS = ".circle-artifacts.com"


class AuthForm(StrEnum):
    """How the token travels."""

    HEADER = "header"  # Circle-Token: works everywhere but v3
    BEARER = "bearer"
    BASIC = "basic"  # the token as user name, no password
    QUERY = "query"  # ?circle-token=: ends up in proxy logs; for very old installs


class TokenAuth(AuthBase):
    """Adds the token to requests for CircleCI's own hosts, and to no others.

    It sees the address as it will be asked for, after `requests` has parsed it. Passing it also keeps
    `requests` from sending what a .netrc file holds.
    """

    def __init__(self, token: Secret | None, form: AuthForm, is_ours: Callable[[str], bool]) -> None:
        self._token = token if token else None
        self._form = form
        self._is_ours = is_ours
        _check(token)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._token and request.url and self._is_ours(request.url):
            self._apply(request, self._token.reveal())
        return request

    def __repr__(self) -> str:
        return f"TokenAuth({self._form})"

    def _apply(self, request: PreparedRequest, token: str) -> None:
        match self._form:
            case AuthForm.HEADER:
                request.headers["Circle-Token"] = token
            case AuthForm.BEARER:
                request.headers["Authorization"] = f"Bearer {token}"
            case AuthForm.BASIC:
                pair = base64.b64encode(f"{token}:".encode()).decode()
                request.headers["Authorization"] = f"Basic {pair}"
            case AuthForm.QUERY:
                request.prepare_url(request.url, {"circle-token": token})


class NoAuth(AuthBase):
    """Sends nothing, and keeps `requests` from looking into a .netrc file."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class OurHosts:
    """Tells CircleCI's hosts: the API's, *.circle-artifacts.com, and those configured.

    Those are given as "host" or "host:port". Never over plain http where the API is asked over https.
    """

    def __init__(self, base_url: str, others: tuple[str, ...] = ()) -> None:
        self._base = _origin(base_url)
        self._others = {other.lower() for other in others}

    def __call__(self, url: str) -> bool:
        scheme, host, port = asked = _origin(url)
        if scheme not in {"https", self._base[0]}:
            return False
        configured = {host, f"{host}:{port}"} & self._others
        return asked == self._base or host.endswith(ARTIFACT_HOSTS) or bool(configured)


def _origin(url: str) -> tuple[str, str, int]:
    split = urlsplit(url)
    return split.scheme, split.hostname or "", split.port or (443 if split.scheme == "https" else 80)


def hide_queries(record: logging.LogRecord) -> bool:
    """A logging filter for urllib3, which writes whole paths at level DEBUG: cuts their query."""
    if isinstance(record.args, tuple):
        record.args = tuple(_without_query(arg) for arg in record.args)
    return True


def _without_query(arg: object) -> object:
    return re.sub(r"\?.*", "?***", arg) if isinstance(arg, str) else arg


def _check(token: Secret | None) -> None:
    """Header injection and copy-paste accidents are found here, where the message can leave the token out."""
    if token and not re.fullmatch(r"[!-~]+", token.reveal()):
        raise UsageError("the CircleCI token holds spaces, line ends or characters that no token has")
