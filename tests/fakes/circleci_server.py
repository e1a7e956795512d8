"""A scripted CircleCI that speaks real HTTP on 127.0.0.1, and a second host that keeps the files.

    with CircleCIServer() as server:
        project = server.world.add_project("gh/acme/api")
        server.world.add_build(project, 1)
        server.script("POST", "/retry$", lost())          # the next such call is carried out, its answer lost
        client = CircleCI(Http(server.connection()))
        ...
        assert [ask.path for ask in server.requests] == [...]

Calls without a script get the documented answers of `circleci_routes`, from the state in `server.world`.
The second host is `localhost` on another port: for a client another host than 127.0.0.1.
"""

import base64
import json
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from relay.circleci.connection import Connection
from relay.secret import Secret
from tests.fakes.circleci_routes import (
    ENDING,
    NOT_ON_SERVER,
    SUNSET,
    Ask,
    Given,
    Refusal,
    find,
    not_found_page,
)
from tests.fakes.circleci_world import FakeProject, World

PERSONAL, PROJECT = "personal-token-of-alice", "token-of-one-project"
HOLD_S = 60.0  # at most, for what is held back
SHORT = {"github": "gh", "bitbucket": "bb"}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A request as it came. `path` is undecoded and includes the query; `host` is "api" or "files"."""

    host: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int = 0  # the client's port: the same for requests over one connection
    at: float = 0.0  # when it came, by time.monotonic

    @property
    def token(self) -> str | None:
        """The token, in whatever form it was sent."""
        query = dict(parse_qsl(urlsplit(self.path).query))
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            value = base64.b64decode(value).decode().partition(":")[0]
        return self.headers.get("Circle-Token") or query.get("circle-token") or value or None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Ending(Enum):
    """How an exchange ends."""

    WHOLE = "whole"
    LOST = "lost"  # the connection is closed without an answer
    CUT = "cut"  # … after half of the body


@dataclass(frozen=True, kw_only=True)
class Script:
    """What happens instead of the plain answer. With `performs` the call is carried out first."""

    answer: Given | None = None
    performs: bool = False
    ending: Ending = Ending.WHOLE
    delay: float = 0.0  # seconds before the answer
    drip: float = 0.0  # seconds between two bytes of the body
    until: threading.Event | None = None  # nothing more happens before it is set
    halfway: threading.Event | None = None  # the second half of the body waits for it


def says(status: int, body: Any = None, **headers: str) -> Script:
    """Answers with this and does nothing; `Retry_After="1"` is a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Script(answer=Given(status=status, body=body, headers=named))


def page(status: int, text: bytes = b"<html><body>Bad gateway</body></html>") -> Script:
    """Answers with HTML."""
    return Script(answer=Given(status=status, body=text, content_type="text/html"))


def redirect(location: str, status: int = 302) -> Script:
    return says(status, b"", Location=location)


def lost() -> Script:
    """Carries the call out, then closes the connection without an answer."""
    return Script(performs=True, ending=Ending.LOST)


def dropped() -> Script:
    """Closes the connection; nothing is done."""
    return Script(ending=Ending.LOST)


def cut() -> Script:
    """Carries the call out and stops in the middle of the answer."""
    return Script(performs=True, ending=Ending.CUT)


def slow(seconds: float) -> Script:
    return Script(performs=True, delay=seconds)


def held(until: threading.Event) -> Script:
    """Carries the call out and keeps the answer back until then."""
    return Script(performs=True, until=until)


def stuck(until: threading.Event) -> Script:
    """Keeps the call itself back until then, and then closes the connection; nothing is done."""
    return Script(ending=Ending.LOST, until=until)


def paused(until: threading.Event) -> Script:
    """Sends one half of the body, and the other then."""
    return Script(performs=True, halfway=until)


def dripping(seconds: float) -> Script:
    """Sends the body byte by byte."""
    return Script(performs=True, drip=seconds)


@dataclass
class _Awaited:
    method: str
    pattern: str
    script: Script
    times: int


@dataclass
class CircleCIServer:
    """Start it with `with`. Thread-safe enough for tests: one lock around the world."""

    world: World = field(default_factory=World)
    tokens: dict[str, bool] = field(default_factory=lambda: {PERSONAL: True, PROJECT: False})
    requests: list[Recorded] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)  # sent with every answer of the API
    _awaited: list[_Awaited] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._api = _listen(self, "api")
        self._files = _listen(self, "files")
        self.url = self.world.api_url = f"http://127.0.0.1:{self._api.server_port}"
        self.files_url = self.world.files_url = f"http://localhost:{self._files.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        for listener in (self._api, self._files):
            listener.shutdown()
            listener.server_close()

    def connection(self, token: str | None = PERSONAL, **changes: Any) -> Connection:
        """Settings that lead here."""
        secret = Secret(token) if token is not None else None
        return replace(Connection(base_url=self.url, token=secret), **changes)

    @property
    def connections(self) -> int:
        """How many clients are connected to the API just now."""
        return len(self._api.connected)

    def script(self, method: str, pattern: str, script: Script, *, times: int = 1) -> None:
        """The next `times` requests whose method and path (with query) fit get this instead."""
        self._awaited.append(_Awaited(method, pattern, script, times))

    def asked(self, method: str, pattern: str = "") -> list[Recorded]:
        """The requests so far that fit."""
        return [r for r in self.requests if r.method == method and re.search(pattern, r.path)]

    def take(self, request: Recorded) -> tuple[Given, Script]:
        """Records the request and decides the answer."""
        with self._lock:
            self.requests.append(request)
            script = self._next_script(request)
            performs = script.performs or (script.answer is None and script.ending is Ending.WHOLE)
            given = self._answer(request) if performs else Given(body=b"")
        return script.answer or given, script

    def _next_script(self, request: Recorded) -> Script:
        for awaited in self._awaited:
            fits = awaited.method == request.method and re.search(awaited.pattern, request.path)
            if awaited.times and fits:
                awaited.times -= 1
                return awaited.script
        return Script()

    def _answer(self, request: Recorded) -> Given:
        if request.host == "files":
            return self._file(request)
        try:
            given = self._endpoint(request)
        except Refusal as refusal:
            given = refusal.given
        return replace(given, headers={**self.headers, **given.headers})

    def _endpoint(self, request: Recorded) -> Given:
        split = urlsplit(request.path)
        if split.path.startswith("/output/"):
            return self._stored(request, split.path)
        found = re.fullmatch(r"/api/(v1|v1\.1|v2)(/.*)", split.path)
        if found is None or (found[1] == "v2" and self.world.no_v2):
            return not_found_page()
        if "//" in split.path or split.path.endswith("/"):
            return Given(status=302, body=b"")
        return self._call(request, found[1], found[2], dict(parse_qsl(split.query)))

    def _call(self, request: Recorded, version: str, path: str, query: dict[str, str]) -> Given:
        found = find(request.method, version, path)
        if found is None:
            return not_found_page()
        endpoint, pieces, route = found
        self._check_token(request, version, route)
        ending = version != "v2" and request.method == "POST" and route in ENDING
        if ending and self.world.gone:
            raise Refusal(410, "This endpoint has been removed.")
        if version != "v2" and self.world.self_hosted and route in NOT_ON_SERVER:
            return not_found_page()
        ask = self._ask(request, version, pieces, query)
        given = endpoint(ask)
        given = replace(given, headers={**given.headers, **SUNSET}) if ending else given
        return _as_edn(given) if version != "v2" and not request.headers.get("Accept") else given

    def _ask(self, request: Recorded, version: str, pieces: dict[str, str], query: dict[str, str]) -> Ask:
        parts = {name: unquote(piece) for name, piece in pieces.items()}
        project = self._project(version, parts["project"]) if "project" in parts else None
        if project and "number" in parts and int(parts["number"]) not in project.builds:
            raise Refusal(404, "Job not found" if version == "v2" else "Build not found")
        return Ask(
            world=self.world,
            version=version,
            parts=parts,
            query=query,
            body=_body(request),
            known_project=project,
        )

    def _project(self, version: str, named: str) -> FakeProject:
        vcs, _, rest = named.partition("/")
        slug = f"gh/{named}" if version == "v1" else f"{SHORT.get(vcs, vcs)}/{rest}"
        if slug not in self.world.projects:
            raise Refusal(404, "Project not found")
        return self.world.projects[slug]

    def _check_token(self, request: Recorded, version: str, route: str) -> None:
        is_personal = self.tokens.get(request.token or "")
        if is_personal is None or (not is_personal and route == "/me" and version != "v2"):
            raise Refusal(401, "You must log in first" + ("" if version == "v2" else "."))
        if version == "v2" and not is_personal:
            raise Refusal(404, "Job not found" if "/job/" in route else "Project not found")

    def _stored(self, request: Recorded, path: str) -> Given:
        """An artifact's address: asks for the token, then leads to the other host."""
        if self.tokens.get(request.token or "") is None:
            raise Refusal(401, "You must log in first.")
        location = f"{self.files_url}{path.removeprefix('/output')}?X-Signature=presigned"
        return Given(status=302, body=b"", headers={"Location": location})

    def _file(self, request: Recorded) -> Given:
        """Like cloud storage: presigned, refuses a second authentication, knows ranges."""
        file = self.world.files.get(urlsplit(request.path).path)
        if file is None:
            return _storage_error(404, "NoSuchKey")
        if request.token is not None:
            return _storage_error(400, "Only one auth mechanism allowed")
        if file.allows <= 0:
            return _storage_error(403, "Request has expired")
        file.allows -= 1
        found = re.fullmatch(r"bytes=([0-9]+)-", request.headers.get("Range", ""))
        binary = "application/octet-stream"
        if not found or not file.ranges:
            return Given(body=file.content, content_type=binary)
        start, size = int(found[1]), len(file.content)
        if start >= size:
            return Given(status=416, body=b"", headers={"Content-Range": f"bytes */{size}"})
        extent = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return Given(status=206, body=file.content[start:], headers=extent, content_type=binary)


def _storage_error(status: int, code: str) -> Given:
    body = f'<?xml version="1.0"?><Error><Message>{code}</Message></Error>'.encode()
    return Given(status=status, body=body, content_type="application/xml")


def _body(request: Recorded) -> Any:
    if "form-urlencoded" in request.headers.get("Content-Type", ""):
        return dict(parse_qsl(request.body.decode()))
    return json.loads(request.body) if request.body else None


def _as_edn(given: Given) -> Given:
    """Clojure's notation, which a client gets that does not say what it accepts."""
    return replace(given, body=b'{:login "alice"}', content_type="application/edn")


def _listen(owner: CircleCIServer, host: str) -> "_Listener":
    handler = type("Handler", (_Handler,), {"owner": owner, "host": host})
    listener = _Listener(("127.0.0.1", 0), handler)
    threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return listener


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self.connected: set[object] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connected.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.connected.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is part of the game; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the stub wants a socket


class _Handler(BaseHTTPRequestHandler):
    owner: CircleCIServer
    host: str
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._exchange()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""

    def _exchange(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Recorded(
            host=self.host,
            method=self.command,
            path=self.path,
            headers=dict(self.headers),
            body=body,
            connection=self.client_address[1],
            at=time.monotonic(),
        )
        given, script = self.owner.take(request)
        time.sleep(script.delay)
        if script.until is not None:
            script.until.wait(HOLD_S)
        if script.ending is Ending.LOST:
            self.close_connection = True
            return
        try:
            self._send(given, script)
        except OSError:
            self.close_connection = True  # the client did not wait

    def _send(self, given: Given, script: Script) -> None:
        content = given.encoded()
        self.send_response(given.status)
        for name, value in {"Content-Type": given.content_type, **given.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if script.ending is Ending.CUT:
            content = content[: len(content) // 2]
            self.close_connection = True
        if script.halfway is not None:
            half = len(content) // 2
            self.wfile.write(content[:half])
            script.halfway.wait(HOLD_S)
            content = content[half:]
        if not script.drip:
            self.wfile.write(content)
            return
        for byte in content:
            self.wfile.write(bytes([byte]))
            time.sleep(script.drip)
