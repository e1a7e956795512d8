"""Accounts: what a message that gathers many events tells of them. Pure.

Of each branch its worst event is told in full, the newest of those; of the others, how many there were.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from relay.model import Account, Change, Count, Event, EventKind, Place, Status

MOST_PLACES = 50  # branches of which an account tells

_Ended = tuple[EventKind, Change, Status]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How many events of one branch or tag ended in the same way, and the newest of them."""

    project: str | None
    branch: str | None
    tag: str | None
    kind: EventKind
    change: Change
    status: Status
    count: int
    newest: str  # an event's id; ids are in the order of time


@dataclass(kw_only=True, slots=True)
class _Branch:
    """What is known of one branch so far."""

    worst: tuple[bool, str] = (False, "")  # whether it is bad, and the event's id
    counts: Counter[_Ended] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Everything counted. told: the events to tell in full, the worst first and of those the newest, each
    with the counts of its branch."""

    counts: tuple[Count, ...]
    told: Mapping[str, tuple[Count, ...]]
    branches: int


def add_up(rows: Iterable[Row], most: int = MOST_PLACES) -> Sums:
    """The sums of all rows, with the `most` worst branches told."""
    branches: defaultdict[tuple[str | None, ...], _Branch] = defaultdict(_Branch)
    every: Counter[_Ended] = Counter()
    for row in rows:
        branch, ended = branches[row.project, row.branch, row.tag], (row.kind, row.change, row.status)
        branch.worst = max(branch.worst, (_is_bad(row), row.newest))
        branch.counts[ended] += row.count
        every[ended] += row.count
    worst = sorted(branches.values(), key=lambda branch: branch.worst, reverse=True)[:most]
    return Sums(
        counts=_counts(every),
        told={branch.worst[1]: _counts(branch.counts) for branch in worst},
        branches=len(branches),
    )


def _is_bad(row: Row) -> bool:
    """Events of our own tell of trouble; only the events themselves know how bad it is."""
    return row.status.is_bad or row.status is Status.UNAUTHORIZED or row.kind is EventKind.RELAY


def _counts(found: Counter[_Ended]) -> tuple[Count, ...]:
    return tuple(
        Count(kind=kind, change=change, status=status, count=count)
        for (kind, change, status), count in sorted(found.items())
    )


def account_of(sums: Sums, events: Mapping[str, Event]) -> Account:
    """The account, with the events that it tells in full."""
    return Account(
        counts=sums.counts,
        places=tuple(Place(event=events[id], counts=counts) for id, counts in sums.told.items()),
        branches=sums.branches,
    )


def account_about(events: Iterable[Event]) -> Account:
    """The account of these events."""
    known = {event.id: event for event in events}
    return account_of(add_up(_row(event) for event in known.values()), known)


def _row(event: Event) -> Row:
    return Row(
        project=event.project.slug,
        branch=event.branch,
        tag=event.tag,
        kind=event.kind,
        change=event.change,
        status=event.status,
        count=1,
        newest=event.id,
    )
