"""`relay events`, `event`, `deliveries`, `replay` and `prune`: what arrived and what became of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from relay import durations
from relay.cli import detail
from relay.cli.naming import hint_at_target
from relay.cli.opening import ledger
from relay.cli.options import limit_option, word_option
from relay.cli.output import (
    Mistake,
    ago,
    count,
    json_option,
    mask_lines,
    masked,
    plain,
    print_json,
    print_lines,
    print_table,
    short,
    visible,
)
from relay.config import Config
from relay.errors import UsageError
from relay.model import Change, DeliveryState, Status
from relay.store import (
    DeliveryDetail,
    DeliveryFilter,
    DeliveryRow,
    EventDetail,
    EventFilter,
    EventRow,
    EventState,
    Pruned,
    Store,
)

MOST_IDS = 10  # ids of what was put back, in words
KEEP = "90d"

Found = TypeVar("Found", EventDetail, DeliveryDetail)


@click.command()
@limit_option
@click.option("--project", metavar="SLUG", help="Only of this project, such as gh/acme/api.")
@click.option("--branch", metavar="NAME", help="Only of this branch.")
@word_option("--status", Status, "Only results of this status")
@word_option("--change", Change, "Only those that did this to their branch")
@word_option("--state", EventState, "Only those in this state of planning")
@click.option("--before", metavar="ID", help="Go on after this event, further into the past.")
@json_option
@click.pass_obj
def events(path: str, /, limit: int, before: str | None, as_json: bool, **wanted: Any) -> None:
    """List what arrived, the newest first.

    \b
      relay events
      relay events --branch main --change broke
      relay events --state stuck
      relay events --limit 50 --before 4ksq2z8d      the next page

    The id in the first column is the end of the whole one, and enough for `relay event` and the others.
    """
    with ledger(path) as (settings, store):
        start = _found(store.event, "event", before).row.id if before else None
        rows = store.events(limit, start, EventFilter(**wanted))
        if as_json:
            print_json(masked(plain(rows), settings.masker))
            return
        now = store.now()
        headings = ("id", "arrived", "project", "what", "status", "change", "where", "author", "messages")
        cells = [[settings.masker(cell) for cell in _event_cells(row, store, now)] for row in rows]
        print_table(headings, cells, empty="no events")


def _event_cells(row: EventRow, store: Store, now: datetime) -> tuple[str, ...]:
    return (
        short(row.id),
        ago(row.received_at, now),
        row.project or "",
        detail.what(row),
        row.status.value if row.status else "",
        row.change.value if row.change else "",
        f"tag {row.tag}" if row.tag else row.branch or "",
        row.author or "",
        _messages(row, store),
    )


def _messages(row: EventRow, store: Store) -> str:
    """What became of its deliveries; the event's own state while it has none."""
    if row.state is not EventState.PLANNED:
        return row.state.value
    found = store.deliveries(wanted=DeliveryFilter(event_id=row.id))
    states = Counter(delivery.state for delivery in found)
    if states.total() == 1:
        return found[0].state.value
    return ", ".join(f"{states[state]} {state}" for state in DeliveryState if states[state]) or "none"


@click.command(short_help="Show one event and all that became of it.")
@click.argument("event_id", metavar="ID")
@click.option("--raw", is_flag=True, help="Print the webhook's body, secrets masked, and nothing else.")
@json_option
@click.pass_obj
def event(path: str, event_id: str, raw: bool, as_json: bool) -> None:
    """Show one event: its facts, what each route said, its deliveries and their attempts.

    ID is a whole id, or six or more characters that only this one begins or ends with.

    \b
      relay event 4ksq2z8d
      relay event 4ksq2z8d --raw > event.json
      relay explain 4ksq2z8d                       what today's configuration would do with it
    """
    with ledger(path) as (settings, store):
        found = _found(store.event, "event", event_id)
        if raw:
            click.echo(detail.raw_body(found, settings.masker))
            return
        deliveries = tuple(each for row in detail.in_order(found) if (each := store.delivery(row.id)))
        trace = detail.trace_of(found, store.config(found.config) if found.config else None)
        later = store.ruled([found.row.id]).get(found.row.id)
        if as_json:
            print_json(masked(detail.event_record(found, trace, deliveries, later), settings.masker))
        else:
            told = detail.event_lines(found, trace, deliveries, settings, store.now(), later)
            print_lines(mask_lines(told, settings.masker))


@click.command(short_help="List messages and what became of them.")
@click.argument("delivery_id", metavar="[ID]", required=False)
@limit_option
@word_option("--state", DeliveryState, "Only those in this state")
@click.option("--target", metavar="NOTIFIER", help="Only those to this notifier.")
@click.option("--event", "event_id", metavar="ID", help="Only those about this event.")
@click.option("--before", metavar="ID", help="Go on after this delivery, further into the past.")
@json_option
@click.pass_obj
def deliveries(
    path: str,
    /,
    delivery_id: str | None,
    limit: int,
    event_id: str | None,
    before: str | None,
    as_json: bool,
    **wanted: Any,
) -> None:
    """List messages and what became of them, the newest first; with an ID, show one with its attempts.

    \b
      relay deliveries --state dead
      relay deliveries --target team-slack --limit 5
      relay deliveries --event 4ksq2z8d
      relay deliveries 9w1m6c0t
    """
    with ledger(path) as (settings, store):
        if delivery_id:
            _show_delivery(_found(store.delivery, "delivery", delivery_id), settings, store, as_json)
            return
        about = _found(store.event, "event", event_id).row.id if event_id else None
        start = _found(store.delivery, "delivery", before).row.id if before else None
        rows = store.deliveries(limit, start, DeliveryFilter(event_id=about, **wanted))
        if as_json:
            print_json(masked(plain(rows), settings.masker))
            return
        empty = hint_at_target(wanted["target"], settings) or "no deliveries"
        _print_deliveries(rows, settings, store.now(), empty)


def _print_deliveries(rows: Sequence[DeliveryRow], settings: Config, now: datetime, empty: str) -> None:
    headings = ("id", "made", "target", "state", "tries", "when", "route", "message")
    cells = [
        (
            short(row.id),
            ago(row.created_at, now),
            row.target,
            row.state.value,
            row.tries,
            detail.when(row, now),
            row.route,
            settings.masker(detail.message_of(row)),
        )
        for row in rows
    ]
    print_table(headings, cells, empty=empty)


def _show_delivery(found: DeliveryDetail, settings: Config, store: Store, as_json: bool) -> None:
    if as_json:
        print_json(masked(detail.delivery_record(found), settings.masker))
    else:
        told = detail.delivery_lines(found, settings, store.now())
        print_lines(mask_lines(told, settings.masker))


def _found(look_up: Callable[[str], Found | None], what: str, text: str) -> Found:
    """UsageError when there is none; the store raises it when there are several."""
    found = look_up(text)
    if found is None:
        raise UsageError(visible(f"there is no {what} {text}; `relay {_listing(what)}` lists them"))
    return found


def _listing(what: str) -> str:
    return "events" if what == "event" else "deliveries"


@click.command(short_help="Put failed deliveries back into the queue.")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--dead", is_flag=True, help="All deliveries that were given up.")
@click.option("--target", metavar="NOTIFIER", help="With --dead: only those to this notifier.")
@click.option("--stuck", is_flag=True, help="All events that could not be planned.")
@click.option("--force", is_flag=True, help="With IDs: send delivered ones again, too.")
@json_option
@click.pass_obj
def replay(
    path: str, ids: tuple[str, ...], dead: bool, target: str | None, stuck: bool, force: bool, as_json: bool
) -> None:
    """Put failed deliveries, or events that are stuck, back into the queue.

    IDs are those of deliveries or events; a running worker takes them up at once. Either all of the IDs go
    back or none does.

    \b
      relay replay 9w1m6c0t
      relay replay --dead --target team-slack     once Slack is well again
      relay replay --stuck
    """
    _check_replay(ids, dead=dead, target=target, stuck=stuck, force=force)
    with ledger(path) as (settings, store):
        back = list(store.replay(ids, force=force)) if ids else []
        back += _all_of(lambda: store.replay_state(DeliveryState.DEAD, target=target)) if dead else []
        back += _all_of(store.replay_stuck) if stuck else []
        hint = hint_at_target(target, settings)
    if as_json:
        print_json({"replayed": back})
    elif back:
        shown = ", ".join(map(short, back[:MOST_IDS])) + (", …" if len(back) > MOST_IDS else "")
        click.echo(f"{len(back):,} put back into the queue: {shown}")
    else:
        click.echo(hint or f"nothing is {' or '.join(_states(dead, stuck))}, nothing was put back")


def _states(dead: bool, stuck: bool) -> list[str]:
    return [word for word, asked in (("dead", dead), ("stuck", stuck)) if asked]


def _check_replay(ids: Sequence[str], *, dead: bool, target: str | None, stuck: bool, force: bool) -> None:
    if not ids and not dead and not stuck:
        raise Mistake("say what to replay: IDs, --dead or --stuck")
    if ids and (dead or stuck):
        raise Mistake("either IDs, or --dead and --stuck")
    if target is not None and not dead:
        raise Mistake("--target goes with --dead")
    if force and not ids:
        raise Mistake("--force goes with IDs")


def _all_of(put_back: Callable[[], Sequence[str]]) -> list[str]:
    """Call until nothing new comes; what fails again meanwhile is left alone."""
    back: dict[str, None] = {}
    while new := [id_ for id_ in put_back() if id_ not in back]:
        back.update(dict.fromkeys(new))
    return list(back)


@click.command()
@click.option("--older-than", metavar="TIME", default=KEEP, show_default=True, help="Such as 90d or 12h.")
@json_option
@click.pass_obj
def prune(path: str, older_than: str, as_json: bool) -> None:
    """Forget old events and their deliveries.

    What is still owed stays, however old, and so does what judging the next result of a branch needs. Safe
    beside a running relay.

    \b
      relay prune
      relay prune --older-than 30d
    """
    age = _age(older_than)
    with ledger(path) as (settings, store):
        now = store.now()
        before = _before(now, age)
        slots_before = min(before, now - timedelta(seconds=settings.defaults.keep))
        pruned = store.prune(before, slots_before=slots_before)
    if as_json:
        print_json(plain(pruned))
    else:
        click.echo(f"forgot {_pruned(pruned)} older than {older_than}")


def _age(text: str) -> timedelta:
    """A bare number is refused: 90 would be seconds, and days are meant."""
    try:
        if text.strip().replace(".", "").isdigit():
            raise ValueError(text)  # noqa: TRY301 - the same answer as for any other unreadable text
        return timedelta(seconds=durations.parse(text))
    except (ValueError, OverflowError):
        raise Mistake(visible(f"--older-than: {text} is not a duration; write 90d or 12h")) from None


def _before(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _pruned(pruned: Pruned) -> str:
    outcomes = count(pruned.outcomes, "result", "results")
    delivery = count(pruned.deliveries, "delivery", "deliveries")
    return f"{count(pruned.events, 'event')}, {delivery} and {outcomes}"
