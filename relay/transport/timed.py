"""Reads from a socket until a deadline, however slowly the other side sends."""

import io
import socket
import time
from typing import Any


class TimedReader(io.RawIOBase):
    """A socket's file whose reads all share one deadline, in seconds of the monotonic clock."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)  # keeps the socket open until this is closed
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class TimedSocket:
    """Stands in for a socket where only its file is wanted."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, *_args: Any, **_options: Any) -> io.BufferedReader:
        left = self._sock.gettimeout()
        deadline = float("inf") if left is None else time.monotonic() + left
        return io.BufferedReader(TimedReader(self._sock, deadline))
