"""What all commands share: their options, the session they run in, and how their help is laid out."""

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from relay.circleci.auth import AuthForm
from relay.circleci.started import Version
from relay.cli.circleci.failing import without_token
from relay.cli.circleci.session import Asked, session
from relay.cli.output import Mistake, json_option

CONNECTION = {"--api", "--circleci-url", "--auth", "--json", "--help"}
V1, V1_1, V2, AUTO = Version.V1, Version.V1_1, Version.V2, Version.AUTO

Body = Callable[..., None]
Decorator = Callable[[Body], Body]


class Call(click.Command):
    """A command whose help keeps its own options apart from those that all have."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record:
                (shared if CONNECTION & set(param.opts) else own).append(record)
        for title, records in (("Options", own), ("Connection and output", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def call(
    *versions: Version, group: click.Group | None = None, name: str | None = None, has_url: bool = False
) -> Callable[[Body], click.Command]:
    """A command whose first argument is a Session. The first of several versions is the default.

    `has_url`: its own --url is another one, so CircleCI's is --circleci-url only.
    """

    def make(body: Body) -> click.Command:
        @functools.wraps(body)
        def run(
            circleci_url: str | None, auth: str, as_json: bool, api: str | None = None, **given: Any
        ) -> None:
            version = Version(api) if api else versions[0] if versions else AUTO
            asked = _asked(circleci_url, auth, version, as_json)
            with session(asked, os.environ, datetime.now(UTC)) as opened, without_token(not opened.has_token):
                body(opened, **_with_project(given))

        decorated = _shared_options(_api_option(versions)(run), has_url)
        made = click.command(name=name, cls=Call)(decorated)
        if group is not None:
            group.add_command(made)
        return made

    return make


def _asked(url: str | None, auth: str, version: Version, as_json: bool) -> Asked:
    root = click.get_current_context().find_root()
    source = root.get_parameter_source("config_path")
    return Asked(
        config=str(root.obj),
        config_was_named=source is not None and source.name in {"COMMANDLINE", "ENVIRONMENT"},
        url=url,
        auth=AuthForm(auth),
        version=version,
        as_json=as_json,
    )


def _with_project(given: dict[str, Any]) -> dict[str, Any]:
    """A project may be given as argument or as option."""
    if "project_argument" not in given:
        return given
    first = given.pop("project_argument")
    if first and given["project"] and first != given["project"]:
        raise Mistake("one project at a time: as argument, or with --project")
    return {**given, "project": first or given["project"]}


def _api_option(versions: tuple[Version, ...]) -> Decorator:
    """Nothing where there is no choice."""
    if len(versions) < 2:
        return lambda body: body
    default = "the newest that can do it" if versions[0] is AUTO else versions[0].value
    choice = click.Choice(sorted(version.value for version in versions if version is not AUTO))
    return click.option("--api", type=choice, help=f"The version of the API to ask. Default: {default}.")


def _shared_options(body: Body, has_url: bool) -> Body:
    names = ("--circleci-url",) if has_url else ("--url", "--circleci-url")
    url = click.option(
        *names,
        "circleci_url",
        envvar="CIRCLECI_URL",
        metavar="ADDRESS",
        help="Your CircleCI Server. Also read from CIRCLECI_URL, and circleci.url in relay.yaml.",
    )
    auth = click.option(
        "--auth",
        type=click.Choice([form.value for form in AuthForm]),
        default=AuthForm.HEADER.value,
        help="How the token is sent. Default: the header Circle-Token.",
    )
    return url(auth(json_option(body)))


def of_project(body: Body) -> Body:
    """Takes a project as argument or option; the body gets `project`, None when neither was given."""
    return click.argument("project_argument", metavar="[PROJECT]", required=False)(project_option(body))


project_option = click.option(
    "--project",
    "-p",
    metavar="PROJECT",
    help="gh/org/repo, org/repo or an address. Left out, it is guessed from the git remote.",
)
build_argument = click.argument("number", metavar="NUMBER")


def limit_option(default: int) -> Decorator:
    """How many of a list that may be endless."""
    return click.option(
        "--limit",
        "-n",
        type=click.IntRange(1, 100_000),
        default=default,
        show_default=True,
        help="At most so many.",
    )
