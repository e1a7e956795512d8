"""A chat service on 127.0.0.1: records what it is sent and answers as it was told."""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.fakes.tls import server_context


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    connection: int = 0  # the client's port: the same for requests on one connection

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Play:
    """One answer. `wait`: seconds before it. `drip`: seconds between its bytes. `cut`: hang up instead."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    wait: float = 0.0
    drip: float = 0.0
    cut: bool = False


class Sink:
    """Answers `plays` in order, then `default` for ever. Use it in a `with` block."""

    def __init__(
        self,
        *plays: Play,
        default: Play | Callable[[Request], Play] = Play(),
        secure: bool = False,
    ) -> None:
        self.requests: list[Request] = []
        self.plays = deque(plays)
        self._default = default
        self._stopping = threading.Event()
        self._server = _Server(self)
        if secure:
            self._server.socket = server_context().wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def port(self) -> int:
        return self._server.server_port

    def answer_to(self, request: Request) -> Play:
        """What comes next."""
        if self.plays:
            return self.plays.popleft()
        return self._default(request) if callable(self._default) else self._default

    def wait(self, seconds: float) -> None:
        """Sleeps, but not past the end of the test."""
        self._stopping.wait(seconds)

    def release(self) -> None:
        """From now on nothing waits, and what did goes on."""
        self._stopping.set()

    def __enter__(self) -> "Sink":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Ends the connections that clients keep open."""
        for each in tuple(self._open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        sink = self.server.sink
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            method=self.command,
            path=self.path,
            headers=dict(self.headers.items()),
            body=body,
            connection=self.client_address[1],
        )
        sink.requests.append(request)
        play = sink.answer_to(request)
        sink.wait(play.wait)
        if play.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(play)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET = _answer  # noqa: N815 – names of the standard library

    def _send(self, play: Play) -> None:
        headers = {"Content-Length": str(len(play.body)), **play.headers}
        head = f"HTTP/1.1 {play.status} Scripted\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        whole = head.encode() + b"\r\n" + play.body
        if not play.drip:
            self.wfile.write(whole)
            return
        for index in range(len(whole)):
            self.wfile.write(whole[index : index + 1])
            self.server.sink.wait(play.drip)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def elapsed_since(start: float) -> float:
    """Seconds since a reading of time.monotonic()."""
    return time.monotonic() - start
