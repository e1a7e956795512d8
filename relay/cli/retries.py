"""`relay retry`: what retries came to, and the switch that stops them."""

import getpass
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click

from relay.cli.moments import since as back_to
from relay.cli.opening import ledger
from relay.cli.output import ago, json_option, masked, plain, print_json, print_table, short
from relay.config import Config
from relay.config.retry import Retry
from relay.odds.wilson import interval
from relay.policy import Mode
from relay.store import Store, SwitchedOff
from relay.store.retried import Flake, Tried

GROUPS = {"by mode": "mode", "by rule": "rule", "why not": "stop"}
HEADINGS = ("", "judged", "again", "ended", "passed", "passes between", "minutes", "masked")


@click.group()
def retry() -> None:
    """See what retries came to, and switch them off or on.

    What is tried again, and when, is in the configuration, under `retry`. As long as its `mode` is
    `shadow` nothing is: the report then says what would have come of it.
    """


@retry.command()
@click.option("--why", metavar="TEXT", help="For whoever wonders.")
@click.pass_obj
def off(path: str, why: str | None) -> None:
    """Stop all retries at once, of every worker, until `relay retry on`.

    \b
      relay retry off --why "CircleCI has an outage"
    """
    with ledger(path) as (_, store):
        switched = store.switch_off(SwitchedOff(at=store.now(), who=_who(), why=why))
    click.echo(f"{switched.words}; what is held goes out in its time")


@retry.command()
@click.pass_obj
def on(path: str) -> None:
    """Allow retries again, as the configuration has them."""
    with ledger(path) as (settings, store):
        was_off = store.switch_on()
    told = "retries are on again" if was_off else "retries were not off"
    click.echo(f"{told}; retry.mode is {_retry(settings).mode}")


@retry.command()
@json_option
@click.pass_obj
def status(path: str, as_json: bool) -> None:
    """Tell whether retries are on, and what is left of the budgets."""
    with ledger(path) as (settings, store):
        switched, now = store.switched_off(), store.now()
        used = store.used_by_all(_retry(settings).mode, now)
    found = _status(settings, switched, used)
    if as_json:
        print_json(masked(found, settings.masker))
        return
    for name, value in found.items():
        click.echo(settings.masker(f"{name.replace('_', ' '):<12}  {value}"))


@retry.command()
@click.option(
    "--since", "text", metavar="TIME", default="7d", show_default=True, help="How far back: 7d or 2026-11-16."
)
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="So many flaky failures.",
)
@json_option
@click.pass_obj
def report(path: str, text: str, limit: int, as_json: bool) -> None:
    """Tell what retries came to: how many passed, what they took, and what to mend first.

    `passes between` is where the share of retries that pass lies with 95 % certainty. `masked` counts those
    that passed while the same failure came back within a day. Retries by lot were made against the odds:
    what they came to says whether the odds are right. In shadow nothing is run again; `passed` then counts
    failures that passed when somebody else ran them again.

    \b
      relay retry report --since 30d
    """
    with ledger(path) as (settings, store):
        now = store.now()
        since = back_to(text, now, _zone(settings))
        groups = {title: store.retried_by(column, since) for title, column in GROUPS.items()}
        groups["by class"] = store.retried_by_class(since)
        flakes = store.flakes(since, now, limit)
    if as_json:
        found = {"since": since, "groups": groups, "flakes": flakes}
        print_json(masked(plain(found), settings.masker))
        return
    _print_report(settings, store, groups, flakes)


def _print_report(
    settings: Config, store: Store, groups: Mapping[str, Sequence[Tried]], flakes: Sequence[Flake]
) -> None:
    for title, tried in groups.items():
        rows = [_cells(each) for each in tried if title != "why not" or each.name != "–"]
        print_table((title, *HEADINGS[1:]), rows, empty="no failed run was judged in this time")
        if not rows:
            return
        click.echo()
    lots = [each for each in groups["by mode"] if each.explored]
    for each in lots:
        share = f"{each.explored_passed} of {each.explored} passed"
        click.echo(f"by lot, in mode {each.name}: {share}, {_between(each.explored_passed, each.explored)}")
    mended = [[settings.masker(str(cell)) for cell in _flake(each)] for each in flakes]
    print_table(
        ("mend first", "job", "class", "runs", "passed again", "minutes", "before", "last", "line"),
        mended,
        empty="nothing failed and passed when it was run again",
    )


def _cells(each: Tried) -> tuple[str, ...]:
    return (
        each.name,
        str(each.judged),
        str(each.retried),
        str(each.ended),
        str(each.passed),
        _between(each.passed, each.ended),
        f"{each.minutes:.0f}",
        str(each.masked),
    )


def _between(passed: int, ended: int) -> str:
    if not ended:
        return ""
    low, high = interval(passed, ended)
    return f"{low:.0%} and {high:.0%}"


def _flake(each: Flake) -> tuple[object, ...]:
    return (
        each.project,
        each.job or "",
        each.failure_class,
        each.runs,
        each.recovered,
        f"{each.minutes:.0f}",
        each.before,
        ago(each.last_seen),
        (each.evidence or each.signature or short(each.fingerprint))[:80],
    )


def _status(settings: Config, switched: SwitchedOff | None, used: Mapping[str, Any]) -> dict[str, Any]:
    retry = _retry(settings)
    budgets = retry.budgets
    is_on = retry.mode is Mode.ON and switched is None
    return {
        "retries": "on" if is_on else switched.words if switched else f"{retry.mode} (retry.mode)",
        "last_hour": f"{used['in_hour']} of at most {budgets.per_hour.cap}",
        "last_day": f"{used['minutes_day']:.0f} of {budgets.minutes.day:g} minutes",
        "last_month": f"{used['minutes_month']:.0f} of {budgets.minutes.month:g} minutes",
    }


def _retry(settings: Config) -> Retry:
    """What holds; without the section nothing is judged, and what it would be is told."""
    return settings.retry or Retry()


def _zone(settings: Config) -> ZoneInfo:
    return ZoneInfo(settings.defaults.timezone)


def _who() -> str | None:
    """The login name of who asks."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
