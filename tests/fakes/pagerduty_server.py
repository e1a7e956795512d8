"""PagerDuty's Events API v2 on 127.0.0.1: opens and resolves incidents by their keys."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

KEY = "0123456789abcdef0123456789abcdef"
SEVERITIES = ("critical", "error", "warning", "info")


class PagerDutyServer:
    """Use it in a `with` block."""

    def __init__(self) -> None:
        self.incidents: dict[str, str] = {}  # by dedup key: "trigger" or "resolve"
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def open_incidents(self) -> list[str]:
        return [key for key, action in self.incidents.items() if action == "trigger"]

    def take(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        errors = list(_problems(event))
        if errors:
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return 400, said
        self.incidents[event["dedup_key"]] = event["event_action"]
        return 202, {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}

    def __enter__(self) -> "PagerDutyServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _problems(event: dict[str, Any]) -> Any:
    if len(event.get("routing_key", "")) != len(KEY):
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        yield "'event_action' is invalid"
    if not 0 < len(event.get("dedup_key", "")) <= 255:
        yield "'dedup_key' is too long or blank"
    alert = event.get("payload") or {}
    if event.get("event_action") == "trigger":
        if not 0 < len(alert.get("summary", "")) <= 1024:
            yield "'payload.summary' is too long or blank"
        if not alert.get("source"):
            yield "'payload.source' is missing or blank"
        if alert.get("severity") not in SEVERITIES:
            yield "'payload.severity' is invalid"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pagerduty: PagerDutyServer) -> None:
        self.pagerduty = pagerduty
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        known = self.path == "/v2/enqueue"
        status, body = self.server.pagerduty.take(said) if known else (404, {"message": "Not Found"})
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
