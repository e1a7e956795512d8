"""Writes the tables of docs/failures.md: what the logs of the corpus are recognised as.

python -m tests.failures.confusion docs/failures.md
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.failures.record import FailureClass, is_genuine, is_transient
from tests.failures.reading import PASSING, Specimen, corpus

BEGIN, END = "<!-- confusion table: begin -->\n", "<!-- confusion table: end -->"


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """`seen`: how many of each expected class were recognised as which. `alarms`: passing logs with a hit."""

    seen: Mapping[tuple[str, str], int]
    passing: int
    alarms: int

    def expected(self) -> tuple[str, ...]:
        order = [each.value for each in FailureClass]
        names = {expected for expected, _ in self.seen}
        return tuple(sorted(names, key=lambda name: (order.index(name) if name in order else 99, name)))

    def count(self, expected: str) -> int:
        return sum(number for (name, _), number in self.seen.items() if name == expected)

    def right(self, expected: str) -> int:
        return self.seen.get((expected, expected), 0)

    def share_right(self) -> float:
        return sum(map(self.right, self.expected())) / max(1, sum(self.seen.values()))

    def genuine_taken_for_transient(self) -> int:
        """What would be retried in vain."""
        return sum(
            number for (want, got), number in self.seen.items() if is_genuine(want) and is_transient(got)
        )

    def transient_taken_for_genuine(self) -> int:
        return sum(
            number for (want, got), number in self.seen.items() if is_transient(want) and is_genuine(got)
        )

    def of_kind(self, *, genuine: bool) -> int:
        wanted = is_genuine if genuine else is_transient
        return sum(number for (want, _), number in self.seen.items() if wanted(want))


def confusion(specimens: Sequence[Specimen]) -> Confusion:
    failed = [each for each in specimens if each.expected != PASSING]
    passing = [each for each in specimens if each.expected == PASSING]
    return Confusion(
        seen=Counter((each.expected, str(each.recognised().failure_class)) for each in failed),
        passing=len(passing),
        alarms=sum(1 for each in passing if each.recognised().signatures),
    )


def tables(specimens: Sequence[Specimen]) -> str:
    """The held-out half by class, and totals of both."""
    held_out = confusion([each for each in specimens if each.is_held_out])
    learnt = confusion([each for each in specimens if not each.is_held_out])
    return "\n".join((*_by_class(held_out), "", *_totals(held_out, learnt, confusion(specimens)))) + "\n"


def _by_class(found: Confusion) -> Iterator[str]:
    yield "| Class, held-out half | Logs | Recognised | Taken for something else |"
    yield "|---|---|---|---|"
    for name in found.expected():
        others = sorted(
            (got, number) for (want, got), number in found.seen.items() if want == name and got != name
        )
        wrong = ", ".join(f"{got} {number}" for got, number in others)
        yield f"| `{name}` | {found.count(name)} | {found.right(name)} | {wrong} |"


def _totals(held_out: Confusion, learnt: Confusion, both: Confusion) -> Iterator[str]:
    yield "| | Held-out half | Other half | Both |"
    yield "|---|---|---|---|"
    halves = (held_out, learnt, both)
    for title, part, whole in (
        ("get their class", lambda each: sum(map(each.right, each.expected())), _failed),
        (
            "genuine, taken for transient",
            Confusion.genuine_taken_for_transient,
            lambda each: each.of_kind(genuine=True),
        ),
        (
            "transient, taken for genuine",
            Confusion.transient_taken_for_genuine,
            lambda each: each.of_kind(genuine=False),
        ),
        ("passed, but a signature is found", lambda each: each.alarms, lambda each: each.passing),
    ):
        yield f"| {title} | " + " | ".join(_share(part(each), whole(each)) for each in halves) + " |"


def _failed(found: Confusion) -> int:
    return sum(found.seen.values())


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / max(1, whole):.1%})"


def with_tables(page: str, specimens: Sequence[Specimen]) -> str:
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{tables(specimens)}{END}{rest.partition(END)[2]}"


def main() -> None:
    page = Path(sys.argv[1])
    page.write_text(with_tables(page.read_text(encoding="utf-8"), corpus()), encoding="utf-8")


if __name__ == "__main__":
    main()
