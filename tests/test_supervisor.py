"""Real processes under the supervisor: started, started again, signalled and ended with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.relays import until


class Supervised:
    """A supervisor with two children, `one` and `two`."""

    def __init__(self, folder: Path, answer: str) -> None:
        self._folder = folder
        self._log = (folder / "log").open("wb")
        command = [sys.executable, "-m", "tests.supervised", "serve", str(folder), answer]
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        until(lambda: self.starts("one") and self.starts("two"), 30)

    def lines(self, name: str) -> list[str]:
        file = self._folder / name
        return file.read_text().splitlines() if file.exists() else []

    def starts(self, name: str) -> list[int]:
        """Process ids, in order."""
        return [int(line.split()[1]) for line in self.lines(name) if line.startswith("started")]

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()
        until(lambda: not any(map(is_alive, self.starts("one") + self.starts("two"))), 30)


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def supervised(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Supervised]:
    supervised = Supervised(tmp_path, getattr(request, "param", "accept"))
    yield supervised
    supervised.close()


def test_sigterm_ends_the_children_and_then_itself(supervised: Supervised) -> None:
    supervised.process.send_signal(signal.SIGTERM)

    assert supervised.process.wait(30) == 0
    assert (supervised.lines("one")[-1], supervised.lines("two")[-1]) == ("stopped", "stopped")


def test_a_child_that_dies_is_started_again_and_the_others_are_left_alone(supervised: Supervised) -> None:
    os.kill(supervised.starts("one")[0], signal.SIGKILL)

    until(lambda: len(supervised.starts("one")) == 2, 30)
    assert len(supervised.starts("two")) == 1
    assert "ended and will be started again" in supervised.log()


def test_an_accepted_reload_reaches_every_child(supervised: Supervised) -> None:
    supervised.process.send_signal(signal.SIGHUP)

    until(lambda: "reloaded" in supervised.lines("one") and "reloaded" in supervised.lines("two"))
    assert len(supervised.starts("one")) == 1


@pytest.mark.parametrize("supervised", ["refuse"], indirect=True)
def test_a_refused_reload_reaches_no_child(supervised: Supervised) -> None:
    supervised.process.send_signal(signal.SIGHUP)
    supervised.process.send_signal(signal.SIGTERM)

    assert supervised.process.wait(30) == 0
    assert "reloaded" not in supervised.lines("one") + supervised.lines("two")


def test_children_end_when_their_supervisor_is_killed(supervised: Supervised) -> None:
    supervised.process.kill()

    until(lambda: supervised.lines("one")[-1] == supervised.lines("two")[-1] == "stopped", 30)
