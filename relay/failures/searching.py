"""Searches lines for many expressions: a pass of a few automata, and then a second look at the few lines.

The pass uses automata of the patterns in which every counted repetition (`.{0,80}`) is an unbounded one:
counting is what makes automata grow. What it lets through is looked at again with the pattern as written.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from relay.patterns import PatternError, PatternSet, Regex

IGNORING_CASE = "(?i)"
IN_ANY_LINE = "(?im)"  # the same, where ^ and $ also stand at the ends of lines
AT_ONCE = 40  # lines that are tried together first: nearly always nothing is found in any of them
WHOLE_TEXT = re.compile(r"\\[Az]")  # what means the ends of a text and not of a line
TOGETHER = 40  # expressions in one automaton: those of log lines have gaps, and one for all grows for long
MOST_TRIES = 40  # lines, from the end of a log, in which one expression is looked for a second time

_COUNTED = re.compile(r"(?<=[.\])])\{\d*,(\d{2,})\}")


class Sought(Protocol):
    """`pattern` is searched in each line, ignoring case; where `excluded` is found too, it does not count."""

    @property
    def pattern(self) -> str: ...
    @property
    def excluded(self) -> str | None: ...


S = TypeVar("S", bound=Sought)


class Search(Generic[S]):
    """Compiled expressions. Raises PatternError."""

    def __init__(self, sought: Sequence[S]) -> None:
        self._sought = tuple(sought)
        self._exact: dict[str, Regex] = {}
        relaxed = [_relaxed(IN_ANY_LINE + each.pattern) for each in self._sought]
        self._at_once = 1 if any(map(WHOLE_TEXT.search, relaxed)) else AT_ONCE
        self._of_ascii = _pass_over_ascii(relaxed)
        self._of_any = PatternSet(relaxed, together=TOGETHER)

    def found(self, lines: Sequence[str]) -> Iterator[tuple[int, S]]:
        """What is found and where, from the end; of what is found often, only the last ones."""
        tries = [0] * len(self._sought)
        for at in self._places(lines):
            for number in sorted(self._candidates(lines[at]), reverse=True):
                tries[number] += 1
                if tries[number] <= MOST_TRIES and self._is_in(lines[at], self._sought[number]):
                    yield at, self._sought[number]

    def is_in(self, line: str) -> bool:
        """Whether any is found in the line."""
        return any(self._is_in(line, self._sought[number]) for number in self._candidates(line))

    def _places(self, lines: Sequence[str]) -> Iterator[int]:
        """Lines worth a look of their own, from the end."""
        for end in range(len(lines), 0, -self._at_once):
            start = max(0, end - self._at_once)
            if any(True for _ in self._candidates("\n".join(lines[start:end]))):
                yield from range(end - 1, start - 1, -1)

    def _candidates(self, text: str) -> Iterator[int]:
        return (self._of_ascii if text.isascii() else self._of_any).candidates(text)

    def _is_in(self, line: str, sought: S) -> bool:
        if not self._regex(sought.pattern).found_in(line):
            return False
        return sought.excluded is None or not self._regex(sought.excluded).found_in(line)

    def _regex(self, pattern: str) -> Regex:
        """Compiled once it is needed: most signatures are never seen."""
        if pattern not in self._exact:
            self._exact[pattern] = Regex(IGNORING_CASE + pattern)
        return self._exact[pattern]


def _relaxed(pattern: str) -> str:
    """A pattern that is found wherever this one is. Inside a set `{` means itself, so such ones stay."""
    return pattern if re.search(r"\[[^\]]*\{|\\\.\{|\\[\])]\{", pattern) else _COUNTED.sub("*", pattern)


def _pass_over_ascii(patterns: Sequence[str]) -> PatternSet:
    """Quicker where a line is ASCII, as nearly all are."""
    try:
        return PatternSet(patterns, only_ascii=True, together=TOGETHER)
    except PatternError:
        return PatternSet(patterns, together=TOGETHER)
