"""The relay's commands as real processes, and what the system says of them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

START_S = 60.0
STOP_S = 60.0


class Running:
    """A command with everything it started. Its output goes to a file."""

    def __init__(self, words: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
        self._log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "relay", *words],
                stdout=stream,
                stderr=stream,
                env={**os.environ, **(environ or {})},
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def family(self) -> list[int]:
        """The process and all below it."""
        return descendants(self.process.pid)

    def child(self, role: str) -> int | None:
        """The newest child in this role, `web` or `worker`."""
        return max((pid for pid in children_of(self.process.pid) if role_of(pid) == role), default=None)

    def wait_for_word(self, word: str) -> None:
        """Until it has printed this, or ended."""
        wait_for(lambda: word in self.log or self.process.poll() is not None, START_S, word)
        assert word in self.log, self.log

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def end(self) -> None:
        """Whatever state it is in, leave nothing of it."""
        family = self.family() if self.process.poll() is None else []
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not any(map(is_alive, family)), STOP_S, "the processes to end")


class Serving(Running):
    """`relay serve` on a free port."""

    def __init__(self, config: Path, log: Path, *words: str, level: str = "info") -> None:
        self.address = f"127.0.0.1:{free_port()}"
        options = ["--bind", self.address, "--log-level", level, *words]
        super().__init__(["--config", str(config), "serve", *options], log)

    @property
    def hook(self) -> str:
        return f"http://{self.address}/hooks/circleci"

    def ask(self, path: str) -> requests.Response:
        return requests.get(f"http://{self.address}{path}", timeout=10)

    def answers(self, path: str, status: int = 200) -> bool:
        with suppress(requests.RequestException):
            return self.ask(path).status_code == status
        return False

    def wait_until_ready(self) -> None:
        wait_for(lambda: self.answers("/readyz"), START_S, "the relay to be ready", lambda: self.log)


@contextmanager
def ended(*commands: Any) -> Iterator[None]:
    """Ends the commands with the block, however it ends."""
    try:
        yield
    finally:
        for command in commands:
            command.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children_of(pid: int) -> list[int]:
    return [child for child, parent in _parents().items() if parent == pid]


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    children: dict[int, list[int]] = defaultdict(list)
    for child, parent in _parents().items():
        children[parent].append(child)
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue.extend(children[found[-1]])
    return found


def _parents() -> dict[int, int]:
    """The parent of every process, read from /proc."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                found[int(entry.name)] = int(_stat(int(entry.name))[1])
    return found


def _stat(pid: int) -> list[str]:
    """State, parent and more, as proc(5) tells after the name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return _stat(pid)[0] != "Z"
    return False


def role_of(pid: int) -> str:
    """`web` or `worker`, as the supervisor's commands say; ? for another process."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return "web" if b"relay.web" in words else "worker" if b"worker" in words else "?"
    return "?"


def wait_for(
    condition: Callable[[], object], longest_s: float, what: str, more: Callable[[], str] = lambda: ""
) -> None:
    deadline = time.monotonic() + longest_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {longest_s:.0f} s for {what}\n{more()}"
        time.sleep(0.05)
