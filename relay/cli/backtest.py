"""`relay backtest`: what another configuration would have sent."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from relay import wiring
from relay.backtest import Change, Comparison, Difference, Span, TargetChange, Told, compare
from relay.cli import ANSWER_IS_NO
from relay.cli.moments import since
from relay.cli.opening import ledger
from relay.cli.output import (
    Mistake,
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
from relay.ids import time_of
from relay.model import Conversation
from relay.pipeline import Relay
from relay.store import EventState, Store

MOST = 50_000
WARM = timedelta(days=8)  # repeated before the start, so that a weekly message that was open is known
NUMBERS = 5  # events are named when they are not more
INTERRUPTED = 130  # the status of what was interrupted
SKIPPED = {EventState.STUCK.value: "could not be planned", EventState.NEW.value: "not planned yet"}


@click.command(short_help="What another configuration would have sent.")
@click.option(
    "--config", "new", metavar="FILE", help="The configuration to try; else the one that is in use."
)
@click.option(
    "--since", "back_to", metavar="TIME", default="7d", show_default=True, help="7d, 12h or 2026-11-16."
)
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(1),
    metavar="COUNT",
    default=MOST,
    show_default=True,
    help="At most so many events, the newest.",
)
@click.option(
    "--show", "target", metavar="TARGET", help="List what differs at this notifier or action, event by event."
)
@json_option
@click.pass_obj
def backtest(path: str, new: str | None, back_to: str, limit: int, target: str | None, as_json: bool) -> None:
    """Decide past events again with another configuration, and print what differs. Sends nothing.

    Events come from the database of the configuration in use, each with the time at which it was planned.
    What services answered is taken from there too.

    \b
      relay backtest --config new.yaml
      relay backtest --config new.yaml --since 30d
      relay backtest --config new.yaml --show team-slack

    Exit status 0: nothing differs. 1: something does. 2: a configuration or the database cannot be read.
    """
    used = path if new is None or Path(path).exists() else new
    relay = wiring.build(wiring.load_config(new or path))
    with ledger(used) as (_, store):
        try:
            found = _compare(store, relay, back_to, limit)
        except KeyboardInterrupt:
            _end_progress()
            sys.exit(INTERRUPTED)
    if target is not None and target not in {*relay.targets, *found.before, *found.after}:
        raise Mistake(visible(f"--show: no notifier or action is called {target}"))
    mask = relay.config.masker
    if as_json:
        print_json(masked(_record(found), mask))
    else:
        print_lines(mask_lines(_lines(found, relay, target), mask))
    sys.exit(ANSWER_IS_NO if found.has_differences else 0)


def _compare(store: Store, relay: Relay, back_to: str, limit: int) -> Comparison:
    end = store.now()
    start = since(back_to, datetime.now(UTC), relay.timezone)
    oldest = store.past.oldest_of(limit, *Span(warm=start, start=start, end=end).ids)
    start = max(start, time_of(oldest)) if oldest else start
    span = Span(warm=start - WARM, start=start, end=end, first=oldest or "")
    progress = _Progress()
    found = compare(store.past, relay, span, progress)
    _end_progress()
    return found


class _Progress:
    """Counts on standard error while somebody looks."""

    def __init__(self) -> None:
        self._read = 0

    def __call__(self, more: int) -> None:
        self._read += more
        if sys.stderr.isatty():
            click.echo(f"\r{count(self._read, 'event')} read", nl=False, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo(err=True)


def _lines(found: Comparison, relay: Relay, target: str | None) -> Iterator[Text]:
    yield Text(visible(_headline(found, relay)))
    yield from (Text(visible(note)) for note in _notes(found, relay))
    rows = [_row(each, relay) for each in found.targets()]
    yield from aligned(rows, indent="  ")
    if target is not None:
        yield Text()
        shown = [_event_row(each, relay) for each in found.differences if each.target == target]
        yield from aligned(shown, indent="  ") if shown else [Text(visible(f"nothing differs at {target}"))]


def _headline(found: Comparison, relay: Relay) -> str:
    done = found.replayed
    if done.first is None or done.last is None:
        return "no events to replay in this time"
    first, last = (moment.astimezone(relay.timezone).date() for moment in (done.first, done.last))
    differ = "no decision differs"
    if found.decisions:
        differ = f"{count(found.decisions, 'decision')} {'differs' if found.decisions == 1 else 'differ'}"
    return f"{count(done.events, 'event')} replayed ({first} .. {last}), {differ}"


def _notes(found: Comparison, relay: Relay) -> Iterator[str]:
    done = found.replayed
    if len(done.configs) > 1:
        when = max(done.configs.values()).astimezone(relay.timezone)
        yield (
            f"planned by {len(done.configs)} configurations; what differs may come from the change at"
            f" {when:%Y-%m-%d %H:%M}"
        )
    skipped = [f"{number:,} {SKIPPED.get(state, state)}" for state, number in sorted(done.unplanned.items())]
    if skipped:
        yield f"left out: {', '.join(skipped)}"
    if done.refused:
        id, why = next(iter(done.refused.items()))
        yield f"{count(len(done.refused), 'event')} cannot be decided again; the first is {id}: {why}"
    if done.old:
        yield (
            f"{count(done.old, 'event')} planned by an older relay, which did not note the time; taken as"
            " planned on arrival"
        )


def _row(each: TargetChange, relay: Relay) -> list[Text]:
    counts = f"{each.before:,} -> {each.after:,} {_unit(each, relay)}"
    return [Text(visible(each.target)), Text(counts), Text(visible(", ".join(map(_said, each.changes))))]


def _unit(each: TargetChange, relay: Relay) -> str:
    if each.kind != "notify":
        return "times"
    spec = relay.targets.get(each.target)
    return "incidents" if spec and spec.conversation is Conversation.STATE else "messages"


def _said(each: Change) -> str:
    """`-116 still_failing (throttle 4h)`, or the numbers of a few: `+ #7701 #7745 (trunk-broke)`."""
    sign = {1: "+", -1: "-"}.get(each.gain, "~")
    numbers = [one.number for one in each.events]
    if len(numbers) <= NUMBERS and None not in numbers:
        named = " ".join(f"#{number}" for number in numbers)
        return f"{sign} {named} ({each.why})"
    if each.why == "grouped":
        return f"{sign}{len(numbers):,} grouped"
    return f"{sign}{len(numbers):,} {each.change} ({each.why})"


def _event_row(each: Difference, relay: Relay) -> list[Text]:
    at = each.received_at.astimezone(relay.timezone)
    number = f"#{each.number}" if each.number is not None else ""
    cells = [each.event_id, f"{at:%Y-%m-%d %H:%M}", number, each.change, _told(each.before)]
    return [*(Text(visible(cell)) for cell in cells), Text(visible(f"-> {_told(each.after)}"))]


def _told(told: Told | None) -> str:
    if told is None:
        return "no route"
    due = f" at {told.due:%Y-%m-%d %H:%M} UTC" if told.due else ""
    because = f" ({told.control}: {told.reason})" if told.control else ""
    return f"{told.became.value}{due} by {told.route}{because}"


def _record(found: Comparison) -> dict[str, Any]:
    done = found.replayed
    return {
        "events": done.events,
        "from": plain(done.first),
        "to": plain(done.last),
        "decisions_that_differ": found.decisions,
        "configurations": plain(done.configs),
        "left_out": dict(done.unplanned),
        "refused": done.refused,
        "without_time": done.old,
        "targets": [
            {
                "target": each.target,
                "kind": each.kind,
                "before": each.before,
                "after": each.after,
                "changes": [
                    {
                        "gain": change.gain,
                        "change": change.change,
                        "why": change.why,
                        "events": [one.event_id for one in change.events],
                    }
                    for change in each.changes
                ],
            }
            for each in found.targets()
        ],
        "differences": plain(found.differences),
    }
