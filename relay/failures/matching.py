"""Finds the signatures in the lines of a log, but for those in lines that were survived."""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.failures.searching import Search
from relay.failures.signature import Signature
from relay.failures.survival import Survival


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A line in which a signature was found; `at` counts from 0."""

    signature: Signature
    at: int


class Matcher:
    """Compiled signatures, and what says of lines that they were survived. Raises PatternError."""

    def __init__(self, signatures: Sequence[Signature], survivals: Sequence[Survival] = ()) -> None:
        self._signatures = Search(signatures)
        self._of_line = Search([each for each in survivals if each.reach == 0])
        self._of_before = Search([each for each in survivals if each.reach != 0])

    def hits(self, lines: Sequence[str]) -> tuple[Hit, ...]:
        """What is found, in the order of the lines; of a signature that is found often, the last ones."""
        found = [Hit(signature=signature, at=at) for at, signature in self._signatures.found(lines)]
        return tuple(reversed(self._not_survived(found, lines)))

    def _not_survived(self, hits: Sequence[Hit], lines: Sequence[str]) -> list[Hit]:
        """`hits` come from the end. Only the lines after the first of them are searched."""
        told = {hit.at for hit in hits}
        of_themselves = {at for at in told if self._of_line.is_in(lines[at])}
        left = [hit for hit in hits if hit.at not in of_themselves]
        if not left:
            return []
        start = left[-1].at
        for at, survival in self._of_before.found(lines[start:]):
            left = [
                hit for hit in left if not survival.is_of(hit.signature.failure_class, start + at - hit.at)
            ]
        return left
