"""`relay lint`: rules that do nothing, found in the configuration and in what came so far."""

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import click
from rich.text import Text

from relay import wiring
from relay.cli import ANSWER_IS_NO
from relay.cli.findings import Finding, FindingKind, findings
from relay.cli.moments import since
from relay.cli.opening import looking
from relay.cli.output import (
    aligned,
    count,
    json_option,
    mask_lines,
    masked,
    plain,
    print_json,
    print_lines,
    visible,
)
from relay.cli.seen import Seen
from relay.pipeline import Relay
from relay.routing import named
from relay.store import Store

PAGE = 200  # events read at once
MOST = 10_000
HEADINGS = {
    FindingKind.CANNOT_FIRE: "routes that cannot fire",
    FindingKind.NEVER_FIRED: "routes that never fired",
    FindingKind.ALWAYS_STOPPED: "routes that were always stopped",
    FindingKind.CHILDREN_SPOKE: "routes whose children always spoke for them",
    FindingKind.BROKE_DOWN: "conditions that broke down",
    FindingKind.PATTERN_UNMATCHED: "patterns that never matched",
    FindingKind.AUTHOR_UNKNOWN: "authors who are not under people",
}

OnPage = Callable[[int], None]


@click.command(short_help="Find rules that do nothing.")
@click.option("--since", "back_to", metavar="TIME", help="Only events since then: 7d, 12h or 2026-11-16.")
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(1),
    metavar="COUNT",
    default=MOST,
    show_default=True,
    help="At most so many events, the newest.",
)
@json_option
@click.pass_obj
def lint(path: str, back_to: str | None, limit: int, as_json: bool) -> None:
    """Find rules that do nothing: routes that never fire, patterns that never match, people nobody knows.

    The events in the database, as they were judged when they came, are put through the routes of today's
    configuration. Without a database the configuration alone is looked at. Nothing is changed.

    \b
      relay lint
      relay lint --since 30d
      relay --config new.yaml lint --json

    Exit status 0: nothing was found. 1: something was. 2: the configuration or database cannot be read.
    """
    settings = wiring.load_config(path)
    relay = wiring.build(settings)
    start = since(back_to, datetime.now(UTC), relay.timezone) if back_to is not None else None
    with looking(settings) as looked:
        seen = Seen(relay)
        if looked.store:
            look_through(looked.store, seen, start, limit, _progress)
            _end_progress()
    found = findings(settings, seen)
    if as_json:
        print_json(masked(_record(found, seen, relay, looked.missing), settings.masker))
    else:
        print_lines(mask_lines(_lines(found, seen, relay, looked.missing), settings.masker))
    sys.exit(ANSWER_IS_NO if found else 0)


def look_through(
    store: Store, seen: Seen, start: datetime | None, limit: int, on_page: OnPage, page: int = PAGE
) -> None:
    """Adds the newest events, at most `limit`, by pages; ends at a page that holds none since `start`."""
    before, read = None, 0
    while read < limit:
        rows = store.judged(min(page, limit - read), before)
        recent = [row for row in rows if start is None or row.received_at >= start]
        for row in recent:
            seen.add(row)
        if not recent:
            break
        before, read = rows[-1].id, read + len(rows)
        on_page(read)


def _progress(read: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{count(read, 'event')} read", nl=False, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo(err=True)


def _lines(found: Sequence[Finding], seen: Seen, relay: Relay, missing: str | None) -> Iterator[Text]:
    yield Text(visible(f"{_looked_at(seen, relay, missing)}, {count(_routes(relay), 'route')}"))
    yield Text()
    width = max((len(finding.subject) for finding in found), default=0)
    for kind, group in groupby(found, key=lambda finding: finding.kind):
        yield Text(HEADINGS[kind], style="bold")
        rows = [[Text(visible(each.subject)), Text(visible(each.problem))] for each in group]
        yield from aligned(rows, (width,), indent="  ")
        yield Text()
    yield Text(count(len(found), "finding") if found else "nothing was found")


def _routes(relay: Relay) -> int:
    return sum(1 for _ in named(relay.config.routes))


def _looked_at(seen: Seen, relay: Relay, missing: str | None) -> str:
    if missing or seen.first is None or seen.last is None:
        return f"no events looked at ({missing or 'there are none in this time'})"
    first, last = (moment.astimezone(relay.timezone).date() for moment in (seen.first, seen.last))
    return f"{count(seen.events, 'event')} looked at ({first} .. {last})"


def _record(found: Sequence[Finding], seen: Seen, relay: Relay, missing: str | None) -> dict[str, Any]:
    return {
        "events": seen.events,
        "from": plain(seen.first),
        "to": plain(seen.last),
        "history": missing or "read",
        "routes": _routes(relay),
        "findings": plain(found),
    }
