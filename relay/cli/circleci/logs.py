"""What a build's steps wrote."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click
from rich.text import Text

from relay.circleci.logs import StepLog, build_logs
from relay.circleci.types.builds import Build
from relay.cli.circleci import named
from relay.cli.circleci.command import V1, V1_1, build_argument, call, project_option
from relay.cli.circleci.failing import AnswerIsNo
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_json, status
from relay.cli.output import print_lines, visible
from relay.terminal import plain

_COLOUR = re.compile("(\x1b\\[[0-9;]{0,32}m)")
TAB = 8


@call(V1_1, V1)
@build_argument
@project_option
@click.option("--failed", is_flag=True, help="Only of the steps to blame.")
@click.option("--step", metavar="NAME", help="Only of steps whose name has this in it.")
@click.option("--raw", is_flag=True, help="Only the logs as they came, colours and all; no headings.")
def log(
    session: Session, number: str, project: str | None, failed: bool, step: str | None, raw: bool
) -> None:
    """Print what a build's steps wrote.

    \b
      relay circleci log 123 --failed
      relay circleci log 123 --step 'npm test'
      relay circleci log 123 --raw > build.log

    Colours and what else steers a terminal are taken out; of a line that overwrote itself its last state is
    shown. --raw leaves all in; on a terminal, only colours.
    """
    place = named.build(number, project)

    def fetch() -> Build:
        return _only(session.classic.build(place.project, place.number), step)

    found = build_logs(session.circle.http, fetch, failed=failed)
    if session.as_json:
        show_json(session, [_record(each) for each in found])
        return
    if not _print_all(session, found, raw):
        what = "has no step to blame that wrote anything" if failed else "wrote nothing so far"
        raise AnswerIsNo(f"build {place} {what}")


def _only(build: Build, step: str | None) -> Build:
    """With the steps of this name; AnswerIsNo when there is none."""
    if step is None:
        return build
    names = [each.name or "" for each in build.steps]
    found = tuple(each for each in build.steps if step.lower() in (each.name or "").lower())
    if not found:
        from relay.config.suggestions import unknown

        raise AnswerIsNo(unknown(f"no step of build {build.number} is called {step}", step, names))
    return replace(build, steps=found)


def _record(log: StepLog) -> dict[str, Any]:
    action = log.action
    return {
        "step": log.step,
        "container": action.index,
        "status": action.status,
        "exit_code": action.exit_code,
        "output": log.text,
        "truncated": log.truncated,
    }


def _print_all(session: Session, logs: Iterator[StepLog], raw: bool) -> int:
    """How many there were."""
    number = 0
    for number, each in enumerate(logs, 1):
        if raw:
            _print_raw(session.mask(each.text))
        else:
            print_lines([*([Text()] if number > 1 else []), _heading(each)])
            _print_plain(session.mask(each.text))
        if each.truncated:
            click.echo(f"the log of {visible(each.step or 'a step')} was longer; this is its start", err=True)
    return number


def _heading(log: StepLog) -> Text:
    action = log.action
    code = f", exit status {action.exit_code}" if action.exit_code else ""
    container = f" (container {action.index})" if action.index else ""
    name = visible(log.step or action.name or "step")
    return Text.assemble((f"== {name}{container}: ", "bold"), status(visible(action.status or "?")), code)


def _print_plain(text: str) -> None:
    lines: Sequence[str] = plain(text).rstrip("\n").split("\n")
    for line in lines:
        click.echo(visible(_last_state(line).expandtabs(TAB)))


def _last_state(line: str) -> str:
    """What is left of a line whose carriage returns made it overwrite itself."""
    return line.rstrip("\r").rpartition("\r")[2]


def _print_raw(text: str) -> None:
    if not sys.stdout.isatty():
        click.echo(text, nl=False, color=True)
        return
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        pieces = _COLOUR.split(_last_state(line).expandtabs(TAB))
        shown = "".join(piece if at % 2 else visible(piece) for at, piece in enumerate(pieces))
        click.echo(f"{shown}\x1b[0m", color=True)


@call(V1_1, V1)
@build_argument
@click.argument("step", type=click.IntRange(0))
@click.argument("container", type=click.IntRange(0), default=0)
@project_option
@click.option("--truncate", type=click.IntRange(1), metavar="BYTES", help="Only so much of it.")
def output(
    session: Session, number: str, step: int, container: int, project: str | None, truncate: int | None
) -> None:
    """Print what one step wrote, by its number, on old installs.

    STEP and CONTAINER are the numbers `step` and `index` in `relay circleci build NUMBER --json`. CircleCI
    does not document this call; where it does not answer, use `relay circleci log`.
    """
    place = named.build(number, project)
    text = session.classic.action_output(place.project, place.number, step, container, truncate=truncate)
    if session.as_json:
        show_json(session, text)
    else:
        _print_plain(session.mask(text))
