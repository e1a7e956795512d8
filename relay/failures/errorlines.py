"""The line of a log that says best why it ends badly: a guess, by what tools usually print."""

from collections.abc import Sequence

import re2

LONGEST_LINE = 300  # characters
LONGEST_SHOWN = 160  # characters of a line among several
BEFORE, AFTER = 2, 5  # lines shown around it
LOOKED_AT = 400  # lines at the end of a log; what comes before was survived

_LOUD = re2.compile(
    r"(?i)(^|\s|\[)(error|fatal|panic|failure|exception)\b[\s\]:!]|\b\w+(Error|Exception)\b:|^E\s{2,}\S"
    r"|^\s*(FAILED|FAIL|not ok)\b|command not found|No such file or directory|Permission denied"
    r"|No space left|out of memory|Killed\b|timed? ?out|Segmentation fault|cannot find|undefined reference"
)
_QUIET = re2.compile(
    r"(?i)\b(0|no) (errors?|failures?|failed)\b|(errors?|failures?): 0\b|^\s*exited with code"
)


def first_error(log: str) -> str | None:
    """The first line near the end that speaks of an error, else the last that says anything."""
    lines = [line.strip() for line in log.splitlines()[-LOOKED_AT:]]
    at = _decisive(lines)
    return None if at is None else lines[at][:LONGEST_LINE]


def error_lines(log: str) -> list[str]:
    """That line with a few around it, as they were indented."""
    lines = [line.rstrip() for line in log.splitlines()[-LOOKED_AT:] if line.strip()]
    at = _decisive(lines)
    if at is None:
        return []
    return [line[:LONGEST_SHOWN] for line in lines[max(0, at - BEFORE) : at + AFTER + 1]]


def _decisive(lines: Sequence[str]) -> int | None:
    """The place of the line."""
    said = [at for at, line in enumerate(lines) if line and not _QUIET.search(line)]
    loud = next((at for at in said if _LOUD.search(lines[at])), None)
    return loud if loud is not None else (said[-1] if said else None)
