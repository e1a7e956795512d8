"""Finds template files: the user's folder first, then the ones shipped with the relay."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import relay
from relay.errors import TemplateError


def shipped_messages() -> Path:
    """The shipped message templates: beside the package in a checkout, inside it once installed."""
    package = Path(relay.__file__).parent
    beside = package.parent / "templates" / "messages"
    return beside if beside.is_dir() else package / "templates" / "messages"


def read(folders: Sequence[Path], name: str) -> tuple[str, ...]:
    """The files of that name in every folder that has one, the user's first."""
    return tuple(map(text_of, _found(folders, name)))


def text_of(path: Path) -> str:
    """What the file says, or TemplateError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path.name} cannot be read: {error}") from error


def _found(folders: Sequence[Path], name: str) -> Iterator[Path]:
    """`name` is relative to the folder, or to the folder around it: `messages/standard.slack.json.j2`."""
    for folder in folders:
        for path in (folder / name, folder.parent / name):
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                yield path
                break
