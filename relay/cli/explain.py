"""`relay explain`: what would happen to a webhook, and why."""

import sys
from datetime import datetime

import click

from relay import wiring
from relay.cli import ANSWER_IS_NO, rehearsal, report, whynot
from relay.cli.explained import Explained, Past
from relay.cli.explained import explain as work_out
from relay.cli.moments import moment
from relay.cli.naming import find_notifier
from relay.cli.opening import Looked, looking, read_hook
from relay.cli.output import Mistake, json_option, mask_lines, masked, print_json, print_lines, visible
from relay.errors import PayloadError, UsageError
from relay.pipeline import Relay
from relay.planning import SHADOW, NewDelivery
from relay.store import StoredEvent


@click.command()
@click.argument("event", metavar="EVENT")
@click.option(
    "--at", metavar="TIME", help='As if it arrived then: "2026-11-23 21:15", in `defaults.timezone`.'
)
@click.option(
    "--payload", metavar="NOTIFIER", help="Print what this notifier would be sent, and nothing else."
)
@click.option(
    "--why-not",
    metavar="ROUTE",
    help="One route: each condition, and what would have to change for it to fire.",
)
@json_option
@click.pass_obj
def explain(
    path: str, event: str, at: str | None, payload: str | None, why_not: str | None, as_json: bool
) -> None:
    """Say what would happen to a webhook, and why. Sends nothing and changes nothing.

    EVENT is a file with a webhook's body as CircleCI posts it (any accepted shape), `-` for standard input,
    or the id of an event in the ledger, which is then judged as of its arrival. Earlier results come from
    the database, when there is one.

    \b
      relay explain event.json
      relay explain event.json --at "2026-11-23 21:15"
      relay explain event.json --payload team-slack
      relay explain event.json --why-not trunk-fixed
      relay events                      ids of what arrived
      relay explain 4ksq2z8d            the same for one of them

    Every route gets a line: what became of it and the real value next to the wanted one.

    Exit status 0: something would be sent; with --why-not, the route fires. 1: nothing would; it does not. 2:
    the event or configuration cannot be read.
    """
    if payload is not None and why_not is not None:
        raise Mistake("either --payload or --why-not")
    settings = wiring.load_config(path)
    relay = wiring.build(settings)
    if payload is not None:
        find_notifier(payload, relay)
    with looking(settings) as looked:
        hook = read_hook(event, looked)
        now = moment(at, relay.timezone, "--at") if at else hook.received_at
        explained = _explain(event, hook, looked, relay, now)
    if why_not is not None:
        sys.exit(_print_account(why_not, explained, as_json))
    if payload is not None:
        _print_payload(payload, explained, as_json)
    else:
        _print_report(explained, as_json)
    is_sent = any(not each.settings.get(SHADOW) for each in explained.decided.deliveries)
    sys.exit(0 if is_sent else ANSWER_IS_NO)


def _explain(name: str, hook: StoredEvent, looked: Looked, relay: Relay, now: datetime) -> Explained:
    try:
        return work_out(hook, looked.store, Past(missing=looked.missing), relay, now)
    except PayloadError as error:
        raise Mistake(visible(f"{name}: {error}")) from error


def _print_report(explained: Explained, as_json: bool) -> None:
    mask = explained.relay.config.masker
    if as_json:
        print_json(masked(report.as_record(explained), mask))
        return
    print_lines(mask_lines(report.lines(explained), mask))


def _print_account(name: str, explained: Explained, as_json: bool) -> int:
    """The exit status."""
    found, mask = whynot.account_of(name, explained), explained.relay.config.masker
    if as_json:
        print_json(masked(whynot.as_record(found, explained), mask))
    else:
        print_lines(mask_lines(whynot.lines(found, explained), mask))
    return 0 if found.fires else ANSWER_IS_NO


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
