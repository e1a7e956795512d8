"""The gunicorn worker of the web processes: gevent's, with two manners added.

It leaves new connections to a process that holds fewer, and when it has to stop it hangs up on connections
on which nothing is asked.
"""

import mmap
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

MOST_PROCESSES = 64
NUMBER = 8  # bytes of a counter
NOBODY = -1  # in the place of a process that is not there
SLACK = 2  # connections a process may hold more than the one with fewest
DECLINE_S = 0.001
GRACE_S = 1.0  # a connection silent for so long is hung up on at the end; a request may be on its way before
LOOK_S = 0.1
MOST_DECLINES = 10  # in a row; whoever has fewer may be too busy to come


class Seats:
    """How many connections each web process holds, in memory they share. Make it before they are forked."""

    def __init__(self) -> None:
        self._held = memoryview(mmap.mmap(-1, MOST_PROCESSES * NUMBER)).cast("q")
        for number in range(MOST_PROCESSES):
            self._held[number] = NOBODY

    def open(self, number: int) -> None:
        self._held[number] = 0

    def close(self, number: int) -> None:
        self._held[number] = NOBODY

    def add(self, number: int, more: int) -> None:
        self._held[number] += more

    def has_too_many(self, number: int) -> bool:
        """Whether some other process holds so many fewer that the next connection should be its."""
        fewest = min(held for held in self._held if held != NOBODY)
        return self._held[number] > fewest + SLACK


class FairWorker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """Left alone, the process that wakes up first takes every connection of a burst, and one core idles."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: dict[Any, float] = {}  # since when, by time.monotonic()
        self._seats: Seats = self.app.seats
        self.seat = 0  # which process this is; set before the fork

    def server_class(self, listener: Any, *, spawn: Any, **_: Any) -> StreamServer:
        """Called by gunicorn to make the server of a listening socket."""
        return _FairServer(listener, partial(self.handle, listener), spawn, self)

    def has_too_many(self) -> bool:
        return self._seats.has_too_many(self.seat)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        self._seats.add(self.seat, 1)
        self._idle[client] = time.monotonic()
        super().handle(listener, client, addr)
        self._idle.pop(client, None)
        self._seats.add(self.seat, -1)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        self._idle.pop(sock, None)
        super().handle_request(listener_name, req, sock, addr)
        self._idle[sock] = time.monotonic()

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn(self._keep_hanging_up)

    def _keep_hanging_up(self) -> None:
        """Until the process ends: some connections come, and some fall idle, after it was told to."""
        gevent.sleep(GRACE_S)
        while True:
            silent_since = time.monotonic() - GRACE_S
            for peer in [peer for peer, since in self._idle.items() if since <= silent_since]:
                self._hang_up(peer)
            gevent.sleep(LOOK_S)

    def _hang_up(self, peer: Any) -> None:
        del self._idle[peer]
        # Through a second descriptor: gevent would raise in the greenlet that reads from this one.
        with suppress(OSError), peer.dup() as same:
            same.shutdown(socket.SHUT_RDWR)


class _FairServer(StreamServer):  # type: ignore[misc]  # gevent has no types
    """Accepts one connection at a time, and none while another process should have it."""

    max_accept = 1

    def __init__(self, listener: Any, handle: Any, spawn: Any, worker: FairWorker) -> None:
        super().__init__(listener, handle=handle, spawn=spawn)
        self._worker = worker
        self._declines = 0

    def do_read(self) -> Any:
        """The next connection, or None to let it wait for somebody else."""
        if self._declines < MOST_DECLINES and self._worker.has_too_many():
            self._declines += 1
            self._come_back()
            return None
        self._declines = 0
        return super().do_read()

    def _come_back(self) -> None:
        self.stop_accepting()
        self._timer = self.loop.timer(DECLINE_S)
        self._timer.start(self._start_accepting_if_started)
