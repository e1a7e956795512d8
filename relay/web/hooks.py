"""Takes CircleCI's webhooks: prove, peek, store, answer. Everything else about them happens later.

It is a WSGI callable in front of the Flask application, because the work Flask does for a request costs
as much again as all of this (benchmarks/accept.py measures it). Whatever goes wrong, the answer is never
a 500: a sender who can help is told what to change, any other is asked to come back.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from relay.errors import PayloadError, StoreBusy, StoreError
from relay.ids import new_id
from relay.model import EventKind
from relay.payloads import UnsupportedType, peek
from relay.store import Arrival
from relay.web.access import Access, Refused, demand, prove
from relay.web.body import BODY_LIMIT, Environ, Patience, Room, Unacceptable, discard, read_body, size_of
from relay.web.metrics import Result, Tally

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

PATH = "/hooks/circleci"
COME_BACK_S = 30  # when it is not known how long the fault lasts
CONTENT_TYPE_LIMIT = 200
PLAIN = (("Content-Type", "application/json"),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer about to be sent."""

    status: str  # "202 Accepted"
    body: bytes
    headers: tuple[tuple[str, str], ...] = PLAIN
    is_read: bool = True  # the request's body was read to its end


def _reply(
    code: HTTPStatus, said: Mapping[str, str], *headers: tuple[str, str], is_read: bool = True
) -> Reply:
    return Reply(
        status=f"{code.value} {code.phrase}",
        body=json.dumps(said).encode(),
        headers=(*PLAIN, *headers),
        is_read=is_read,
    )


ACCEPTED = "202 Accepted"
DUPLICATE = _reply(HTTPStatus.OK, {"status": "duplicate"})
PONG = _reply(HTTPStatus.OK, {"status": "ok"})
POST_ONLY = _reply(
    HTTPStatus.METHOD_NOT_ALLOWED,
    {"error": "this address takes CircleCI's webhooks by POST; enter it in the project's webhook settings"},
    ("Allow", "POST"),
    is_read=False,
)


class Hooks:
    """The endpoint. `submit` returns once the arrival is committed: True when it is new."""

    def __init__(
        self,
        *,
        access: Access,
        submit: Callable[[Arrival], bool],
        now: Callable[[], datetime],
        tally: Tally,
        limit: int = BODY_LIMIT,
        patience: Patience = nullcontext,
    ) -> None:
        self._access = access
        self._submit = submit
        self._now = now
        self._tally = tally
        self._limit = limit
        self._patience = patience
        self._room = Room()
        self._log = structlog.get_logger("relay.hooks")

    def in_front_of(self, app: "WSGIApplication") -> "WSGIApplication":
        """An application that takes the hook's paths itself and leaves all others to `app`."""

        def front(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
            token = token_in(environ.get("PATH_INFO", ""))
            if token is None:
                return app(environ, start_response)
            reply = self._answer(environ, token)
            size = ("Content-Length", str(len(reply.body)))
            start_response(reply.status, [*reply.headers, size])
            return [reply.body] if reply.is_read else _Parting(reply.body, environ, self._patience)

        return front

    def _answer(self, environ: Environ, token: bytes) -> Reply:
        if environ["REQUEST_METHOD"] != "POST":
            self._tally.count(Result.METHOD)
            return POST_ONLY
        try:
            return self._receive(environ, token)
        except Refused as error:
            return self._refuse(error.reason, HTTPStatus.UNAUTHORIZED, str(error))
        except UnsupportedType as error:
            return self._refuse(Result.CONTENT_TYPE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error))
        except PayloadError as error:
            return self._refuse(Result.PAYLOAD, HTTPStatus.BAD_REQUEST, str(error))
        except Unacceptable as error:
            return self._turn_away(error)
        except StoreError as error:
            return self._postpone(error)
        except Exception as error:  # noqa: BLE001 - the last resort: CircleCI repeats, so nothing is lost
            return self._excuse(error)

    def _receive(self, environ: Environ, token: bytes) -> Reply:
        began = time.perf_counter()
        size = size_of(environ, self._limit)
        with self._room.hold(size):
            body = read_body(environ, size, self._patience)
            reply = self._take(environ, token, body)
        self._tally.time(time.perf_counter() - began)
        return reply

    def _take(self, environ: Environ, token: bytes, body: bytes) -> Reply:
        proof = prove(self._access, body, environ.get("HTTP_CIRCLECI_SIGNATURE"), token)
        content_type = environ.get("CONTENT_TYPE", "")[:CONTENT_TYPE_LIMIT] or None
        seen = peek(body, content_type)
        demand(self._access, proof, seen.generation)
        if seen.kind is EventKind.PING:
            return self._pong()
        arrival = Arrival(
            id=new_id(),
            dedupe_key=seen.dedupe_key,
            received_at=self._now(),
            kind=seen.kind,
            generation=seen.generation,
            type=seen.type,
            source_id=seen.source_id,
            content_type=content_type,
            body=body,
        )
        return self._keep(arrival)

    def _keep(self, arrival: Arrival) -> Reply:
        if not self._submit(arrival):
            self._tally.count(Result.DUPLICATE)
            return DUPLICATE
        self._tally.count(Result.ACCEPTED)
        return Reply(status=ACCEPTED, body=b'{"id": "%s", "status": "accepted"}' % arrival.id.encode())

    def _pong(self) -> Reply:
        self._tally.count(Result.PING)
        self._log.info("CircleCI's test ping arrived")
        return PONG

    def _refuse(self, reason: str, status: HTTPStatus, text: str) -> Reply:
        self._tally.count(reason)
        self._log.warning("webhook refused", status=status.value, reason=text)
        return _reply(status, {"error": text})

    def _turn_away(self, error: Unacceptable) -> Reply:
        self._tally.count(error.result)
        self._log.warning("webhook refused", status=error.status.value, reason=str(error))
        later = [("Retry-After", str(COME_BACK_S))] if error.status == HTTPStatus.SERVICE_UNAVAILABLE else []
        return _reply(error.status, {"error": str(error)}, *later, is_read=error.is_read)

    def _postpone(self, error: StoreError) -> Reply:
        self._tally.count(Result.BUSY)
        self._log.error("webhook not stored, its sender will repeat it", reason=str(error))
        wait_s = error.retry_after if isinstance(error, StoreBusy) else COME_BACK_S
        return _later(wait_s, "the webhook could not be stored now; send it again")

    def _excuse(self, error: Exception) -> Reply:
        self._tally.count(Result.FAULT)
        self._log.error("webhook not stored because of a fault in the relay", exc_info=error)
        return _later(COME_BACK_S, "a fault in the relay; send it again")


class _Parting:
    """The body of an answer to a request whose own body is left unread."""

    def __init__(self, body: bytes, environ: Environ, patience: Patience) -> None:
        self._body = body
        self._environ = environ
        self._patience = patience

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    def close(self) -> None:
        """Called by the server when the answer has gone out."""
        discard(self._environ, self._patience)


def token_in(path: str) -> bytes | None:
    """The URL token in a path of the hook, b"" when there is none, None when it is some other path."""
    if path == PATH:
        return b""
    if path.startswith(PATH + "/"):
        return path[len(PATH) + 1 :].encode("latin-1", "replace")
    return None


def _later(wait_s: int, text: str) -> Reply:
    return _reply(HTTPStatus.SERVICE_UNAVAILABLE, {"error": text}, ("Retry-After", str(wait_s)))
