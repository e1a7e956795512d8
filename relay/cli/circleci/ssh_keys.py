"""Keys that let a project's builds into other machines."""

from pathlib import Path

import click

from relay.circleci.reading import objects, text
from relay.cli.circleci import asking, named
from relay.cli.circleci.command import V1, V1_1, call, of_project, project_option
from relay.cli.circleci.discretion import discreet
from relay.cli.circleci.failing import looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_json, show_table, show_words
from relay.cli.output import Mistake
from relay.secret import Secret


@click.group("ssh-key")
def ssh_key() -> None:
    """List, add and delete the keys with which a project's builds reach other machines."""


@call(V1_1, V1, group=ssh_key, name="list")
@of_project
def list_ssh_keys(session: Session, project: str | None) -> None:
    """List the keys, as the project's settings tell them."""
    slug = named.project(project)
    found = objects(session.classic.settings(slug, skip_branches=True).get("ssh_keys"))
    if session.as_json:
        show_json(session, discreet(found))
        return
    rows = [(text(each, "fingerprint"), text(each, "hostname")) for each in found]
    show_table(session, ("fingerprint", "host"), rows, empty=f"{slug} has no SSH keys")


@call(V1_1, V1, group=ssh_key, name="add")
@click.argument("host", metavar="HOST")
@project_option
@click.option(
    "--key-file", type=click.Path(dir_okay=False, path_type=Path), help="The file with the private key."
)
@click.option("--key-env", metavar="NAME", help="The variable of the environment with the private key.")
def add_ssh_key(
    session: Session, host: str, project: str | None, key_file: Path | None, key_env: str | None
) -> None:
    """Add a private key with which builds reach HOST. It is read from a file, a variable or a pipe.

    \b
      relay circleci ssh-key add deploy.example --key-file deploy_key
      pass deploy-key | relay circleci ssh-key add deploy.example
    """
    slug = named.project(project)
    key = _private_key(key_file, key_env)
    with looking_with(f"ssh-key list {slug}"):
        session.classic.add_ssh_key(slug, host, key.reveal())
    show_words(session, "", f"builds of {slug} can reach {host}")


def _private_key(file: Path | None, variable: str | None) -> Secret:
    if file and variable:
        raise Mistake("the key is in a file or in a variable, not in both")
    if file is None:
        return asking.secret_value("private key", variable, option="--key-file or --key-env")
    try:
        return Secret(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Mistake(f"{file} cannot be read: {reason}") from None


@call(V1_1, V1, group=ssh_key, name="delete")
@click.argument("host", metavar="HOST")
@click.argument("fingerprint", metavar="FINGERPRINT")
@project_option
def delete_ssh_key(session: Session, host: str, fingerprint: str, project: str | None) -> None:
    """Delete a key."""
    slug = named.project(project)
    session.classic.delete_ssh_key(slug, host, fingerprint)
    show_words(session, None, f"deleted SSH key {fingerprint} for {host} of {slug}")
