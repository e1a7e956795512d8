"""The text that the supervisor and its children share."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from relay import lastgood

READ = "from relay import lastgood; print(lastgood.text())"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The number of the shared file, which says `first`."""
    monkeypatch.setenv(lastgood.VARIABLE, "")
    lastgood.start("first")
    (number,) = lastgood.numbers()
    yield number
    os.close(number)


def test_without_a_supervisor_there_is_none() -> None:
    assert (lastgood.text(), lastgood.numbers()) == (None, [])


def test_a_child_reads_what_was_kept_last(started: int) -> None:
    lastgood.keep("second\n")

    ended = subprocess.run([sys.executable, "-c", READ], pass_fds=[started], capture_output=True, check=True)
    assert ended.stdout == b"second\n\n"


def test_what_a_child_keeps_is_everybodys(started: int) -> None:
    keep = "from relay import lastgood; lastgood.keep('of a child')"

    subprocess.run([sys.executable, "-c", keep], pass_fds=[started], check=True)

    assert lastgood.text() == "of a child"


def test_a_text_that_is_not_written_in_full_yet_is_not_read(started: int) -> None:
    os.write(started, b'"sec')

    assert lastgood.text() == "first"


def test_the_same_text_takes_no_room_again(started: int) -> None:
    before = os.fstat(started).st_size

    lastgood.keep("first")

    assert os.fstat(started).st_size == before
