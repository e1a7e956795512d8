"""One event or one delivery with everything the ledger knows of it. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from relay import planning
from relay.cli import kept_quiet, ruled
from relay.cli.output import (
    ago,
    aligned,
    count,
    json_text,
    masked,
    plain,
    short,
    style_of,
    visible,
    visible_lines,
)
from relay.cli.report import event_line, labelled, result_of, route_lines, route_records
from relay.config import Config
from relay.model import DeliveryState, Event
from relay.policy import RuledBefore
from relay.routing import TraceLine, completed, from_record
from relay.sandbox import compile_condition
from relay.store import (
    AttemptRow,
    DeliveryDetail,
    DeliveryRow,
    EventDetail,
    EventRow,
    EventState,
)

PENDING = (DeliveryState.OPEN, DeliveryState.WAITING)


def what(row: EventRow) -> str:
    """What ran, and its number."""
    ran = " / ".join(name for name in (row.workflow, row.job) if name) or row.type or row.kind.value
    return ran if row.number is None else f"{ran} #{row.number}"


def when(row: DeliveryRow, now: datetime) -> str:
    """When it ended, or when it is due."""
    if row.state in PENDING:
        return "now" if row.due_at <= now else ago(row.due_at, now)
    return ago(row.finished_at, now)


def message_of(row: DeliveryRow) -> str:
    """What was said; what went wrong where it did."""
    is_done = row.state in (DeliveryState.DELIVERED, DeliveryState.SHADOW)
    failed = None if is_done else row.error
    return failed or row.title or ""


def raw_body(found: EventDetail, mask: Callable[[str], str]) -> str:
    """The webhook's body for reading; JSON stays the same JSON."""
    return readable(found.body, mask)


def readable(body: bytes, mask: Callable[[str], str]) -> str:
    """As `raw_body`, of any body."""
    text = body.decode("utf-8", "replace")
    try:
        return json_text(masked(json.loads(text), mask))
    except (ValueError, RecursionError):
        return visible_lines(mask(text))


def event_record(
    found: EventDetail,
    trace: Sequence[TraceLine],
    deliveries: Sequence[DeliveryDetail],
    later: RuledBefore | None = None,
) -> dict[str, Any]:
    """The event for scripts; the body is left to --raw."""
    return {
        **plain(found.row),
        "source_id": found.source_id,
        "content_type": found.content_type,
        "config": found.config,
        "event": plain(found.event),
        "routes": route_records(trace),
        "quiet": list(quiet_of(found)),
        "ruling": (found.decision or {}).get("ruling"),
        "came_of_it": plain(ruled.came_of_record(later)),
        "attempts": plain(found.attempts),
        "deliveries": [delivery_record(delivery) for delivery in deliveries],
    }


def delivery_record(found: DeliveryDetail) -> dict[str, Any]:
    """The delivery for scripts, as a list shows it and more."""
    record: dict[str, Any] = plain(found)
    return {**record.pop("row"), **record}


def in_order(found: EventDetail) -> tuple[DeliveryRow, ...]:
    """Its deliveries in the order in which routes reached their targets."""
    planned = planning.read_record(found.decision)[1] if found.decision else ()
    places = {delivery.target: place for place, delivery in reversed(tuple(enumerate(planned)))}
    return tuple(sorted(found.deliveries, key=lambda row: places.get(row.target, len(places))))


def trace_of(found: EventDetail, routes: Any) -> tuple[TraceLine, ...]:
    """What each route said; `routes` are those of the configuration that decided, if it is still known.

    The record holds the routes that were looked at closely. The others are told by the routes themselves.
    """
    recorded = planning.read_record(found.decision)[0].trace if found.decision else ()
    if not routes or found.event is None:
        return recorded
    return completed(recorded, found.event, from_record(routes, compile_condition))


def event_lines(
    found: EventDetail,
    trace: Sequence[TraceLine],
    deliveries: Sequence[DeliveryDetail],
    settings: Config,
    now: datetime,
    later: RuledBefore | None = None,
) -> Iterator[Text]:
    """Header and facts, routes as they were decided, deliveries with their attempts. later: what came of a
    failed run that was ruled on."""
    zone = ZoneInfo(settings.defaults.timezone)
    yield event_line(found.event) if found.event else _bare_line(found.row)
    yield from _facts(found, zone, now)
    if found.attempts:
        yield Text()
        yield Text("  planning failed")
        yield from _attempt_lines(found.attempts, zone)
    if found.decision:
        yield Text()
        yield from route_lines(trace)
        yield Text()
        yield from _deliveries(deliveries, zone, now)
        judged = ruled.lines(found.decision.get("ruling"), zone, later)
        yield from (Text(), *judged) if judged else ()
        quiet = kept_quiet.lines(quiet_of(found), zone)
        yield from (Text(), *quiet[:-1]) if quiet else ()


def quiet_of(found: EventDetail) -> Sequence[Mapping[str, Any]]:
    """The messages that were kept back, as the decision records them."""
    records: Sequence[Mapping[str, Any]] = (found.decision or {}).get("quiet", ())
    return records


def _bare_line(row: EventRow) -> Text:
    return labelled("event", f"{row.type or row.kind.value}  {row.generation.value}, not planned yet")


def _facts(found: EventDetail, zone: ZoneInfo, now: datetime) -> Iterator[Text]:
    row = found.row
    facts: Mapping[str, str | None] = {
        "id": row.id,
        "arrived": f"{_time(row.received_at, zone)}, {ago(row.received_at, now)}",
        "repeats": repeats_of(row, zone),
        "planning": None if row.state is EventState.PLANNED else _planning(row),
        "state": row.state_key,
        **(_facts_of(found.event) if found.event else {}),
        "config": found.config,
    }
    return (labelled(label, text) for label, text in facts.items() if text)


def repeats_of(row: EventRow, zone: ZoneInfo) -> str | None:
    """How often the same webhook came again, and when it did last."""
    if row.repeated_at is None:
        return None
    return f"received again {count(row.repeats, 'time')}, last {_time(row.repeated_at, zone)}"


def _planning(row: EventRow) -> str:
    if row.state is EventState.STUCK:
        return f"stuck: {row.error or 'no reason recorded'}; `relay replay {short(row.id)}` tries again"
    return "waits for a worker" + (f", failed before: {row.error}" if row.error else "")


def _facts_of(event: Event) -> dict[str, str | None]:
    previous = event.previous
    before = f" (before: {result_of(previous.number, previous.status)})" if previous.status else ""
    commit = " ".join(filter(None, (event.commit.short_sha, event.commit.subject)))
    return {
        "change": f"{event.change.value}{before}",
        "commit": commit,
        "author": _author(event),
        "url": event.url,
    }


def _author(event: Event) -> str:
    author = event.author
    named = " ".join(
        filter(None, (author.name or author.login, f"<{author.email}>" if author.email else None))
    )
    extra = [f"known as {author.known}" if author.known else None, "a bot" if author.bot else None]
    return ", ".join(filter(None, (named, *extra)))


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _deliveries(deliveries: Sequence[DeliveryDetail], zone: ZoneInfo, now: datetime) -> Iterator[Text]:
    if not deliveries:
        yield Text("  no deliveries: nobody was told")
        return
    rows = [[Text(word) for word in ("delivery", "id", "state", "tries", "when", "message")]]
    rows += [_delivery_cells(delivery.row, now) for delivery in deliveries]
    table = aligned(rows, indent="  ")
    yield table[0]
    for line, delivery in zip(table[1:], deliveries, strict=True):
        yield line
        yield from _attempt_lines(delivery.attempts, zone)


def _delivery_cells(row: DeliveryRow, now: datetime) -> list[Text]:
    state = Text(row.state.value, style=style_of(row.state.value))
    rest = (str(row.tries), when(row, now), visible(message_of(row)))
    return [Text(visible(row.target)), Text(short(row.id)), state, *map(Text, rest)]


def _attempt_lines(attempts: Iterable[AttemptRow], zone: ZoneInfo) -> Iterator[Text]:
    for attempt in attempts:
        took = (attempt.ended_at - attempt.started_at).total_seconds()
        status = f" {attempt.status}" if attempt.status else ""
        said = ": ".join(filter(None, (attempt.error, attempt.excerpt)))
        line = Text(f"    {attempt.number}. {_time(attempt.started_at, zone)}  ")
        line.append(f"{attempt.outcome.value}{status}", style=style_of(attempt.outcome.value))
        line.append(f" in {took:.2f} s")
        yield line.append(f"  {visible(said)}" if said else "")


def delivery_lines(found: DeliveryDetail, settings: Config, now: datetime) -> Iterator[Text]:
    """One delivery: what it is about, how it stands, every attempt."""
    zone, row = ZoneInfo(settings.defaults.timezone), found.row
    facts: Mapping[str, str | None] = {
        "delivery": f"{row.target}: {row.title or 'not rendered yet'}",
        "id": row.id,
        "state": _state(row, now),
        "made": f"{_time(row.created_at, zone)}, {ago(row.created_at, now)}",
        "route": ", also by ".join(filter(None, (row.route, ", ".join(found.also)))),
        "mention": ", ".join(found.mention),
        "about": ", ".join(found.event_ids),
        "group": row.group_key,
        "error": row.error,
    }
    yield from (labelled(label, text) for label, text in facts.items() if text)
    if found.attempts:
        yield Text()
        yield from _attempt_lines(found.attempts, zone)


def _state(row: DeliveryRow, now: datetime) -> str:
    failed = row.state in (DeliveryState.DEAD, DeliveryState.UNKNOWN)
    again = f"; `relay replay {short(row.id)}` sends it again" if failed else ""
    moment = when(row, now)
    return f"{row.state.value}{f', {moment}' if moment else ''}{again}"
