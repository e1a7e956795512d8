"""Variables that a project's builds find in their environment."""

import click

from relay.circleci.types.projects import EnvVar
from relay.cli.circleci import asking, named
from relay.cli.circleci.command import V1, V1_1, call, of_project, project_option
from relay.cli.circleci.failing import looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import Cell, show_list, show_one, show_words

name_argument = click.argument("name", metavar="NAME")


@click.group()
def envvar() -> None:
    """List, set and delete the variables of a project's builds. Their values are never shown."""


@call(V1_1, V1, group=envvar, name="list")
@of_project
def list_envvars(session: Session, project: str | None) -> None:
    """List the variables; CircleCI masks their values but for the last characters."""

    def row(each: EnvVar) -> tuple[Cell, ...]:
        return each.name, each.value

    slug = named.project(project)
    found = session.classic.envvars(slug)
    show_list(session, found, ("name", "value"), row, empty=f"{slug} has no variables")


@call(V1_1, V1, group=envvar, name="show")
@name_argument
@project_option
def show_envvar(session: Session, name: str, project: str | None) -> None:
    """Show one variable, its value masked by CircleCI."""
    found = session.classic.envvar(named.project(project), name)
    show_one(session, found, {"name": found.name, "value": found.value})


@call(V1_1, V1, group=envvar, name="add")
@name_argument
@project_option
@click.option("--value-env", metavar="VARIABLE", help="The variable of your environment with the value.")
def add_envvar(session: Session, name: str, project: str | None, value_env: str | None) -> None:
    """Set a variable; one of that name is replaced.

    The value is read from a variable, from a pipe, or asked for.

    \b
      relay circleci envvar add API_KEY --value-env API_KEY
      pass api-key | relay circleci envvar add API_KEY
    """
    slug = named.project(project)
    value = asking.secret_value(f"value of {name}", value_env, option="--value-env")
    with looking_with(f"envvar show {name} -p {slug}"):
        found = session.classic.set_envvar(slug, name, value.reveal())
    show_words(session, found.raw, f"set {found.name or name} of {slug}")


@call(V1_1, V1, group=envvar, name="delete")
@name_argument
@project_option
def delete_envvar(session: Session, name: str, project: str | None) -> None:
    """Delete a variable."""
    slug = named.project(project)
    said = session.classic.delete_envvar(slug, name)
    show_words(session, {"message": said}, f"deleted {name} of {slug}: {said}")
