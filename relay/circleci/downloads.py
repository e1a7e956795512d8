"""Artifacts to disk: streamed, within limits, resumed where possible, never half under their name."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from relay.circleci.connection import MEGABYTE
from relay.circleci.errors import (
    CircleCIError,
    Forbidden,
    Gone,
    NotFound,
    NotSaved,
    Redirected,
    Refused,
    TooLarge,
    Unreachable,
)
from relay.circleci.http import Http
from relay.circleci.partfiles import part_file
from relay.circleci.places import make_folder, places
from relay.circleci.types.results import Artifact
from relay.circleci.wire import Answer

PARTIAL, NOT_SATISFIABLE = 206, 416
_ABOUT_THE_FILE = (Forbidden, NotFound, Gone, Refused, Redirected, TooLarge, NotSaved)
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")

Progress = Callable[[int, int | None], None]  # bytes of this file so far, and all of them if known


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What is taken at most in one go."""

    files: int = 1000
    total: int = 1024 * MEGABYTE  # bytes
    one_file: int = 512 * MEGABYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """An artifact that is on disk. `path` is relative to the folder asked for."""

    artifact: Artifact
    path: PurePosixPath
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """An artifact that is not, and why."""

    artifact: Artifact
    why: str


def download(
    http: Http,
    artifacts: Sequence[Artifact],
    folder: Path,
    *,
    limits: Limits = Limits(),
    progress: Callable[[Artifact], Progress] | None = None,
) -> Iterator[Saved | Left]:
    """Saves artifacts below `folder`, one after the other. What is too large, missing or unsafe is Left.

    Raises CircleCIError when CircleCI cannot be reached or refuses the token; what came of the file so far
    stays in a hidden .part file, from where the next download of the same address goes on.
    """
    _make(folder)
    spent = 0
    for number, (artifact, path) in enumerate(places(artifacts)):
        most = min(limits.one_file, limits.total - spent)
        if number >= limits.files or most <= 0:
            why = f"over the limit of {limits.files} files" if most > 0 else "the limit of bytes is used up"
            yield Left(artifact=artifact, why=why)
            continue
        result = _saved_or_left(http, artifact, folder, path, most, progress and progress(artifact))
        spent += result.size if isinstance(result, Saved) else 0
        yield result


def save(http: Http, url: str, target: Path, *, most: int, progress: Progress | None = None) -> int:
    """One file to `target`; its size. Raises TooLarge past `most` bytes, NotSaved, or CircleCIError."""
    try:
        with part_file(target, url) as part:
            _fetch_patiently(http, url, part, most, progress or _no_progress)
            part.replace(target)
            return target.stat().st_size
    except OSError as error:
        raise NotSaved(f"{target.name!r} cannot be written: {error.strerror}") from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotSaved(f"{str(folder)!r} cannot be made: {error.strerror}") from error


def _saved_or_left(
    http: Http, artifact: Artifact, folder: Path, path: PurePosixPath, most: int, progress: Progress | None
) -> Saved | Left:
    if not artifact.url:
        return Left(artifact=artifact, why="CircleCI gave no address for it")
    try:
        target = make_folder(folder, path.parent) / path.name
        size = save(http, artifact.url, target, most=most, progress=progress)
        return Saved(artifact=artifact, path=path, size=size)
    except CircleCIError as error:
        if not isinstance(error, _ABOUT_THE_FILE) and not getattr(error, "lasting", False):
            raise
        return Left(artifact=artifact, why=str(error))


def _fetch_patiently(http: Http, url: str, part: Path, most: int, progress: Progress) -> None:
    """Until all of it is in the part file. What is there already is not fetched again."""
    until, tries = http.end_of_download(), 0
    while True:
        tries += 1
        try:
            return _fetch(http, url, part, most, progress, until)
        except TooLarge:
            part.unlink(missing_ok=True)
            raise
        except CircleCIError as error:
            if error.status == NOT_SATISFIABLE and part.exists():
                part.unlink()
            elif not http.pause_before_repeat(url, error, tries, until):
                raise


def _fetch(http: Http, url: str, part: Path, most: int, progress: Progress, until: float) -> None:
    have = part.stat().st_size if part.is_file() and not part.is_symlink() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with http.fetch(url, token=True, until=until, headers=headers) as answer:
        start, total = _extent(answer)
        if start not in {0, have}:
            part.unlink(missing_ok=True)
            raise Unreachable("another part of the file came than was asked for")
        if total is not None and total > most:
            raise TooLarge(f"{total} bytes are more than the {most} allowed")
        size = _write(part, answer.chunks, start, most, lambda done: progress(done, total))
    if total is not None and size != total:
        part.unlink()
        raise Unreachable("the parts of the file do not make the whole")


def _extent(answer: Answer) -> tuple[int, int | None]:
    """Where what comes starts, and the whole file's size if that was said."""
    if answer.status == PARTIAL:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        return (int(found[1]), int(found[2]) if found[2] != "*" else None) if found else (-1, None)
    length = answer.headers.get("Content-Length", "")
    is_size = re.fullmatch("[0-9]{1,18}", length) and "Content-Encoding" not in answer.headers
    return 0, int(length) if is_size else None


def _write(
    part: Path, chunks: Iterator[bytes], start: int, most: int, progress: Callable[[int], None]
) -> int:
    """Its size afterwards. Links are not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_APPEND if start else os.O_TRUNC)
    size = start
    with os.fdopen(os.open(part, flags, 0o666), "wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise TooLarge(f"more than the {most} bytes allowed")
            file.write(chunk)
            progress(size)
    return size


def _no_progress(done: int, total: int | None) -> None:
    """For those who do not watch."""
