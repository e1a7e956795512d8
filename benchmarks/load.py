"""A load generator for the accept path: one process, epoll, keep-alive, loop-back only.

Every request is a signed modern event of its own. The id stands at the end of the body, so that the
signature of the long beginning is computed once and a request costs its sender a few microseconds.
"""

import hashlib
import hmac
import json
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

import click

SECRET = "benchmark"
BODY_SIZE = 10_000
STALL_S = 10.0  # no answer at all for this long ends the run
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run saw. Times are seconds."""

    rate: float
    p50: float
    p99: float
    worst: float
    answers: Mapping[str, int]  # by status code; "broken" counts connections that ended early


@dataclass(kw_only=True, slots=True)
class _Talk:
    """One connection and the request under way on it."""

    sock: socket.socket
    sent_at: float = 0.0
    unsent: bytes = b""
    is_full: bool = False  # the kernel takes no more until we are told
    received: bytearray = field(default_factory=bytearray)


def requests(path: str, tag: str, size: int = BODY_SIZE) -> Iterator[bytes]:
    """Signed requests without end; ids are unique for the tag."""
    opening = _opening(size)
    signed = hmac.new(SECRET.encode(), opening, hashlib.sha256)
    for number in range(1 << 60):
        ending = b'"id":"%s-%012d"}' % (tag.encode(), number)
        signature = signed.copy()
        signature.update(ending)
        yield _head(path, len(opening) + len(ending), signature.hexdigest()) + opening + ending


def _opening(size: int) -> bytes:
    """A workflow event up to its id, filled to the size with many small fields as real ones are."""
    event = {
        "type": "workflow-completed",
        "happened_at": "2026-01-02T03:04:05.678901Z",
        "webhook": {"id": "5f0d2f9e-0000-4000-8000-000000000001", "name": "relay"},
        "project": {"id": "5f0d2f9e-0000-4000-8000-000000000002", "name": "api", "slug": "gh/acme/api"},
        "organization": {"id": "5f0d2f9e-0000-4000-8000-000000000003", "name": "acme"},
        "workflow": {"id": "5f0d2f9e-0000-4000-8000-000000000004", "name": "build", "status": "failed"},
        "pipeline": {"id": "5f0d2f9e-0000-4000-8000-000000000005", "number": 42, "trigger_parameters": {}},
    }
    pairs: dict[str, str] = event["pipeline"]["trigger_parameters"]  # type: ignore[index]
    while len(json.dumps(event)) < size - 90:
        pairs[f"parameter_{len(pairs)}"] = "a value of a common length"
    return json.dumps(event)[:-1].encode() + b","


def _head(path: str, length: int, signature: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: CircleCI-Webhook/1.0\r\n"
        f"Content-Type: application/json\r\nCircleci-Event-Type: workflow-completed\r\n"
        f"Circleci-Signature: v1={signature}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


class Load:
    """A closed loop: each connection sends its next request when its last is answered."""

    def __init__(self, port: int, connections: int, bodies: Iterator[bytes]) -> None:
        self._bodies = bodies
        self._poll = select.epoll()
        self._talks = dict(self._connect(port) for _ in range(connections))
        self._waits: list[float] = []
        self._answers: Counter[str] = Counter()

    def _connect(self, port: int) -> tuple[int, _Talk]:
        sock = socket.create_connection(("127.0.0.1", port), timeout=STALL_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        self._poll.register(sock, select.EPOLLIN)
        return sock.fileno(), _Talk(sock=sock)

    def run(self, seconds: float) -> Outcome:
        """Send for that long, then wait for what is still under way."""
        began = time.perf_counter()
        for talk in self._talks.values():
            self._ask(talk)
        self._turn_until(began + seconds)
        took = time.perf_counter() - began
        self._close()
        return self._outcome(took)

    def _turn_until(self, end: float) -> None:
        while time.perf_counter() < end and self._talks:
            ready = self._poll.poll(STALL_S)
            if not ready:
                self._answers["stalled"] += len(self._talks)
                return
            for number, mask in ready:
                self._serve(self._talks[number], mask)

    def _serve(self, talk: _Talk, mask: int) -> None:
        if mask & select.EPOLLOUT:
            self._push(talk)
        if mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            self._read(talk)

    def _ask(self, talk: _Talk) -> None:
        talk.sent_at = time.perf_counter()
        talk.unsent = next(self._bodies)
        self._push(talk)

    def _push(self, talk: _Talk) -> None:
        try:
            sent = talk.sock.send(talk.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(talk)
            return
        talk.unsent = talk.unsent[sent:]
        if bool(talk.unsent) != talk.is_full:
            talk.is_full = bool(talk.unsent)
            self._poll.modify(talk.sock, select.EPOLLIN | (select.EPOLLOUT if talk.is_full else 0))

    def _read(self, talk: _Talk) -> None:
        try:
            part = talk.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        talk.received += part
        if not part:
            self._drop(talk)
        elif _is_whole(talk.received):
            self._take_answer(talk)

    def _take_answer(self, talk: _Talk) -> None:
        self._waits.append(time.perf_counter() - talk.sent_at)
        self._answers[talk.received[9:12].decode()] += 1
        talk.received.clear()
        self._ask(talk)

    def _drop(self, talk: _Talk) -> None:
        self._answers["broken"] += 1
        self._poll.unregister(talk.sock)
        del self._talks[talk.sock.fileno()]
        talk.sock.close()

    def _close(self) -> None:
        for talk in self._talks.values():
            talk.sock.close()
        self._poll.close()

    def _outcome(self, took: float) -> Outcome:
        waits = sorted(self._waits) or [0.0]
        return Outcome(
            rate=len(self._waits) / took,
            p50=waits[len(waits) // 2],
            p99=waits[min(len(waits) - 1, len(waits) * 99 // 100)],
            worst=waits[-1],
            answers=dict(self._answers),
        )


def _is_whole(answer: bytearray) -> bool:
    """Whether a response with a Content-Length has arrived in full."""
    head = answer.find(END_OF_HEAD)
    if head < 0:
        return False
    at = answer.lower().find(b"content-length:", 0, head)
    length = int(answer[at + 15 : answer.find(b"\r", at)]) if at > 0 else 0
    return len(answer) >= head + len(END_OF_HEAD) + length


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--path", default="/hooks/circleci")
@click.option("--connections", default=32)
@click.option("--seconds", default=5.0)
@click.option("--size", default=BODY_SIZE, help="Bytes of each body.")
def main(port: int, path: str, connections: int, seconds: float, size: int) -> None:
    """Send signed events to a relay on this machine and print what came back, as JSON."""
    bodies = requests(path, f"load-{time.time_ns():x}", size)
    print(json.dumps(asdict(Load(port, connections, bodies).run(seconds))))


if __name__ == "__main__":
    main()
