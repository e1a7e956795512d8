"""Keys that CircleCI checks a project's code out with."""

import click

from relay.circleci.types.projects import CheckoutKey
from relay.cli.circleci import named
from relay.cli.circleci.command import V1, V1_1, call, of_project, project_option
from relay.cli.circleci.failing import looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import Cell, show_list, show_one, show_words
from relay.cli.output import ago

TYPES = ("deploy-key", "github-user-key")

fingerprint_argument = click.argument("fingerprint", metavar="FINGERPRINT")


@click.group("checkout-key")
def checkout_key() -> None:
    """List, make and delete the keys that a project's code is checked out with."""


@call(V1_1, V1, group=checkout_key, name="list")
@of_project
@click.option("--digest", type=click.Choice(["md5", "sha256"]), help="The form of fingerprints. Only v1.1.")
def list_checkout_keys(session: Session, project: str | None, digest: str | None) -> None:
    """List the keys."""

    def row(each: CheckoutKey) -> tuple[Cell, ...]:
        used = "yes" if each.preferred else ""
        return each.fingerprint, each.type, used, ago(each.created_at, session.now)

    slug = named.project(project)
    found = session.classic.checkout_keys(slug, digest=digest)
    headings = ("fingerprint", "type", "in use", "made")
    show_list(session, found, headings, row, empty=f"{slug} has no checkout keys")


@call(V1_1, V1, group=checkout_key, name="show")
@fingerprint_argument
@project_option
def show_checkout_key(session: Session, fingerprint: str, project: str | None) -> None:
    """Show one key."""
    found = session.classic.checkout_key(named.project(project), fingerprint)
    show_one(session, found, _facts(session, found))


@call(V1_1, V1, group=checkout_key, name="add")
@project_option
@click.option("--type", "type_", type=click.Choice(TYPES), default=TYPES[0], show_default=True)
def add_checkout_key(session: Session, project: str | None, type_: str) -> None:
    """Make a key.

    CircleCI makes it and puts its public half on GitHub: a deploy-key on the repository, a github-user-key on
    your account.
    """
    slug = named.project(project)
    with looking_with(f"checkout-key list {slug}"):
        found = session.classic.create_checkout_key(slug, type_)
    show_one(session, found, _facts(session, found))


def _facts(session: Session, found: CheckoutKey) -> dict[str, Cell]:
    return {
        "fingerprint": found.fingerprint,
        "type": found.type,
        "in use": "yes" if found.preferred else "no",
        "made": ago(found.created_at, session.now),
        "public key": (found.public_key or "").strip(),
    }


@call(V1_1, V1, group=checkout_key, name="delete")
@fingerprint_argument
@project_option
def delete_checkout_key(session: Session, fingerprint: str, project: str | None) -> None:
    """Delete a key."""
    slug = named.project(project)
    said = session.classic.delete_checkout_key(slug, fingerprint)
    show_words(session, {"message": said}, f"deleted checkout key {fingerprint} of {slug}: {said}")
