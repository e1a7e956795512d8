"""The end of a step's log as lines to be matched: bounded, without what terminals and clocks add."""

import re

from relay.terminal import plain

MOST_CHARACTERS = 256 * 1024  # of a log, its end
MOST_LINES = 4_000
LONGEST_LINE = 2_000  # characters

_DATE = r"\d{4}[-/]\d\d[-/]\d\d"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE = r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?"
_TIMESTAMP = re.compile(
    rf"^(?:\s{{0,8}}\[?(?:{_DATE}[T ]{_CLOCK} ?{_ZONE}|[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}|{_CLOCK})\]?[:,]?"
    r"(?: |$)){1,2}"  # CircleCI's own, and the tool's
)


def lines_of(log: str) -> tuple[str, ...]:
    """Its last lines, each as somebody would have seen it last in a terminal."""
    end = log[-MOST_CHARACTERS:]
    if len(end) < len(log):
        end = end.partition("\n")[2] or end  # the first one is not whole
    kept = plain(end).rstrip().split("\n")[-MOST_LINES:]
    return tuple(map(_line, kept))


def _line(written: str) -> str:
    """What was written over with a carriage return is gone."""
    shown = written.rstrip("\r").rpartition("\r")[2] if "\r" in written else written
    shown = shown[:LONGEST_LINE]
    return _TIMESTAMP.sub("", shown, count=1) if shown[:9].strip(" [")[:1].isalnum() else shown
