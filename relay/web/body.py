"""Reads a request's body within bounds of size, time and memory, straight from the WSGI environment."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from http import HTTPStatus
from typing import IO, Any

from gunicorn.http.errors import ParseException

from relay.web.metrics import Result

Environ = dict[str, Any]
Patience = Callable[[], AbstractContextManager[object]]  # TimeoutError ends a block that takes too long

MIB = 1024 * 1024
BODY_LIMIT = 5 * MIB
SMALL = 64 * 1024  # bodies up to this size, which is nearly all, need no room of their own
ROOM = 48 * MIB  # for all larger bodies in one process at once
LINGER = 16 * MIB  # of a refused body read and thrown away, so that its sender gets to read the answer
STEP = 64 * 1024


class Unacceptable(Exception):
    """A request that cannot be taken. The text is safe to answer with.

    is_read: its body was read to the end, so that another request may follow on the connection.
    """

    def __init__(self, status: HTTPStatus, result: Result, text: str, *, is_read: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.result = result
        self.is_read = is_read


class Room:
    """Memory that large bodies share."""

    def __init__(self, size: int = ROOM) -> None:
        self._free = size
        self._guard = threading.Lock()

    def hold(self, size: int) -> AbstractContextManager[None]:
        """Keep room for a body while it is worked on; Unacceptable when there is none."""
        return nullcontext() if size <= SMALL else self._hold(size)

    @contextmanager
    def _hold(self, size: int) -> Iterator[None]:
        self._take(size)
        try:
            yield
        finally:
            self._take(-size)

    def _take(self, size: int) -> None:
        with self._guard:
            if size > self._free:
                text = "too many large bodies at once"
                raise Unacceptable(HTTPStatus.SERVICE_UNAVAILABLE, Result.BUSY, text)
            self._free -= size


def size_of(environ: Environ, limit: int) -> int:
    """The bytes a body may have: its declared length, or the limit when it comes in chunks."""
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding.strip().lower() != "identity":
        text = "compressed bodies are not taken: send it without Content-Encoding"
        raise Unacceptable(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, Result.CONTENT_TYPE, text)
    if _is_chunked(environ):
        return limit
    declared = environ.get("CONTENT_LENGTH") or "0"
    size = int(declared) if declared.isascii() and declared.isdigit() else limit + 1
    if size > limit:
        raise _too_large(limit)
    return size


def read_body(environ: Environ, size: int, patience: Patience) -> bytes:
    """The whole body, at most `size` bytes."""
    source: IO[bytes] = environ["wsgi.input"]
    is_chunked = _is_chunked(environ)
    try:
        with patience():
            body = source.read(size + 1 if is_chunked else size)
    except TimeoutError as error:
        text = "the body took too long to arrive"
        raise Unacceptable(HTTPStatus.REQUEST_TIMEOUT, Result.TOO_SLOW, text) from error
    except (OSError, ParseException) as error:
        raise _incomplete() from error
    if is_chunked and len(body) > size:
        raise _too_large(size)
    if not is_chunked and len(body) < size:
        raise _incomplete()
    return body


def discard(environ: Environ, patience: Patience) -> None:
    """Throw away what is left of a refused body, up to LINGER, and hang up on who sends still more.

    Without it the connection would close in the face of a sender who is still writing, who would see a
    broken pipe instead of the answer.
    """
    if not environ.get("wsgi.input_terminated"):
        return
    with suppress(OSError, ParseException), patience():
        if _is_over(environ["wsgi.input"]):
            return
    peer = environ.get("gunicorn.socket")
    if peer is not None:
        with suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)


def _is_over(source: IO[bytes]) -> bool:
    return any(not source.read(STEP) for _ in range(LINGER // STEP))


def _is_chunked(environ: Environ) -> bool:
    return "HTTP_TRANSFER_ENCODING" in environ and bool(environ.get("wsgi.input_terminated"))


def _too_large(limit: int) -> Unacceptable:
    text = f"the body is larger than {limit} bytes"
    return Unacceptable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Result.TOO_LARGE, text)


def _incomplete() -> Unacceptable:
    text = "the body ended before its announced length, or its chunks are malformed"
    return Unacceptable(HTTPStatus.BAD_REQUEST, Result.INCOMPLETE, text)
