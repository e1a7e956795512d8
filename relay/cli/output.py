"""How commands print: tables and lines for people, exact JSON for scripts, nothing that a terminal obeys."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relay.errors import RelayError

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
    "shadow": "dim",
    "waiting": "yellow",
    "open": "yellow",
    "leased": "yellow",
    "unknown": "yellow",
    "canceled": "dim",
    "not_run": "dim",
}
WHOLE = 100_000  # columns of what is no terminal: nothing is cut there
SHORT_ID = 8  # characters

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


class Mistake(RelayError):
    """The command line asks for something that cannot be meant; exit status 2."""


def console() -> Console:
    """Standard output; as wide as it takes when it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else WHOLE, highlight=False, soft_wrap=True)


def plain(value: Any) -> Any:
    """What JSON knows: dataclasses, times and enums as their plain forms."""
    return msgspec.to_builtins(value, enc_hook=_text)


def _text(value: Any) -> str:
    """Texts of a markup are a kind of their own."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is nothing that JSON knows")


def print_json(value: Any) -> None:
    """One JSON document."""
    click.echo(json_text(plain(value)))


def json_text(value: Any) -> str:
    """JSON for reading: characters that a terminal may act on are escaped, which changes no value."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def masked(value: Any, mask: Callable[[str], str]) -> Any:
    """Plain JSON values with every text masked, keys included."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {mask(str(key)): masked(item, mask) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, mask) for item in value]
    return value


def mask_lines(lines: Iterable[Text], mask: Callable[[str], str]) -> Iterator[Text]:
    """The lines with their colours, except where something had to be masked."""
    for line in lines:
        hidden = mask(line.plain)
        yield line if hidden == line.plain else Text(hidden)


def print_lines(lines: Iterable[Text]) -> None:
    """Lines as they are, with their colours on a terminal."""
    out = console()
    for line in lines:
        out.print(line)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A plain table; `empty` says what to do when there is nothing to show."""
    kept = [[_cell(value) for value in row] for row in rows]
    if not kept:
        click.echo(empty)
    elif sys.stdout.isatty():
        console().print(_fitting(headings, kept))
    else:
        print_lines(aligned([[Text(heading) for heading in headings], *kept]))


def _fitting(headings: Sequence[str], rows: Iterable[Sequence[Text]]) -> Table:
    """A table that shortens its cells to the width of the terminal, ids never."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, no_wrap=True, overflow="ellipsis" if number else "fold")
    for row in rows:
        table.add_row(*row)
    return table


def aligned(rows: Sequence[Sequence[Text]], least: Sequence[int] = (), indent: str = "") -> list[Text]:
    """Rows as lines with their columns below each other, two blanks apart; `least` are least widths."""
    count = max(map(len, rows), default=0)
    widths = [
        max((cell_len(row[at].plain) for row in rows if at < len(row)), default=0) for at in range(count)
    ]
    widths = [max(width, least[at] if at < len(least) else 0) for at, width in enumerate(widths)]
    return [_line(row, widths, indent) for row in rows]


def _line(row: Sequence[Text], widths: Sequence[int], indent: str) -> Text:
    line = Text(indent)
    for cell, width in zip(row, widths, strict=False):
        line.append_text(cell).append(" " * (width - cell_len(cell.plain) + 2))
    line.rstrip()
    return line


def _cell(value: Any) -> Text:
    text = visible("" if value is None else str(value))
    return Text(text, style=style_of(text))


def style_of(word: str) -> str:
    """The colour of a status or state."""
    return STATUS_STYLES.get(word, "")


def visible(text: str) -> str:
    """Strangers' text made harmless for a terminal: control characters shown as a replacement mark."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def visible_lines(text: str) -> str:
    """As `visible`, line by line."""
    return "\n".join(visible(line) for line in text.split("\n"))


def ago(then: datetime | None, now: datetime | None = None) -> str:
    """ "3 min ago", "in 20 s" and the like."""
    if then is None:
        return ""
    seconds = int(((now or datetime.now(UTC)) - then).total_seconds())
    steps = ((86_400, "d"), (3_600, "h"), (60, "min"))
    form = "in {}" if seconds < 0 else "{} ago"
    for size, unit in steps:
        if abs(seconds) >= size:
            return form.format(f"{abs(seconds) // size} {unit}")
    return form.format(f"{abs(seconds)} s")


def short(identifier: str) -> str:
    """The end of an id, which is what differs; commands accept it."""
    return identifier[-SHORT_ID:]


def pairs(values: Mapping[str, Any]) -> str:
    """Lines `name  value` with the names padded alike, the empty ones left out."""
    shown = {name: visible(str(value)) for name, value in values.items() if value not in (None, "", ())}
    width = max(map(len, shown), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in shown.items())


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 route", "3 routes", "1,284 events"."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
