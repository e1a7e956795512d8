"""Reads the corpus: excerpts of step logs, each filed under the class an engineer would give it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
PASSING = "passing"
OWN = "first_"  # how the names of excerpts begin that the author of the catalogue wrote
HEADER = re.compile(r"#: (step|exit_code|job|status):(?: (.+))?")


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """What a step printed. `folder` is the class, or `passing`; `step` is None when none failed."""

    path: Path
    folder: str
    step: str | None
    exit_code: int | None
    job: str | None
    status: str | None
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.folder}/{self.path.stem}"


def is_held_out(path: Path) -> bool:
    """Whether the catalogue is judged by this excerpt and must not be fitted to it: about half of them.

    By the file's name alone, so that an excerpt keeps its half when it gets another class. What the author of
    the catalogue wrote (`first_…`) was never unknown to it.
    """
    if path.name.startswith(OWN):
        return False
    return hashlib.sha256(path.name.encode()).digest()[0] % 2 == 1


def read_all() -> tuple[Excerpt, ...]:
    """Every excerpt, by folder and name."""
    return tuple(read(path) for path in sorted(CORPUS.glob("*/*.log")))


def read(path: Path) -> Excerpt:
    with path.open(encoding="utf-8", newline="") as file:  # a carriage return is part of a log
        head, _, log = file.read().partition("\n\n")
    headers = dict(_headers(path, head))
    code = headers.get("exit_code")
    return Excerpt(
        path=path,
        folder=path.parent.name,
        step=headers.get("step"),
        exit_code=int(code) if code else None,
        job=headers.get("job"),
        status=headers.get("status"),
        lines=tuple(log.rstrip("\n").split("\n")),
    )


def _headers(path: Path, head: str) -> Iterator[tuple[str, str | None]]:
    for line in head.split("\n"):
        header = HEADER.fullmatch(line)
        if header is None:
            raise ValueError(f"{path.parent.name}/{path.name}: {line!r} is no header")
        yield header[1], header[2]
