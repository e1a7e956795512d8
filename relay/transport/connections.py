"""HTTP connections that go only where they may and end in time, for `requests`."""

import http.client
import socket
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from relay.transport.addresses import Resolve, addresses_of
from relay.transport.timed import TimedSocket

POOLS = 64  # hosts whose connections are kept
POOL_SIZE = 16  # connections kept for one host


class TimedResponse(http.client.HTTPResponse):
    """An answer, headers included, that has the socket's timeout in total and not for each read."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(TimedSocket(sock) if isinstance(sock, socket.socket) else sock, *args, **options)  # type: ignore[arg-type]  # only its file is used


class Pinned:
    """Connects to an address that was checked, so that no second look-up can give another."""

    response_class = TimedResponse
    look_up: ClassVar[Resolve]
    allow_private: ClassVar[bool]
    _dns_host: str
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            return self._first_that_answers(type(self).look_up, name)
        except socket.gaierror as error:
            raise NameResolutionError(name, self, error) from error  # type: ignore[arg-type]  # it is a connection
        finally:
            self._dns_host = name

    def _first_that_answers(self, look_up: Resolve, name: str) -> socket.socket:
        last: Exception = OSError("no address")
        for address in addresses_of(name, self.port, self.allow_private, look_up):
            self._dns_host = address
            try:
                sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # urllib3's, beside this class
            except (ConnectTimeoutError, NewConnectionError) as error:
                last = error
            else:
                return sock
        raise last


class Adapter(HTTPAdapter):
    """Pools of pinned connections. Through a proxy they are only timed: the proxy looks names up."""

    def __init__(self, allow_private: bool, look_up: Resolve) -> None:
        self._allow_private, self._look_up = allow_private, look_up
        super().__init__(pool_connections=POOLS, pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        bases = {"look_up": staticmethod(self._look_up), "allow_private": self._allow_private}
        plain = type("PinnedConnection", (Pinned, HTTPConnection), bases)
        secure = type("PinnedSecureConnection", (Pinned, HTTPSConnection), bases)
        self.poolmanager.pool_classes_by_scheme = _pools(plain, secure)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        made = super().proxy_manager_for(proxy, **options)
        timed = {"response_class": TimedResponse}
        plain = type("TimedConnection", (HTTPConnection,), timed)
        secure = type("TimedSecureConnection", (HTTPSConnection,), timed)
        made.pool_classes_by_scheme = _pools(plain, secure)
        return made


def _pools(plain: type, secure: type) -> dict[str, type]:
    return {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }
