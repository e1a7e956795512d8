"""GitHub's REST API on 127.0.0.1, as far as statuses and comments go."""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "github_pat_not-a-real-token"
MOST_STATUSES = 1000
Answer = tuple[int, Any]


@dataclass(kw_only=True)
class Comment:
    """A comment as it is kept. `filler`: how many characters GitHub tells about it beside its text."""

    id: int
    place: str  # "acme/api#12"
    body: str
    filler: int = 2000

    def shown(self) -> dict[str, Any]:
        return {"url": "x" * self.filler, "id": self.id, "user": {"id": 7, "login": "ci"}, "body": self.body}


@dataclass
class GitHub:
    """Use it in a `with` block. What it keeps may be looked at and changed."""

    comments: list[Comment] = field(default_factory=list)
    statuses: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)  # repository, sha, status
    calls: list[str] = field(default_factory=list)  # "PATCH /repos/acme/api/issues/comments/1"

    def __post_init__(self) -> None:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def add(self, place: str, body: str, **more: Any) -> Comment:
        made = Comment(id=len(self.comments) + 101, place=place, body=body, **more)
        self.comments.append(made)
        return made

    def bodies(self, place: str) -> list[str]:
        return [each.body for each in self.comments if each.place == place]

    def __enter__(self) -> "GitHub":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def list_comments(self, repository: str, number: str, query: str) -> Answer:
        asked = {name: int(values[0]) for name, values in parse_qs(query).items()}
        size, page = asked["per_page"], asked["page"]
        kept = [each.shown() for each in self.comments if each.place == f"{repository}#{number}"]
        return 200, kept[(page - 1) * size : page * size]

    def create_comment(self, repository: str, number: str, body: dict[str, Any]) -> Answer:
        return 201, self.add(f"{repository}#{number}", body["body"]).shown()

    def show_comment(self, repository: str, id: str, query: str) -> Answer:
        for each in self.comments:
            if each.id == int(id) and each.place.startswith(f"{repository}#"):
                return 200, each.shown()
        return 404, {"message": "Not Found"}

    def edit_comment(self, repository: str, id: str, body: dict[str, Any]) -> Answer:
        for each in self.comments:
            if each.id == int(id) and each.place.startswith(f"{repository}#"):
                each.body = body["body"]
                return 200, each.shown()
        return 404, {"message": "Not Found"}

    def create_status(self, repository: str, sha: str, status: dict[str, Any]) -> Answer:
        kept = [
            s for r, c, s in self.statuses if (r, c, s["context"]) == (repository, sha, status["context"])
        ]
        if len(kept) >= MOST_STATUSES:
            return 422, _invalid("This SHA and context has reached the maximum number of statuses.")
        if len(status["description"]) > 140:
            return 422, _invalid("description is too long (maximum is 140 characters)")
        if any(ord(each) > 0xFFFF for each in status["description"] + status["context"]):
            return 422, _invalid("description doesn't accept 4-byte Unicode")
        self.statuses.append((repository, sha, status))
        return 201, {"id": len(self.statuses), **status}


def _invalid(message: str) -> dict[str, Any]:
    error = {"resource": "Status", "code": "custom", "message": message}
    return {"message": "Validation Failed", "errors": [error], "documentation_url": "https://docs.github.com"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, github: GitHub) -> None:
        self.github = github
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        said = json.loads(self.rfile.read(size)) if size else None
        self.server.github.calls.append(f"{self.command} {self.path}")
        status, body = self._result(said)
        content = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _result(self, said: Any) -> Answer:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        github, path = self.server.github, urlsplit(self.path)
        own: dict[str, Callable[..., Answer]] = {
            r"GET /repos/(\w+/\w+)/issues/(\d+)/comments": github.list_comments,
            r"POST /repos/(\w+/\w+)/issues/(\d+)/comments": github.create_comment,
            r"GET /repos/(\w+/\w+)/issues/comments/(\d+)": github.show_comment,
            r"PATCH /repos/(\w+/\w+)/issues/comments/(\d+)": github.edit_comment,
            r"POST /repos/(\w+/\w+)/statuses/(\w{40})": github.create_status,
        }
        for pattern, answer in own.items():
            if found := re.fullmatch(pattern, f"{self.command} {path.path}"):
                return answer(*found.groups(), path.query if said is None else said)
        return 404, {"message": "Not Found"}

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 – names of the standard library

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
