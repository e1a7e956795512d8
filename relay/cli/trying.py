"""`relay test`: the configuration's own tests, and which routes none of them reaches."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from relay import wiring
from relay.cli import ANSWER_IS_NO, CANNOT, recording
from relay.cli.opening import hook_of, looking, read_hook
from relay.cli.output import Mistake, json_option, mask_lines, masked, print_json, print_lines, visible
from relay.cli.tried import NO_TIME, Tried, attempt, never_hit
from relay.config import Config
from relay.config.examples import Example
from relay.errors import PayloadError
from relay.pipeline import Relay
from relay.routing import named

WHAT = 8  # columns of the key of `expect`


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A test that could not be run."""

    name: str
    problem: str


Ran = Tried | Broken


@click.command(short_help="Run the configuration's own tests.")
@click.option("--record", "event", metavar="EVENT", help="Write a test of what becomes of this webhook now.")
@click.option("--name", metavar="TEXT", help="With --record: the name of the test.")
@json_option
@click.pass_obj
def test(path: str, event: str | None, name: str | None, as_json: bool) -> None:
    """Run the `tests:` of the configuration: webhooks, and what it must make of them.

    Files are read from the configuration's folder, earlier results from the test itself. Nothing is sent,
    and no database is touched. At the end come the routes that no test reaches.

    \b
      relay test
      relay --config new.yaml test
      relay test --record 4ksq2z8d --name "a broken main pages"

    With --record nothing is run: the webhook, a file or an event in the ledger, becomes a file beside the
    configuration, secrets masked, and what comes of it now is added to `tests:` as what is expected.

    Exit status 0: all tests pass. 1: one fails. 2: the configuration or a webhook cannot be read.
    """
    if name is not None and event is None:
        raise Mistake("--name goes with --record")
    settings = wiring.load_config(path)
    relay = wiring.build(settings)
    if event is not None:
        _record_test(event, name, settings, relay)
        return
    ran = tuple(_run(example, settings, relay) for example in settings.tests)
    missed = never_hit(named(settings.routes), [each for each in ran if isinstance(each, Tried)])
    if as_json:
        print_json(masked(_record(ran, missed), settings.masker))
    else:
        print_lines(mask_lines(_lines(ran, missed, settings), settings.masker))
    sys.exit(_status(ran))


def _record_test(event: str, name: str | None, settings: Config, relay: Relay) -> None:
    with looking(settings) as looked:
        try:
            made = recording.record(read_hook(event, looked), looked.store, relay, name)
        except PayloadError as error:
            raise Mistake(visible(f"{event}: {error}")) from error
    if recording.write(made, settings):
        click.echo(visible(f"wrote {made.event}, and the test {made.name} into {settings.source}"))
        return
    click.echo(visible(f"wrote {made.event}; add this to `tests:` in {settings.source}"))
    click.echo(made.entry, nl=False)


def _run(example: Example, settings: Config, relay: Relay) -> Ran:
    file = Path(settings.source).resolve().parent / example.event
    try:
        return attempt(example, hook_of(example.event, file.read_bytes(), NO_TIME), relay)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is no name of a file"
        return Broken(name=example.name, problem=f"{example.event}: cannot be read: {why}")
    except PayloadError as error:
        return Broken(name=example.name, problem=f"{example.event}: {error}")
    except Mistake as error:
        return Broken(name=example.name, problem=str(error))


def _status(ran: Sequence[Ran]) -> int:
    if any(isinstance(each, Broken) for each in ran):
        return CANNOT
    return 0 if all(isinstance(each, Tried) and each.passed for each in ran) else ANSWER_IS_NO


def _lines(ran: Sequence[Ran], missed: Sequence[str], settings: Config) -> Iterator[Text]:
    for each in ran:
        yield from _lines_of(each)
    if not ran:
        yield Text(visible(f"{settings.source} has no tests; `relay test --record EVENT` makes one"))
    yield Text(visible(f"{_summary(ran)}; {_coverage(missed)}"))


def _lines_of(ran: Ran) -> Iterator[Text]:
    if isinstance(ran, Broken):
        yield Text.assemble(("ERROR", "bold red"), f" {visible(ran.name)}")
        yield Text(f"      {visible(ran.problem)}")
        return
    word, style = ("ok", "green") if ran.passed else ("FAIL", "bold red")
    yield Text.assemble((f"{word:<5}", style), f" {visible(ran.name)}")
    for difference in ran.differences:
        yield Text(visible(f"      {difference.what:<{WHAT}} {difference.problem}"))


def _summary(ran: Sequence[Ran]) -> str:
    broken = sum(isinstance(each, Broken) for each in ran)
    passed = sum(isinstance(each, Tried) and each.passed for each in ran)
    failed = len(ran) - broken - passed
    words = [f"{passed} passed"]
    words += [f"{failed} failed"] if failed else []
    words += [f"{broken} could not be run"] if broken else []
    return ", ".join(words)


def _coverage(missed: Sequence[str]) -> str:
    return f"routes never hit by a test: {', '.join(missed)}" if missed else "every route is hit by a test"


def _record(ran: Sequence[Ran], missed: Sequence[str]) -> dict[str, Any]:
    return {"tests": [_record_of(each) for each in ran], "never_hit": list(missed)}


def _record_of(ran: Ran) -> dict[str, Any]:
    if isinstance(ran, Broken):
        return {"name": ran.name, "result": "error", "problem": ran.problem, "differences": [], "hit": []}
    return {
        "name": ran.name,
        "result": "ok" if ran.passed else "failed",
        "problem": None,
        "differences": [{"what": each.what, "problem": each.problem} for each in ran.differences],
        "hit": sorted(ran.hit),
    }
