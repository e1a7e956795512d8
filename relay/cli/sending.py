"""`relay send-test`: one clearly marked message through the real renderer and notifier."""

import sys
from dataclasses import replace
from datetime import UTC, datetime

import click

from relay import pipeline, wiring
from relay.cli import ANSWER_IS_NO, rehearsal
from relay.cli.naming import find_notifier
from relay.cli.output import json_option, print_json, visible
from relay.ids import new_id
from relay.model import AttemptOutcome, Event, EventKind, Generation, Level, Project
from relay.pipeline import Relay
from relay.planning import NewDelivery
from relay.store import Finish, as_stored
from relay.transport import Transport

ROUTE = "send-test"
REMEDIES = {
    401: "check the notifier's token or password",
    403: "check that the token may post there",
    404: "check the notifier's address; it may have been removed",
    410: "the address is gone for good; make a new one",
    429: "too many messages; wait a little and try again",
}
OF_RESULTS = "it speaks of results only; `relay explain EVENT --payload NAME` shows what it would send"
SHADOWED = "nothing was sent, the notifier is in shadow"
OUT_OF_SHADOW = "take `shadow` out of its settings to try it"
SETTINGS = "check the notifier's settings"
UNREACHABLE = "check the address, and that this machine can reach it"
LATER = "the service has trouble; a real message would be tried again"


@click.command("send-test", short_help="Send one test message to a notifier.")
@click.argument("notifier")
@json_option
@click.pass_obj
def send_test(path: str, notifier: str, as_json: bool) -> None:
    """Send one clearly marked test message, and say what the service answered.

    NOTIFIER is a name under `notifiers` in the configuration. The message takes the same way as a real one,
    except that it is tried once and that the ledger does not keep it.

    \b
      relay send-test team-slack

    Exit status 0: delivered. 1: not. 2: no such notifier, or the configuration has faults.
    """
    relay = wiring.build(wiring.load_config(path))
    find_notifier(notifier, relay)
    if as_json:
        relay = replace(relay, transport=Transport(stream=sys.stderr))
    try:
        finish = _send(notifier, relay)
    finally:
        relay.transport.close()
    _tell(notifier, finish, as_json)
    sys.exit(0 if _was_delivered(finish) else ANSWER_IS_NO)


def event_to_send(notifier: str, now: datetime) -> Event:
    """An event of the relay's own, so that nobody takes it for a result."""
    return Event(
        id=new_id(),
        kind=EventKind.RELAY,
        generation=Generation.OURS,
        project=Project(slug="relay", name="relay"),
        notes={"text": f"test message: notifier {notifier} works", "level": Level.INFO.value},
        received_at=now,
    )


def _send(name: str, relay: Relay) -> Finish:
    now, target = _now(), relay.targets[name]
    new = NewDelivery(id=new_id(), target=name, kind=target.kind, destination=target.destination, route=ROUTE)
    delivery = as_stored(new, event_to_send(name, now), now)
    return pipeline.deliver_one(rehearsal.claim_of(delivery), delivery, relay, _now)


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(name: str, finish: Finish, as_json: bool) -> None:
    if as_json:
        print_json(_record(name, finish))
        return
    if _was_nothing_sent(finish):
        click.echo(visible(f"{name}: nothing was sent: {finish.answer.excerpt}"))
        click.echo(OF_RESULTS)
        return
    if finish.outcome is not AttemptOutcome.DELIVERED:
        why = SHADOWED if finish.outcome is AttemptOutcome.SHADOW else finish.error
        click.echo(visible(f"{name}: not delivered: {why}"))
        click.echo(remedy(finish))
    elif finish.error:
        click.echo(visible(f"{name}: delivered without its template: {finish.error}"))
    else:
        click.echo(f"{name}: delivered")
    if finish.answer.excerpt:
        click.echo(visible(f"it answered: {finish.answer.excerpt}"))


def _was_delivered(finish: Finish) -> bool:
    return finish.outcome is AttemptOutcome.DELIVERED and not _was_nothing_sent(finish)


def _was_nothing_sent(finish: Finish) -> bool:
    """A notifier that only speaks of results has nothing to say in a test, and says so."""
    is_done = finish.outcome is AttemptOutcome.DELIVERED
    return is_done and finish.answer.status is None and bool(finish.answer.excerpt)


def remedy(finish: Finish) -> str:
    """What to do about a message that did not arrive."""
    if finish.outcome is AttemptOutcome.SHADOW:
        return OUT_OF_SHADOW
    status, may_pass = finish.answer.status, finish.outcome is AttemptOutcome.TEMPORARY
    if status in REMEDIES:
        return REMEDIES[status]
    if status is None and may_pass:
        return UNREACHABLE
    return LATER if may_pass else SETTINGS


def _record(name: str, finish: Finish) -> dict[str, object]:
    delivered = _was_delivered(finish)
    return {
        "notifier": name,
        "delivered": delivered,
        "title": finish.title,
        "status": finish.answer.status,
        "answer": finish.answer.excerpt,
        "error": finish.error,
        "remedy": None if delivered else remedy(finish),
    }
