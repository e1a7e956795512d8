"""The line of a log that says best why it ends badly: a guess, by what tools usually print."""

import re2

LONGEST_LINE = 300  # characters
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
    said = [line for line in lines if line and not _QUIET.search(line)]
    loud = next((line for line in said if _LOUD.search(line)), None)
    line = loud or (said[-1] if said else None)
    return line[:LONGEST_LINE] if line else None
