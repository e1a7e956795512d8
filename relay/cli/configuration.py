"""`relay check` and `relay schema`: the configuration looked at without running anything."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

import click

from relay import actions, notifiers, wiring
from relay.cli import CANNOT
from relay.cli.output import count, json_option, json_text, print_json, visible
from relay.config import Config, json_schema
from relay.errors import ConfigError, Fault
from relay.routing import RouteSpec


@click.command(short_help="Name every fault of a configuration.")
@click.argument("file", required=False)
@json_option
@click.pass_obj
def check(path: str, file: str | None, as_json: bool) -> None:
    """Look for faults in a configuration, and name every one with its line and column.

    FILE is the configuration of --config unless given. Nothing is sent and no database is touched. What is
    odd but harmless is told as a warning.

    \b
      relay check
      relay check new.yaml
      relay check --json | jq '.[] | select(.level == "error")'

    Exit status 0: it can be used. 2: it cannot.
    """
    try:
        settings = wiring.load_config(file or path)
    except ConfigError as error:
        _tell_faults(error.faults, as_json)
        sys.exit(CANNOT)
    _tell_fine(settings, as_json)


def _tell_faults(faults: Sequence[Fault], as_json: bool) -> None:
    if as_json:
        print_json([{**asdict(fault), "level": "error"} for fault in faults])
        return
    for fault in faults:
        click.echo(visible(str(fault)))
    click.echo(count(len(faults), "fault"))


def _tell_fine(settings: Config, as_json: bool) -> None:
    warnings = (*settings.warnings, *_template_warnings(settings))
    if as_json:
        print_json([{**asdict(warning), "level": "warning"} for warning in warnings])
        return
    for warning in warnings:
        click.echo(visible(f"{warning} (warning)"))
    notifiers_ = count(len(settings.notifiers), "notifier")
    routes = count(sum(1 for _ in _all_routes(settings.routes)), "route")
    click.echo(f"{visible(settings.source)}: fine ({notifiers_}, {routes})")


def _template_warnings(settings: Config) -> Iterator[Fault]:
    """Template files are read when they are used; a broken one makes messages plain, not lost."""
    for problem in wiring.renderer_of(settings).problems():
        yield Fault(file=settings.source, line=1, column=1, path="messages", problem=problem)


def _all_routes(routes: Iterable[RouteSpec]) -> Iterator[RouteSpec]:
    for route in routes:
        yield route
        yield from _all_routes(route.routes)


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors.

    \b
      relay schema > relay.schema.json
    and at the top of relay.yaml
      # yaml-language-server: $schema=relay.schema.json
    """
    click.echo(json_text(json_schema(notifiers.types(), actions.types())))
