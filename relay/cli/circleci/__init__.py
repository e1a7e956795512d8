"""`relay circleci`: every call of CircleCI's API. Each subject is a file, imported when it is used."""

import sys
from importlib import import_module
from typing import NoReturn

import click

from relay.errors import ConfigError, RelayError

SECTIONS = {
    "Builds": {
        "builds": "builds",
        "recent-builds": "builds",
        "organization-builds": "builds",
        "build": "builds",
        "job": "builds",
        "log": "logs",
        "output": "logs",
        "tests": "results",
        "artifacts": "artifacts",
        "latest-artifacts": "artifacts",
        "artifact-address": "artifacts",
    },
    "Pipelines and workflows": {
        "pipelines": "pipelines",
        "pipeline": "pipelines",
        "workflows": "pipelines",
        "workflow": "pipelines",
        "jobs": "pipelines",
        "flaky-tests": "results",
    },
    "Start and stop": {
        "trigger": "triggering",
        "retry": "retrying",
        "ssh": "retrying",
        "rerun": "retrying",
        "child": "retrying",
        "cancel": "steering",
        "approve": "steering",
        "ssh-users": "steering",
    },
    "Projects": {
        "projects": "projects",
        "project": "projects",
        "settings": "projects",
        "follow": "projects",
        "unfollow": "projects",
        "enable": "projects",
        "disable": "projects",
        "definitions": "projects",
        "clear-cache": "caches",
        "webhook": "webhooks",
        "envvar": "envvars",
        "checkout-key": "checkout_keys",
        "ssh-key": "ssh_keys",
    },
    "You": {
        "me": "people",
        "collaborations": "people",
        "add-ssh-key": "people",
        "add-heroku-key": "people",
    },
}
COMMANDS = {name: module for section in SECTIONS.values() for name, module in section.items()}

INTERRUPTED = 130


class Commands(click.Group):
    """Finds commands in their files, and turns what goes wrong into one line and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = getattr(import_module(f"{__name__}.{module}"), cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(_unknown(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in SECTIONS.items():
            found = ((name, self.get_command(ctx, name)) for name in names)
            rows = [(name, each.get_short_help_str(80)) for name, each in found if each]
            with formatter.section(title):
                formatter.write_dl(rows, col_max=22)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError:
            raise
        except RelayError as error:
            _end(error)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)


def _unknown(word: str) -> str:
    from relay.cli.output import visible
    from relay.config.suggestions import closest

    close = closest(word, COMMANDS)
    hint = f"did you mean {close}?" if close else "`relay circleci --help` lists them"
    return visible(f"no command is called {word}; {hint}")


def _end(error: RelayError) -> NoReturn:
    from relay.cli.circleci.failing import exit_status, told

    click.echo(told(error), err=True)
    sys.exit(exit_status(error))


@click.group(cls=Commands)
def circleci() -> None:
    """Ask CircleCI, and tell it what to do: every call of its API v1, v1.1 and v2.

    \b
      relay circleci builds --branch main --filter failed
      relay circleci log 123 --failed
      relay circleci artifacts 123 --download out/ --include 'reports/**'
      relay circleci retry 123
      relay circleci webhook create --url https://relay.example/hooks/circleci

    The token is read from CIRCLECI_TOKEN, else from circleci.token in relay.yaml. A project is written
    gh/org/repo, org/repo or as its address; left out, it is guessed from the git remote of the current
    folder. A build, job or workflow may be given as the address of its page. --json prints what CircleCI
    answered.

    Exit status 0: done. 1: CircleCI said no, or nothing was there. 2: the command line makes no sense.
    """
