"""Lines after which what went wrong before them was no cause: it was retried, ignored, or work went on."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Survival:
    """`pattern` and `excluded` are searched as those of a signature."""

    id: str
    pattern: str
    excluded: str | None = None
    reach: int | None = None  # lines before it that were survived too, 0 for itself alone; None: all of them
    spares: tuple[str, ...] = ()  # classes of which a line before it may be the cause all the same

    def is_of(self, failure_class: str, lines_before: int) -> bool:
        """Whether it covers a sign of this class so many lines before it."""
        is_near = self.reach is None or lines_before <= self.reach
        return lines_before >= 0 and is_near and failure_class not in self.spares
