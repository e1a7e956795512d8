"""How commands print: tables for people, exact JSON for scripts."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

STATUS_STYLES = {
    "success": "green",
    "delivered": "green",
    "failed": "red",
    "error": "red",
    "timedout": "red",
    "infrastructure_fail": "red",
    "no_tests": "red",
    "dead": "red",
    "stuck": "red",
    "permanent": "red",
    "temporary": "yellow",
    "waiting": "yellow",
    "open": "yellow",
    "unknown": "yellow",
    "canceled": "dim",
    "not_run": "dim",
}


def console() -> Console:
    """Standard output, wide enough for whole ids when it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document; dataclasses, times and enums as their plain forms."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A plain table; `empty` says what to do when there is nothing to show."""
    kept = [[_cell(value) for value in row] for row in rows]
    if not kept:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, no_wrap=True, overflow="ellipsis" if number else "fold")
    for row in kept:
        table.add_row(*row)
    console().print(table)


def _cell(value: Any) -> Text:
    text = visible("" if value is None else str(value))
    return Text(text, style=STATUS_STYLES.get(text, ""))


def visible(text: str) -> str:
    """Strangers' text made harmless for a terminal: control characters shown as a replacement mark."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def ago(then: datetime | None, now: datetime | None = None) -> str:
    """"3 min ago" and the like."""
    if then is None:
        return ""
    seconds = int(((now or datetime.now(UTC)) - then).total_seconds())
    steps = ((86_400, "d"), (3_600, "h"), (60, "min"))
    future = "in {}" if seconds < 0 else "{} ago"
    for size, unit in steps:
        if abs(seconds) >= size:
            return future.format(f"{abs(seconds) // size} {unit}")
    return future.format(f"{abs(seconds)} s")


def short(identifier: str) -> str:
    """The end of an id, which is what differs; commands accept it."""
    return identifier[-8:]


def pairs(values: Mapping[str, Any]) -> str:
    """Lines `name  value` with the names padded alike, the empty ones left out."""
    shown = {name: visible(str(value)) for name, value in values.items() if value not in (None, "", ())}
    width = max(map(len, shown), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in shown.items())
