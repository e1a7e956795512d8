"""What `relay retry report` prints: what retries came to, why others were not made, what to mend first."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from relay.cli.output import ago, short
from relay.odds.wilson import interval
from relay.store.retried import Flake, Tried

HEADINGS = ("judged", "again", "passed", "failed", "passes between", "minutes", "masked")
NOT_HEADINGS = ("not run again", "runs", "passed later")
FLAKE_HEADINGS = (
    *("mend first", "job", "class", "runs", "before", "passed again", "minutes", "first seen", "last seen"),
    "line",
)
NONE = "–"  # the name of rulings without the property that they are grouped by
LONGEST = 80  # characters of a line


def cells(each: Tried) -> tuple[str, ...]:
    """Below its name and HEADINGS."""
    return (
        each.name,
        str(each.judged),
        str(each.retried),
        str(each.passed),
        str(each.ended - each.passed),
        between(each.passed, each.ended),
        f"{each.minutes:.0f}",
        str(each.masked),
    )


def not_cells(found: Sequence[Tried]) -> list[tuple[str, ...]]:
    """Below NOT_HEADINGS: why some were not run again, and how many of those passed when somebody did."""
    return [(each.name, str(each.judged), str(each.missed)) for each in found if each.name != NONE]


def by_lot(modes: Sequence[Tried]) -> list[str]:
    return [_by_lot(each) for each in modes if each.by_lot]


def _by_lot(each: Tried) -> str:
    part = f"{each.by_lot} of {each.judged} rulings ({each.by_lot / each.judged:.0%})"
    share = f"by lot, in mode {each.name}: {part}"
    if not each.explored:
        return f"{share}, none has ended"
    ended = f"{each.explored_passed} of {each.explored} passed"
    return f"{share}, {ended}, between {between(each.explored_passed, each.explored)}"


def between(passed: int, ended: int) -> str:
    """Where the share of those that pass lies with 95 % certainty; nothing for none."""
    if not ended:
        return ""
    low, high = interval(passed, ended)
    return f"{low:.0%} and {high:.0%}"


def flake_cells(each: Flake, now: datetime) -> tuple[object, ...]:
    """Below FLAKE_HEADINGS."""
    return (
        each.project,
        each.job or "",
        each.failure_class,
        each.runs,
        each.before,
        each.recovered,
        f"{each.minutes:.0f}",
        ago(each.first_seen, now),
        ago(each.last_seen, now),
        (each.evidence or each.signature or short(each.fingerprint))[:LONGEST],
    )


def as_record(
    since: datetime, groups: Mapping[str, Sequence[Tried]], flakes: Sequence[Flake]
) -> Mapping[str, object]:
    """For scripts."""
    return {"since": since, "groups": groups, "flakes": flakes}
