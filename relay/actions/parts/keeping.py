"""Where artifacts are kept: a folder, or an address that fsspec knows how to write to."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from relay.circleci.places import safe_path
from relay.errors import DeliveryError
from relay.model import Event
from relay.sandbox import AsIs, check_template, compile_template, environment, names_of

EXTRA = "to keep artifacts at an address, install the extra: pip install 'relay[fsspec]'"


class FolderPart(str):
    """A part of a path that leads nowhere else."""

    __slots__ = ()


class FolderNames(AsIs):
    """Each value is a path below what stands before it, whatever it says; a missing one is `none`."""

    marked: type[str] = FolderPart

    def text(self, value: object) -> str:
        if isinstance(value, FolderPart):
            return value
        return FolderPart(safe_path("none" if value is None or value == "" else str(value)))


def compile_folder(text: str) -> Callable[[Event], str]:
    """ValueError for a template that cannot name a place."""
    problems = check_template(text, ())
    if problems:
        raise ValueError("; ".join(problems))
    if not text.strip():
        raise ValueError("wanted a folder")
    if is_address(text) and find_spec("fsspec") is None:
        raise ValueError(EXTRA)
    program = compile_template(text, environment(FolderNames()))
    return lambda event: program(names_of(event))


def is_address(place: str) -> bool:
    return "://" in place


@contextmanager
def kept(place: str) -> Iterator[Path]:
    """A folder to save into. What is in it at the end goes to the place, if that is an address."""
    if not is_address(place):
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="relay-artifacts-") as folder:
        yield Path(folder)
        _upload(Path(folder), place)


def _upload(folder: Path, address: str) -> None:
    """Raises DeliveryError; what fsspec's backends raise has no common root."""
    try:
        import fsspec
    except ImportError as error:
        raise DeliveryError(EXTRA, permanent=True) from error
    try:
        system, root = fsspec.core.url_to_fs(address)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            target = f"{root.rstrip('/')}/{file.relative_to(folder).as_posix()}"
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
            system.put_file(str(file), target)
    except Exception as error:
        kind = address.partition("://")[0]
        raise DeliveryError(f"cannot write to {kind}://: {type(error).__name__}: {error}") from error
