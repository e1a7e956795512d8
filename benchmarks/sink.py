"""A chat service on 127.0.0.1 that notes when each message arrives."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

RETRY_PATHS = "/retry"  # refused the first time, so that the relay has to try again
REFUSAL = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
CONSENT = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One request. `at` counts as time.time() does."""

    delivery: str
    event: str
    at: float


class Sink:
    """Remembers the arrivals of every delivery, in order."""

    def __init__(self) -> None:
        self._seen: dict[str, list[Arrival]] = {}
        self._changed = threading.Condition()
        self._server = _server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def note(self, arrival: Arrival) -> int:
        """How often this delivery has come now."""
        with self._changed:
            tries = self._seen.setdefault(arrival.delivery, [])
            tries.append(arrival)
            self._changed.notify_all()
            return len(tries)

    def wait(self, deliveries: int, tries: int, timeout_s: float) -> None:
        """Until so many deliveries have come so often each; TimeoutError otherwise."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._complete(tries) >= deliveries, timeout_s):
                raise TimeoutError(f"{self._complete(tries)} of {deliveries} deliveries arrived")

    def take(self) -> Mapping[str, tuple[Arrival, ...]]:
        """Everything that has come since the last time, by delivery."""
        with self._changed:
            seen, self._seen = self._seen, {}
        return {delivery: tuple(arrivals) for delivery, arrivals in seen.items()}

    def _complete(self, tries: int) -> int:
        return sum(len(arrivals) >= tries for arrivals in self._seen.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _server(sink: Sink) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            at = time.time()
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            event = said["data"]["events"][0]["id"]
            tries = sink.note(Arrival(delivery=self.headers["webhook-id"], event=event, at=at))
            is_refused = tries == 1 and self.path.startswith(RETRY_PATHS)
            self.wfile.write(REFUSAL if is_refused else CONSENT)

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    return Server(("127.0.0.1", 0), Handler)
