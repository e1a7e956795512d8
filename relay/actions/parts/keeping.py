"""Where artifacts are kept: a folder, or an address that fsspec knows how to write to."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
    system, root = _system(address)
    try:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            _put(system, file, f"{root.rstrip('/')}/{file.relative_to(folder).as_posix()}")
    except Exception as error:
        raise DeliveryError(_problem(address, error)) from error


def _put(system: Any, file: Path, target: str) -> None:
    """In a transaction: where the backend knows them, half a file never gets its name."""
    system.makedirs(target.rpartition("/")[0], exist_ok=True)
    with system.transaction, file.open("rb") as source, system.open(target, "wb") as copy:
        shutil.copyfileobj(source, copy)


def _system(address: str) -> tuple[Any, str]:
    """The file system and the path in it. Without its package another attempt cannot help either."""
    try:
        import fsspec

        system, root = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise DeliveryError(f"{EXTRA} and its backend ({error})", permanent=True) from error
    except Exception as error:
        raise DeliveryError(_problem(address, error), permanent=isinstance(error, ValueError)) from error
    return system, root


def _problem(address: str, error: Exception) -> str:
    """Without the address, which may hold a password."""
    return f"cannot write to {address.partition('://')[0]}://: {type(error).__name__}: {error}"
