"""The hidden file that a download fills before it gets its name, written by one download at a time."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def part_file(target: Path, url: str) -> Iterator[Path]:
    """Where to write what will be `target`. OSError when the folder is not there.

    What an earlier download left is continued. While another one, of any process, is busy in the same folder
    this one has a part of its own, of which nothing stays.
    """
    with _lock(target.parent) as is_alone:
        if is_alone:
            yield _part_beside(target, url)
            return
    own = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        yield own
    finally:
        own.unlink(missing_ok=True)


def _part_beside(target: Path, url: str) -> Path:
    """The name holds a digest of the address: a part is only ever continued from where it came."""
    digest = hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:16]
    return target.with_name(f".{target.name}.{digest}.part")


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Whether nobody else holds it. The system lets go of it when a process dies."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        is_ours = False
        with suppress(OSError):  # taken, or a file system without locks
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = True
        yield is_ours
    finally:
        os.close(number)
