"""Shows CircleCI's answers: tables and facts for people, the raw answer with --json."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import click
from rich.cells import cell_len
from rich.text import Text

from relay import durations
from relay.circleci.reading import Raw
from relay.cli.circleci.session import Session
from relay.cli.output import aligned, console, masked, print_json, print_lines, visible

GOOD, BAD, STOPPED, WAITING = "green", "red", "dim", "yellow"
STYLES = {
    **dict.fromkeys(("success", "fixed", "created"), GOOD),
    **dict.fromkeys(("failed", "failing", "failure", "error", "errored", "timedout", "no_tests"), BAD),
    **dict.fromkeys(("infrastructure_fail", "terminated-unknown", "unauthorized"), BAD),
    **dict.fromkeys(("canceled", "not_run", "retried", "killed", "skipped"), STOPPED),
    **dict.fromkeys(("queued", "scheduled", "not_running", "blocked", "on_hold", "pending"), WAITING),
    **dict.fromkeys(("setup", "setup-pending"), WAITING),
    "running": "cyan",
}

GAP = 2  # blanks between columns
NARROWEST = 8  # columns that shortening leaves of a cell

Cell = str | int | None | Text


class Answered(Protocol):
    """A typed answer that keeps what came."""

    @property
    def raw(self) -> Raw: ...


T = TypeVar("T", bound=Answered)


def show_list(
    session: Session,
    found: Iterable[T],
    headings: Sequence[str],
    row: Callable[[T], Sequence[Cell]],
    *,
    empty: str,
) -> None:
    """A table; with --json an array of what CircleCI sent. `empty` is said where there is nothing."""
    if session.as_json:
        show_json(session, [each.raw for each in found])
    else:
        show_table(session, headings, map(row, found), empty=empty)


def show_one(session: Session, found: Answered, facts: Mapping[str, Cell]) -> None:
    """Facts, one a line; with --json what CircleCI sent."""
    if session.as_json:
        show_json(session, found.raw)
    else:
        show_facts(session, facts)


def show_json(session: Session, answer: Any) -> None:
    """JSON with the token masked, should it be in there."""
    print_json(masked(answer, session.mask))


def show_words(session: Session, answer: Any, words: str) -> None:
    """One line; with --json the answer."""
    if session.as_json:
        show_json(session, answer)
    else:
        click.echo(session.mask(visible(words)))


def show_table(
    session: Session, headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, empty: str = ""
) -> None:
    """Columns without any text are left out."""
    kept = [[_cell(session, cell) for cell in row] for row in rows]
    if not kept:
        if empty:
            click.echo(visible(empty))
        return
    used = [at for at in range(len(headings)) if any(row[at].plain for row in kept)]
    heads = [headings[at] for at in used]
    cells = [[row[at] for at in used] for row in kept]
    lines = [[Text(head, style="bold") for head in heads], *cells]
    room = console().width if sys.stdout.isatty() else None
    print_lines(aligned(fitted(lines, room) if room else lines))


def show_facts(session: Session, facts: Mapping[str, Cell]) -> None:
    """Lines `name  value`; what is missing is left out."""
    shown = [(name, _cell(session, cell)) for name, cell in facts.items() if cell not in (None, "")]
    print_lines(aligned([[Text(name, style="bold"), cell] for name, cell in shown]))


def fitted(rows: Sequence[Sequence[Text]], room: int) -> list[list[Text]]:
    """Shortened to so many columns, the widest first; never the first of a row: an id, a number or a path."""
    widths = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
    left = room - GAP * (len(widths) - 1) - widths[0]
    caps = range(max(min(max(widths), room), NARROWEST), NARROWEST, -1)
    most = next((cap for cap in caps if sum(min(each, cap) for each in widths[1:]) <= left), NARROWEST)
    return [[row[0], *(_shortened(cell, most) for cell in row[1:])] for row in rows]


def _shortened(cell: Text, most: int) -> Text:
    shorter = cell.copy()
    shorter.truncate(most, overflow="ellipsis")
    return shorter


def _columns(cell: Text) -> int:
    """Columns of a terminal."""
    return cell_len(cell.plain)


def _cell(session: Session, value: Cell) -> Text:
    style = value.style if isinstance(value, Text) else ""
    plain = "" if value is None else value.plain if isinstance(value, Text) else str(value)
    return Text(session.mask(visible(plain)), style=style)


def status(word: str | None) -> Text:
    """In the colour that CircleCI shows it in."""
    return Text(word or "", style=STYLES.get(word or "", ""))


def took(seconds: float | None) -> str:
    """ "1m 5s"."""
    return "" if seconds is None or seconds < 0 else durations.spell(seconds)


def ref(branch: str | None, tag: str | None) -> str:
    """The branch, or "tag v1"."""
    return f"tag {tag}" if tag else branch or ""


def short(revision: str | None) -> str:
    """A commit's hash as git shortens it."""
    return (revision or "")[:7]
