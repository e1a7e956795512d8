"""`relay serve` as a process of its own, with a configuration that sends everything to a sink."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.sink import RETRY_PATHS
from relay.secret import Secret

SECRET = Secret("benchmark-secret")
TIMER_BRANCH = "timers"  # its events go to the places that refuse once
PLACES = 20
START_S = 60.0
STOP_S = 60.0
CONFIG = """\
version: 1
store: "{database}"
circleci:
  hooks: {{ secrets: ["{secret}"] }}
defaults:
  delivery: {{ retries: [1s] }}
notifiers:
  sink: {{ type: webhook, url: "{sink}/chat", allow_private: true }}
{places}
routes:
  - name: timers
    match: {{ branch: {timers} }}
    notify: [{names}]
    stop: true
  - notify: sink
"""


def config(database: str, sink: str) -> str:
    """The configuration file's text. Each of the places that refuse is a destination of its own."""
    names = [f"place-{number}" for number in range(PLACES)]
    places = (
        f'  {name}: {{ type: webhook, url: "{sink}{RETRY_PATHS}/{name}", allow_private: true }}'
        for name in names
    )
    return CONFIG.format(
        database=database,
        secret=SECRET.reveal(),
        sink=sink,
        places="\n".join(places),
        timers=TIMER_BRANCH,
        names=", ".join(names),
    )


class Serving:
    """A running relay."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.pid = process.pid
        self.port = port

    def connect(self) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


@contextmanager
def serving(database: str, sink: str, folder: Path) -> Iterator[Serving]:
    """Ready when given, stopped when the block ends. Log lines go to a file in the folder."""
    file, port = folder / "relay.yaml", _free_port()
    file.write_text(config(database, sink))
    arguments = ["--config", str(file), "serve", "--bind", f"127.0.0.1:{port}"]
    with (folder / "relay.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "relay", *arguments],
            stdout=log,
            stderr=log,
            env={**os.environ, "RELAY_LOG_LEVEL": "info"},
            start_new_session=True,
        )
    try:
        running = Serving(process, port)
        _wait_until_ready(running, process)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)


def _wait_until_ready(running: Serving, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while not _is_ready(running):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the relay did not start; see relay.log beside its configuration")
        time.sleep(0.05)


def _is_ready(running: Serving) -> bool:
    with suppress(OSError, HTTPException):
        connection = HTTPConnection("127.0.0.1", running.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        finally:
            connection.close()
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
