"""Webhooks: what makes CircleCI tell the relay of each ended job and workflow."""

from collections.abc import Sequence
from typing import Any

import click

from relay.circleci.types.projects import Webhook
from relay.circleci.v2 import EVENTS
from relay.cli.circleci import asking
from relay.cli.circleci.command import Decorator, call, of_project
from relay.cli.circleci.discretion import discreet_address
from relay.cli.circleci.failing import looking_with
from relay.cli.circleci.projects import project_id
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import Cell, show_facts, show_json, show_table, show_words
from relay.cli.output import Mistake, ago
from relay.secret import Secret

SECRET = "CIRCLECI_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
HOOK = "/hooks/circleci"
KEPT = "****"  # as CircleCI masks it

id_argument = click.argument("webhook_id", metavar="ID")
url_option = click.option("--to", "address", metavar="ADDRESS", help="Where to send them; https only.")
secret_option = click.option(
    "--secret-env", metavar="NAME", help="The variable of the environment with the signing secret."
)


def event_option(default: Sequence[str]) -> Decorator:
    """Which events; none given leaves `default`."""
    return click.option(
        "--event", "events", multiple=True, type=click.Choice(EVENTS), default=default, help="Repeatable."
    )


@click.group()
def webhook() -> None:
    """List, make, change and delete the webhooks of a project. Signing secrets are never shown."""


@call(group=webhook, name="list")
@of_project
def list_webhooks(session: Session, project: str | None) -> None:
    """List a project's webhooks, of which there can be five.

    What looks like a token in an address is shown as ***; --json has all but the signing secret.
    """
    found = list(session.circle.v2.webhooks(project_id(session, project)))
    if session.as_json:
        show_json(session, [_answer(each) for each in found])
        return
    rows = [
        (each.id, each.name, discreet_address(each.url), ", ".join(each.events), _made(session, each))
        for each in found
    ]
    show_table(session, ("webhook", "name", "address", "events", "made"), rows, empty="no webhooks")


@call(group=webhook, name="show")
@id_argument
def show_webhook(session: Session, webhook_id: str) -> None:
    """Show one webhook, by its id."""
    _show(session, session.circle.v2.webhook(webhook_id))
