"""Finds the signatures in the lines of a log: one pass for all of them, and then a second look at the few.

The pass uses an automaton of all patterns in which every counted repetition (`.{0,80}`) is an unbounded one:
counting is what makes automata grow. What it lets through is looked at again with the pattern as written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay.failures.signature import Signature
from relay.patterns import PatternError, PatternSet, Regex

IGNORING_CASE = "(?i)"
IN_ANY_LINE = "(?im)"  # the same, where ^ and $ also stand at the ends of lines
AT_ONCE = 40  # lines that are tried together first: nearly always nothing is found in any of them
WHOLE_TEXT = re.compile(r"\\[Az]")  # what means the ends of a text and not of a line
MOST_TRIES = 40  # lines, from the end of a log, in which one signature is looked for a second time

_COUNTED = re.compile(r"(?<=[.\])])\{\d*,(\d{2,})\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A line in which a signature was found; `at` counts from 0."""

    signature: Signature
    at: int


class Matcher:
    """Compiled signatures. Raises PatternError."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self._signatures = tuple(signatures)
        self._exact: dict[str, Regex] = {}
        relaxed = [_relaxed(IN_ANY_LINE + each.pattern) for each in self._signatures]
        self._at_once = 1 if any(map(WHOLE_TEXT.search, relaxed)) else AT_ONCE
        self._of_ascii = _pass_over_ascii(relaxed)
        self._of_any = PatternSet(relaxed)

    def hits(self, lines: Sequence[str]) -> tuple[Hit, ...]:
        """What is found, in the order of the lines; of a signature that is found often, the last ones."""
        tries = [0] * len(self._signatures)
        found = [hit for at in self._places(lines) for hit in self._in_line(lines[at], at, tries)]
        return tuple(reversed(found))

    def _places(self, lines: Sequence[str]) -> Iterator[int]:
        """Lines worth a look of their own, from the end."""
        for end in range(len(lines), 0, -self._at_once):
            start = max(0, end - self._at_once)
            if any(True for _ in self._candidates("\n".join(lines[start:end]))):
                yield from range(end - 1, start - 1, -1)

    def _candidates(self, text: str) -> Iterator[int]:
        return (self._of_ascii if text.isascii() else self._of_any).candidates(text)

    def _in_line(self, line: str, at: int, tries: list[int]) -> Iterator[Hit]:
        for number in sorted(self._candidates(line), reverse=True):
            tries[number] += 1
            if tries[number] <= MOST_TRIES and self._is_in(line, self._signatures[number]):
                yield Hit(signature=self._signatures[number], at=at)

    def _is_in(self, line: str, signature: Signature) -> bool:
        if not self._regex(signature.pattern).found_in(line):
            return False
        return signature.excluded is None or not self._regex(signature.excluded).found_in(line)

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
        return PatternSet(patterns, only_ascii=True)
    except PatternError:
        return PatternSet(patterns)
