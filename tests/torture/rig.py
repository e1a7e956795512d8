"""A relay under fire: real processes, a real sink, a sender that repeats like CircleCI, and a killer."""

import json
import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

import requests

from tests.factories import job_completed
from tests.processes import Serving, role_of

CONFIG = """\
version: 1
store: "{database}"
notifiers:
  alone: {{ type: webhook, url: "{sink}/alone", allow_private: true }}
  grouped: {{ type: webhook, url: "{sink}/grouped", allow_private: true }}
defaults:
  delivery: {{ timeout: 5s, retries: [100ms, 500ms, 1s], give_up_after: 10m }}
routes:
  - notify: alone
  - notify: grouped
    group: {{ by: [branch], wait: 200ms, max_wait: 1s }}
"""
PATHS = ("/alone", "/grouped")
BRANCHES = 20  # groups stay small enough for one message to name all their events


class Sink:
    """Counts what arrives: by path and event id, the delivery ids it came with."""

    def __init__(self) -> None:
        self.deliveries: Mapping[str, dict[str, list[str]]] = {path: defaultdict(list) for path in PATHS}
        self.largest = 0  # events in one message
        self._guard = threading.Lock()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                sink.note(self.path, self.headers["webhook-id"], body["data"])
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
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def note(self, path: str, delivery_id: str, data: Mapping[str, Any]) -> None:
        with self._guard:
            self.largest = max(self.largest, len(data["events"]) + data.get("more_events", 0))
            for event in data["events"]:
                self.deliveries[path][event["id"]].append(delivery_id)

    def has(self, event_ids: set[str]) -> bool:
        """Whether all of them have arrived everywhere."""
        with self._guard:
            return all(event_ids <= found.keys() for found in self.deliveries.values())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Sender:
    """Posts numbered events and repeats each until the relay has taken it, as CircleCI does."""

    hook: str
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
            self._post_until_taken(session, f"{self.name}-{number}", f"branch-{number % BRANCHES}")
            time.sleep(self.pause_s)

    def _post_until_taken(self, session: requests.Session, event_id: str, branch: str) -> None:
        body = job_completed(id=event_id, job_number=crc32(event_id.encode()))  # a run of its own
        body["pipeline"]["vcs"]["branch"] = branch
        self.posted.add(event_id)
        for _ in range(600):
            with suppress(requests.RequestException):
                reply = session.post(self.hook, json=body, timeout=10)
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
            victims = [pid for pid in self._serving.family() if pid != self._serving.process.pid]
            if victims:
                victim = self._chance.choice(victims)
                role = role_of(victim)
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    self.kills.append(role)
