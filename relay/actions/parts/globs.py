"""Which artifacts are meant: globs over their paths, in which `**` crosses folders and `*` does not."""

import re
from collections.abc import Callable, Sequence

import re2

_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_MEANINGS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def chooser(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is included by one glob and excluded by none."""
    wanted, unwanted = _pattern(include), _pattern(exclude)
    return lambda path: bool(wanted.fullmatch(path)) and not unwanted.fullmatch(path)


def _pattern(globs: Sequence[str]) -> "re2._Regexp":
    """One expression for all, run in linear time: whoever wrote the build chose the paths."""
    return re2.compile("(?s)(?:" + "|".join(map(_translated, globs)) + ")" if globs else "[^\\s\\S]")


def _translated(glob: str) -> str:
    return "".join(_MEANINGS.get(piece) or re2.escape(piece) for piece in _PIECE.findall(glob.lstrip("/")))
