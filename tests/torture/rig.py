"""A relay under fire: real processes, a real sink, a sender that repeats like CircleCI, and a killer."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from tests.factories import job_completed

CONFIG = """\
version: 1
store: "{database}"
notifiers:
  sink: {{ type: webhook, url: "{sink}", allow_private: true }}
defaults:
  delivery: {{ timeout: 5s, retries: [100ms, 500ms, 1s], give_up_after: 10m }}
routes:
  - notify: sink
"""


class Sink:
    """Counts what arrives: for each event id, the delivery ids it came with."""

    def __init__(self) -> None:
        self.deliveries: dict[str, list[str]] = defaultdict(list)
        self._guard = threading.Lock()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                sink.note(self.headers["webhook-id"], [event["id"] for event in body["data"]["events"]])
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: object, client_address: object) -> None:
                return  # a killed client is what this is about

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def note(self, delivery_id: str, event_ids: list[str]) -> None:
        with self._guard:
            for event_id in event_ids:
                self.deliveries[event_id].append(delivery_id)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Serving:
    """`relay serve` as a child of the test."""

    def __init__(self, config: Path, port: int, log: Path) -> None:
        command = [sys.executable, "-m", "relay", "--config", str(config), "serve"]
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [*command, "--bind", f"127.0.0.1:{port}", "--log-level", "warning"],
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}"

    def wait_until_ready(self, longest_s: float = 30) -> None:
        wait_for(self.is_ready, longest_s, "the relay to be ready")

    def victims(self) -> list[int]:
        """Every process of the relay but the supervisor."""
        return [pid for pid in descendants(self.process.pid) if pid != self.process.pid]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def is_ready(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False


@dataclass
class Sender:
    """Posts numbered events and repeats each until the relay has taken it, as CircleCI does."""

    url: str
    name: str
    pause_s: float
    accepted: set[str] = field(default_factory=set)
    posted: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)

    def _run(self) -> None:
        number = 0
        session = requests.Session()
        while not self._stopping.is_set():
            number += 1
            self._post_until_taken(session, f"{self.name}-{number}")
            time.sleep(self.pause_s)

    def _post_until_taken(self, session: requests.Session, event_id: str) -> None:
        body = job_completed(id=event_id)
        self.posted.add(event_id)
        for _ in range(600):
            with suppress(requests.RequestException):
                reply = session.post(f"{self.url}/hooks/circleci", json=body, timeout=10)
                if reply.status_code in (200, 202):
                    self.accepted.add(event_id)
                    return
                if reply.status_code != 503:
                    self.refused.append(f"{reply.status_code} {reply.text[:200]}")
                    return
            time.sleep(0.1)


class Killer:
    """Sends SIGKILL to a random process of the relay, again and again, by its id."""

    def __init__(self, serving: Serving, chance: random.Random, pause_s: float) -> None:
        self._serving = serving
        self._chance = chance
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.kills: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(self._chance.uniform(0.3, 1.7) * self._pause_s):
            victims = self._serving.victims()
            if victims:
                victim = self._chance.choice(victims)
                role = role_of(victim)
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    self.kills.append(role)


def descendants(pid: int) -> list[int]:
    """The process and all below it, read from /proc."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                children[int(stat[1])].append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue.extend(children[found[-1]])
    return found


def role_of(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return next((word.decode() for word in words if word in (b"web", b"worker")), "?")
    return "?"


def wait_for(condition: Callable[[], bool], longest_s: float, what: str) -> None:
    deadline = time.monotonic() + longest_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {longest_s:.0f} s for {what}"
        time.sleep(0.05)
