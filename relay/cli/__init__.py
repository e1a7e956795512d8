"""The `relay` command. Each group of commands is a file beside this one, imported when it is used."""

import sys
from importlib import import_module

import click

from relay import __version__, lean
from relay.errors import ConfigError, RelayError, UsageError

COMMANDS = {
    "serve": "serving",
    "worker": "serving",
    "demo": "demo",
    "check": "configuration",
    "schema": "configuration",
    "explain": "explain",
    "test": "trying",
    "backtest": "backtest",
    "lint": "linting",
    "send-test": "sending",
    "events": "ledger",
    "event": "ledger",
    "deliveries": "ledger",
    "replay": "ledger",
    "prune": "ledger",
    "silence": "silences",
    "retry": "retries",
    "signatures": "signatures",
    "db": "database",
    "circleci": "circleci",
}

ANSWER_IS_NO = 1
CANNOT = 2

LASTING = {"worker"}  # runs for long, so what it does not use is kept out of its memory


class CommandGroup(click.Group):
    """Finds commands in their files, and turns the relay's own errors into one line and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in LASTING:
            lean.load(*lean.TAKEN_ALONG)
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = getattr(import_module(f"relay.cli.{module}"), cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            _say(error, len(error.faults))
            sys.exit(CANNOT)
        except UsageError as error:
            _say(error)
            sys.exit(ANSWER_IS_NO)
        except RelayError as error:
            _say(error)
            sys.exit(CANNOT)


def _say(error: RelayError, faults: int = 0) -> None:
    from relay.cli.output import visible_lines

    click.echo(visible_lines(str(error)) or type(error).__name__, err=True)
    if faults > 1:
        click.echo(f"{faults} faults", err=True)


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--config",
    "-c",
    "config_path",
    envvar="RELAY_CONFIG",
    default="relay.yaml",
    show_default=True,
    metavar="FILE",
    help="The configuration file. Also read from RELAY_CONFIG.",
)
@click.version_option(__version__, prog_name="relay")
@click.pass_context
def main(ctx: click.Context, config_path: str) -> None:
    """CircleCI webhooks in; the few messages people are glad to get, out.

    \b
    First steps:
      relay demo                  watch sample webhooks become messages
      relay check                 look for faults in relay.yaml
      relay explain EVENT.json    what would happen to this webhook, and why
      relay serve                 run it: web endpoint and delivery worker
    """
    ctx.obj = config_path
