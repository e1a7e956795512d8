"""`relay serve`: starts the web processes and the worker, restarts what dies, passes signals on.

`relay serve` becomes this process when it has checked everything, so that what it took to check does not
stay in memory for as long as the relay runs.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import FrameType
from typing import NoReturn

import structlog

from relay import lastgood, lifeline, logs
from relay.lifeline import Lifeline

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 30.0
LOOK_S = 0.2
STOP_S = 35.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Command:
    """A process to keep running: what to call it, and the arguments for Python."""

    name: str
    arguments: Sequence[str]


class Child:
    """One supervised process."""

    def __init__(self, command: Command, lifeline: Lifeline) -> None:
        self.name = command.name
        self._arguments = [sys.executable, *command.arguments]
        self._lifeline = lifeline
        self._pause = FIRST_PAUSE_S
        self._start_at = 0.0
        self._started = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def keep_running(self, now: float) -> None:
        """Start the process, or start it again once its pause is over; longer pauses for a hasty one."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            self._note_death(now, self.process.returncode)
        if now >= self._start_at:
            self._start(now)

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, deadline: float) -> None:
        """Wait for the end; what is not gone at the deadline is killed, and loses nothing by it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            log.warning("did not stop in time and was killed", process=self.name)
            self.process.kill()
            self.process.wait()

    def _start(self, now: float) -> None:
        environment = {**os.environ, **self._lifeline.environment()}
        fds = [self._lifeline.fd, *lastgood.numbers()]
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            self._arguments, env=environment, pass_fds=fds, start_new_session=True
        )
        self._started = now
        log.debug("started", process=self.name, pid=self.process.pid)

    def _note_death(self, now: float, status: int) -> None:
        healthy = now - self._started > HEALTHY_AFTER_S
        self._pause = FIRST_PAUSE_S if healthy else min(self._pause * 2, LONGEST_PAUSE_S)
        self._start_at = now + self._pause
        log.warning("ended and will be started again", process=self.name, status=status, pause_s=self._pause)
        self.process = None


class Supervisor:
    """Keeps its children running until SIGTERM or SIGINT; SIGHUP reaches them only if `accept_reload()`."""

    def __init__(self, commands: Sequence[Command], accept_reload: Callable[[], bool]) -> None:
        lifeline = Lifeline()
        self._children = [Child(command, lifeline) for command in commands]
        self._accept_reload = accept_reload
        self._asked: list[int] = []

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)
        while not self._stopping():
            for child in self._children:
                child.keep_running(time.monotonic())
            time.sleep(LOOK_S)
        self._stop()

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Takes no lock and logs nothing: the interrupted code may hold one."""
        self._asked.append(number)

    def _stopping(self) -> bool:
        while self._asked:
            if self._asked.pop(0) != signal.SIGHUP:
                return True
            if self._accept_reload():
                for child in self._children:
                    child.signal(signal.SIGHUP)
        return False

    def _stop(self) -> None:
        deadline = time.monotonic() + STOP_S
        for child in self._children:
            child.signal(signal.SIGTERM)
        for child in self._children:
            child.wait(deadline)


def supervise(path: str, text: str, level: str, commands: Sequence[Command]) -> NoReturn:
    """Become the supervisor of these commands, which act on the configuration `text`, read from `path`."""
    lastgood.start(text)
    told = json.dumps([asdict(command) for command in commands])
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", __name__, path, level, told])  # noqa: S606 - our own command


def main(path: str, level: str, told: str) -> None:
    lifeline.follow()
    logs.configure(level, lambda text: text)
    Supervisor([Command(**command) for command in json.loads(told)], lambda: _is_fine(path)).run()


def _is_fine(path: str) -> bool:
    """Whether the configuration can be used, and then is; the log says what is wrong with it."""
    command = [sys.executable, "-m", "relay.checking", path]
    ended = subprocess.run(  # noqa: S603 - our own command
        command, stderr=subprocess.PIPE, text=True, pass_fds=lastgood.numbers(), check=False
    )
    if ended.returncode:
        log.error("configuration refused, the old one stays", faults=ended.stderr.strip())
        return False
    log.info("configuration read again")
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
