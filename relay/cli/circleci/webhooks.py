"""Webhooks: what makes CircleCI tell the relay of each ended job and workflow."""

import os
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
_SECRET_KEYS = {"signing-secret", "signing_secret"}

id_argument = click.argument("webhook_id", metavar="ID")
url_option = click.option("--url", "address", metavar="ADDRESS", help="Where to send them; https only.")
secret_option = click.option(
    "--secret-env", metavar="NAME", help="The variable of the environment with the signing secret."
)

verify_option = click.option(
    "--verify-tls/--no-verify-tls", default=None, help="Whether CircleCI checks the address's certificate."
)


def event_option(default: Sequence[str], words: str) -> Decorator:
    """Which events; none given leaves `default`."""
    return click.option(
        "--event",
        "events",
        multiple=True,
        type=click.Choice(EVENTS),
        default=default,
        help=f"{words} Repeatable.",
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


@call(group=webhook, name="create", has_url=True)
@of_project
@url_option
@click.option("--name", default="relay", show_default=True, help="What CircleCI calls it.")
@event_option(EVENTS, "What to tell of. Default: both.")
@secret_option
@verify_option
def create_webhook(
    session: Session,
    project: str | None,
    address: str | None,
    name: str,
    events: Sequence[str],
    secret_env: str | None,
    verify_tls: bool | None,
) -> None:
    """Make a webhook for a project: CircleCI then tells the relay of each job and workflow that ended.

    \b
      relay circleci webhook create
      relay circleci webhook create --url https://relay.example/hooks/circleci --event workflow-completed
      relay circleci webhook create acme/api --secret-env HOOK_SECRET

    Without --url it is server.public_url of relay.yaml with /hooks/circleci. The signing secret is the first
    of circleci.hooks.secrets in relay.yaml, unless --secret-env names a variable; without either it is read
    from CIRCLECI_WEBHOOK_SECRET, from a pipe, or asked for. It is never shown.
    """
    target = _address(session, address)
    secret, variable = _signing_secret(session, secret_env)
    scope = project_id(session, project)
    with looking_with(f"webhook list {scope}"):
        made = session.circle.v2.create_webhook(
            scope,
            name=name,
            url=target,
            signing_secret=secret,
            events=events,
            verify_tls=verify_tls is not False,
        )
    told = f"made webhook {made.id}: {' and '.join(events)} to {discreet_address(target)}"
    show_words(session, _answer(made), told)
    if not session.as_json:
        click.echo(_what_to_configure(variable), err=True)


def _address(session: Session, given: str | None) -> str:
    public = session.settings.server.public_url if session.settings else None
    address = given or (f"{public.rstrip('/')}{HOOK}" if public else None)
    if address is None:
        raise Mistake(f"say where to send them with --url https://your.host{HOOK}")
    if not address.startswith("https://"):
        raise Mistake("CircleCI sends webhooks to addresses that begin with https:// only")
    return address


def _signing_secret(session: Session, variable: str | None) -> tuple[Secret, str | None]:
    """The secret, and the variable it came from; None when relay.yaml has it already."""
    configured = session.settings.circleci.hooks.secrets if session.settings else ()
    if variable is None and configured:
        return configured[0], None
    chosen = variable or (SECRET if os.environ.get(SECRET) else None)
    secret = asking.secret_value("signing secret", chosen, option="--secret-env")
    return secret, None if secret in configured else chosen or SECRET


def _what_to_configure(variable: str | None) -> str:
    if variable is None:
        return "its secret is among circleci.hooks.secrets in relay.yaml"
    return (
        "the relay needs the same secret; in relay.yaml:\n\n"
        f'  circleci:\n    hooks:\n      secrets: ["${{{variable}}}"]'
    )


@call(group=webhook, name="update", has_url=True)
@id_argument
@url_option
@click.option("--name", help="What CircleCI calls it.")
@event_option((), "What to tell of from now on.")
@secret_option
@verify_option
def update_webhook(
    session: Session,
    webhook_id: str,
    address: str | None,
    name: str | None,
    events: Sequence[str],
    secret_env: str | None,
    verify_tls: bool | None,
) -> None:
    """Change what is given of a webhook, by its id.

    \b
      relay circleci webhook update 9f2d…  --secret-env NEW_SECRET
    """
    if not (address or name or events or secret_env or verify_tls is not None):
        raise Mistake("say what to change: --url, --name, --event, --secret-env or --verify-tls")
    with looking_with(f"webhook show {webhook_id}"):
        changed = session.circle.v2.update_webhook(
            webhook_id,
            name=name,
            url=_address(session, address) if address else None,
            signing_secret=asking.from_environment(secret_env, "--secret-env") if secret_env else None,
            events=events or None,
            verify_tls=verify_tls,
        )
    _show(session, changed)
    if secret_env and not session.as_json:
        click.echo(_what_to_configure(secret_env), err=True)


@call(group=webhook, name="delete")
@id_argument
def delete_webhook(session: Session, webhook_id: str) -> None:
    """Delete a webhook, by its id."""
    said = session.circle.v2.delete_webhook(webhook_id)
    show_words(session, {"message": said}, f"deleted webhook {webhook_id}: {said}")


def _show(session: Session, found: Webhook) -> None:
    if session.as_json:
        show_json(session, _answer(found))
        return
    facts: dict[str, Cell] = {
        "webhook": found.id,
        "name": found.name,
        "address": discreet_address(found.url),
        "events": ", ".join(found.events),
        "checks TLS": "no" if found.verify_tls is False else "yes",
        "made": _made(session, found),
    }
    show_facts(session, facts)


def _made(session: Session, found: Webhook) -> str:
    return ago(found.created_at, session.now)


def _answer(found: Webhook) -> dict[str, Any]:
    """As it came; CircleCI masks the signing secret, and where it did not, we do."""
    return {key: KEPT if key in _SECRET_KEYS and value else value for key, value in found.raw.items()}
