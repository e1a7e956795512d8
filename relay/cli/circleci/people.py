"""`me`, `collaborations`, and the keys of the token's owner."""

import click

from relay.circleci.types.projects import Collaboration
from relay.cli.circleci import asking
from relay.cli.circleci.command import V1, V1_1, V2, call
from relay.cli.circleci.discretion import discreet, secrets_option
from relay.cli.circleci.failing import looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_facts, show_json, show_list, show_words


@call(V2, V1_1, V1)
@secrets_option
def me(session: Session, with_secrets: bool) -> None:
    """Show whose token this is.

    \b
      relay circleci me
      CIRCLECI_TOKEN=$OTHER relay circleci me --api v1.1 --json

    v2 tells login, name and id; v1 and v1.1 much more, which --json prints.
    """
    found = session.circle.v2.me() if session.version is V2 else session.classic.me()
    if session.as_json:
        show_json(session, discreet(found.raw, with_secrets))
    else:
        show_facts(session, {"login": found.login, "name": found.name, "id": found.id, "email": found.email})


@call()
def collaborations(session: Session) -> None:
    """List the organisations you belong to."""

    def row(each: Collaboration) -> tuple[str | None, ...]:
        return each.slug, each.name, each.vcs, each.id

    found = session.circle.v2.collaborations()
    show_list(session, found, ("slug", "name", "vcs", "id"), row, empty="no organisations")


@call(V1_1, V1, name="add-ssh-key")
def add_ssh_key(session: Session) -> None:
    """Put an SSH key of CircleCI on your GitHub account.

    For the key of one project, to reach a host from its builds, see `relay circleci ssh-key add`.
    """
    with looking_with("checkout-key list"):
        answer = session.classic.add_user_ssh_key()
    show_words(session, answer, "CircleCI put an SSH key on your GitHub account")


@call(V1_1, V1, name="add-heroku-key")
@click.option("--key-env", metavar="NAME", help="The variable of the environment that holds the key.")
def add_heroku_key(session: Session, key_env: str | None) -> None:
    """Give CircleCI your Heroku API key.

    The key is read from a variable, from a pipe, or asked for; it is never shown.

    \b
      relay circleci add-heroku-key --key-env HEROKU_API_KEY
      pass heroku | relay circleci add-heroku-key

    Only builds on the long gone platform 1.0 used it; today it is of use on very old installs.
    """
    key = asking.secret_value("Heroku API key", key_env, option="--key-env")
    session.classic.add_heroku_key(key.reveal())
    show_words(session, "", "CircleCI has your Heroku key")
