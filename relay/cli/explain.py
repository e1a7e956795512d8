"""`relay explain`: what would happen to a webhook, and why."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import click

from relay import moments, payloads, wiring
from relay.cli import ANSWER_IS_NO, rehearsal, report
from relay.cli.explained import Explained, Past
from relay.cli.explained import explain as work_out
from relay.cli.naming import find_notifier
from relay.cli.opening import missing_file, schema_problem
from relay.cli.output import Mistake, json_option, mask_lines, masked, print_json, print_lines, visible
from relay.config import Config
from relay.errors import PayloadError, StoreError, UsageError
from relay.ids import new_id
from relay.pipeline import Relay
from relay.planning import SHADOW, NewDelivery
from relay.store import Store, StoredEvent

NO_HISTORY = "no history yet"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """The database for reading, or why there is none."""

    store: Store | None = None
    missing: str | None = None


@click.command()
@click.argument("event", metavar="EVENT")
@click.option(
    "--at", metavar="TIME", help='As if it arrived then: "2026-11-23 21:15", in `defaults.timezone`.'
)
@click.option(
    "--payload", metavar="NOTIFIER", help="Print what this notifier would be sent, and nothing else."
)
@json_option
@click.pass_obj
def explain(path: str, event: str, at: str | None, payload: str | None, as_json: bool) -> None:
    """Say what would happen to a webhook, and why. Sends nothing and changes nothing.

    EVENT is a file with a webhook's body as CircleCI posts it (any accepted shape), `-` for standard input,
    or the id of an event in the ledger, which is then judged as of its arrival. Earlier results come from
    the database, when there is one.

    \b
      relay explain event.json
      relay explain event.json --at "2026-11-23 21:15"
      relay explain event.json --payload team-slack
      relay events                      ids of what arrived
      relay explain 4ksq2z8d            the same for one of them

    Every route gets a line: what became of it and the real value next to the wanted one.

    Exit status 0: something would be sent. 1: nothing would. 2: the event or configuration cannot be read.
    """
    settings = wiring.load_config(path)
    relay = wiring.build(settings)
    if payload is not None:
        find_notifier(payload, relay)
    with _looking(settings) as looked:
        hook = _read(event, looked)
        now = _moment(at, relay.timezone) if at else hook.received_at
        explained = _explain(event, hook, looked, relay, now)
    if payload is not None:
        _print_payload(payload, explained, as_json)
    else:
        _print_report(explained, as_json)
    is_sent = any(not each.settings.get(SHADOW) for each in explained.decided.deliveries)
    sys.exit(0 if is_sent else ANSWER_IS_NO)


@contextmanager
def _looking(settings: Config) -> Iterator[Looked]:
    """The database when there is one. A dry run goes on without it, and says so."""
    if missing_file(settings):
        yield Looked(missing=NO_HISTORY)
        return
    with Store.open(settings.store.reveal()) as store:
        problem = _problem(store)
        yield Looked(missing=f"no history: {problem}") if problem else Looked(store=store)


def _problem(store: Store) -> str | None:
    try:
        return schema_problem(store)
    except StoreError as error:
        return str(error)


def _explain(name: str, hook: StoredEvent, looked: Looked, relay: Relay, now: datetime) -> Explained:
    try:
        return work_out(hook, looked.store, Past(missing=looked.missing), relay, now)
    except PayloadError as error:
        raise Mistake(visible(f"{name}: {error}")) from error


def _read(name: str, looked: Looked) -> StoredEvent:
    """The webhook that is meant: standard input, a file, or an event in the ledger."""
    if name == "-":
        return _hook("standard input", sys.stdin.buffer.read())
    file = Path(name)
    try:
        return _hook(name, file.read_bytes())
    except (FileNotFoundError, ValueError):
        return _recorded(name, looked)
    except OSError as error:
        raise Mistake(visible(f"{name}: cannot be read: {error.strerror}")) from error


def _recorded(name: str, looked: Looked) -> StoredEvent:
    detail = looked.store.event(name) if looked.store else None
    if detail is None:
        where = "" if looked.store else f" ({looked.missing})"
        raise Mistake(visible(f"there is no file {name}, and no event with that id in the ledger{where}"))
    return StoredEvent(
        id=detail.row.id,
        received_at=detail.row.received_at,
        kind=detail.row.kind,
        generation=detail.row.generation,
        type=detail.row.type,
        source_id=detail.source_id,
        content_type=detail.content_type,
        body=detail.body,
    )


def _hook(name: str, body: bytes) -> StoredEvent:
    content_type = FORM if body.lstrip()[:1] not in (b"{", b"\xef") and b"payload=" in body else JSON
    try:
        peek = payloads.peek(body, content_type)
    except PayloadError as error:
        raise Mistake(visible(f"{name}: {error}")) from error
    return StoredEvent(
        id=new_id(),
        received_at=datetime.now(UTC),
        kind=peek.kind,
        generation=peek.generation,
        type=peek.type,
        source_id=peek.source_id,
        content_type=content_type,
        body=body,
    )


def _moment(text: str, timezone: tzinfo) -> datetime:
    """An aware UTC datetime; without an offset the text is meant in the configuration's timezone."""
    try:
        return moments.parse(text, timezone)
    except ValueError as error:
        raise Mistake(visible(f"--at: {error}")) from None


def _print_report(explained: Explained, as_json: bool) -> None:
    mask = explained.relay.config.masker
    if as_json:
        print_json(masked(report.as_record(explained), mask))
        return
    print_lines(mask_lines(report.lines(explained), mask))


def _print_payload(name: str, explained: Explained, as_json: bool) -> None:
    decided = explained.decided
    for delivery in decided.deliveries:
        if delivery.target == name:
            _print_one(delivery, explained, as_json)
            return
    raise UsageError(f"{name} would be sent nothing for this event; without --payload explain says why")


def _print_one(delivery: NewDelivery, explained: Explained, as_json: bool) -> None:
    payload = rehearsal.payload_of(delivery, explained.decided.event, explained.relay, explained.now)
    if as_json:
        print_json(payload)
    else:
        click.echo(rehearsal.shown(payload))
