"""Where on disk an artifact may go. Whoever wrote the build chose its path: nothing in it is trusted."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from relay.circleci.errors import NotSaved
from relay.circleci.types.results import Artifact

LONGEST_NAME = 180  # bytes of one segment: file systems take 255, and a partial file's name is longer
LONGEST_PATH = 1000  # bytes of a whole relative path


def places(artifacts: Sequence[Artifact]) -> Iterator[tuple[Artifact, PurePosixPath]]:
    """Each artifact with its place, no two alike: a path that several nodes have goes to node-N/…"""
    nodes = Counter(path for path, _ in {(_key(safe_path(a.path)), a.node) for a in artifacts})
    taken: set[str] = set()
    for artifact in artifacts:
        path = safe_path(artifact.path)
        if nodes[_key(path)] > 1:
            path = PurePosixPath(f"node-{artifact.node}") / path
        path = _free(path, taken)
        taken.add(_key(path))
        yield artifact, path


def safe_path(path: str) -> PurePosixPath:
    """A relative path without `..`, drive, control or invisible characters, short enough for any disk."""
    parts = [_safe_name(part) for part in path.replace("\\", "/").split("/") if part not in {"", "."}]
    found = PurePosixPath(*parts or ["unnamed"])
    if len(str(found).encode()) <= LONGEST_PATH:
        return found
    return PurePosixPath(f"deep-{_digest(path)}", found.name)


def make_folder(root: Path, folder: PurePosixPath) -> Path:
    """The folder below root, made where missing. Raises NotSaved where a link or a file is in the way."""
    found = root
    for part in folder.parts:
        found = found / part
        try:
            found.mkdir(exist_ok=True)
        except OSError as error:
            raise NotSaved(f"{str(folder)!r} cannot be made: {error.strerror}") from error
        if found.is_symlink():
            raise NotSaved(f"{str(folder)!r} leads through a link")
    return found


def _safe_name(part: str) -> str:
    """Colons go as they make drives and streams on Windows; so do dots and spaces at the end."""
    kept = "".join(c if c.isprintable() and c not in ':*?"<>|' else "_" for c in part)
    kept = kept.encode("utf-8", "replace").decode()
    kept = "_" * len(kept) if set(kept) <= {".", " "} else kept
    if len(kept.encode()) <= LONGEST_NAME:
        return kept
    suffix = PurePosixPath(kept).suffix
    suffix = suffix if len(suffix.encode()) < 20 else ""
    stem = kept.encode()[: LONGEST_NAME - 30].decode("utf-8", "ignore")
    return f"{stem}~{_digest(part)}{suffix}"


def _free(path: PurePosixPath, taken: set[str]) -> PurePosixPath:
    """The path, or with a number before its suffix when it is taken."""
    number, found = 1, path
    while _key(found) in taken:
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def _key(path: PurePosixPath) -> str:
    """Many disks do not tell upper from lower case."""
    return str(path).casefold()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
