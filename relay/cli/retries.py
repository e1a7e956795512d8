"""`relay retry`: what retries came to, and the switch that stops them."""

import getpass
import os
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click

from relay import wiring
from relay.cli import retry_report
from relay.cli.moments import since as back_to
from relay.cli.opening import ledger
from relay.cli.output import ago, json_option, masked, pairs, plain, print_json, print_table, visible
from relay.config import Config
from relay.policy import Mode
from relay.retrying import judged_actions, retry_terms_of
from relay.store import Store, SwitchedOff
from relay.store.retried import Flake, Tried

GROUPS = {"by mode": "mode", "by rule": "rule", "why not": "stop"}
WHY_NOT = "why not"
NO_SECTION = "nothing is judged: the configuration has no section `retry`"
NO_ACTION = "no action has `policy: flaky`, so nothing is run again"


@click.group()
def retry() -> None:
    """See what retries came to, and switch them off or on.

    What is tried again, and when, is in the configuration, under `retry`; docs/retries.md explains it. As
    long as its `mode` is `shadow` nothing is: the report then says what would have come of it.
    """


@retry.command()
@click.option("--why", metavar="TEXT", help="For whoever wonders.")
@click.pass_obj
def off(path: str, why: str | None) -> None:
    """Stop all retries at once, of every worker, until `relay retry on`.

    What waits to be run again is not, and what is held goes out in its time.

    \b
      relay retry off --why "CircleCI has an outage"
    """
    with ledger(path) as (settings, store):
        switched = store.switch_off(SwitchedOff(at=store.now(), who=_who(), why=why))
    click.echo(visible(settings.masker(f"{switched.words}; what is held goes out in its time")))


@retry.command()
@click.pass_obj
def on(path: str) -> None:
    """Allow retries again, as the configuration has them."""
    with ledger(path) as (settings, store):
        was_off = store.switch_on()
    told = "retries are on again" if was_off else "retries were not switched off"
    click.echo(f"{told}; {_configured(settings)}")


@retry.command()
@json_option
@click.pass_obj
def status(path: str, as_json: bool) -> None:
    """Tell whether retries are on, and what is left of the budgets."""
    with ledger(path) as (settings, store):
        switched, now = store.switched_off(), store.now()
        mode = settings.retry.mode if settings.retry else Mode.SHADOW
        used = store.used_by_all(mode, now)
    found = {
        "state": _state(settings, switched),
        "since": ago(switched.at, now) if switched else None,
        **_left(settings, used),
    }
    if as_json:
        print_json(masked(found, settings.masker))
    else:
        click.echo(settings.masker(pairs({name.replace("_", " "): value for name, value in found.items()})))


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

    `failed` are retries that were in vain. `passes between` is where the share of retries that pass lies with
    95 % certainty. `masked` counts those that passed while the same failure came back on the branch within a
    day, at another commit. Retries by lot were made against the odds: what they came to says whether the odds
    are right. In shadow nothing is run again; `passed` then counts failures that passed when somebody else
    ran them again. `passed later` does so for those that were not to be run again: many say that the rules
    or the odds are too strict.

    \b
      relay retry report --since 30d
    """
    with ledger(path) as (settings, store):
        now = store.now()
        since = back_to(text, now, ZoneInfo(settings.defaults.timezone))
        groups = {title: store.retried_by(column, since) for title, column in GROUPS.items()}
        groups["by class"] = store.retried_by_class(since)
        flakes = store.flakes(since, now, limit)
    if as_json:
        print_json(masked(plain(retry_report.as_record(since, groups, flakes)), settings.masker))
    elif not groups["by mode"]:
        click.echo(_empty(settings))
    else:
        _print_groups(groups)
        _print_flakes(settings, store, flakes)


def _empty(settings: Config) -> str:
    return f"no failed run was judged in this time; {_configured(settings)}"


def _print_groups(groups: Mapping[str, Sequence[Tried]]) -> None:
    for title, found in groups.items():
        rows: Sequence[tuple[str, ...]] = list(map(retry_report.cells, found))
        headings: tuple[str, ...] = (title, *retry_report.HEADINGS)
        if title == WHY_NOT:
            rows, headings = retry_report.not_cells(found), retry_report.NOT_HEADINGS
        if rows:
            print_table(headings, rows, empty="")
            click.echo()
    for line in retry_report.by_lot(groups["by mode"]):
        click.echo(f"{line}\n")


def _print_flakes(settings: Config, store: Store, flakes: Sequence[Flake]) -> None:
    now = store.now()
    rows = [[settings.masker(str(cell)) for cell in retry_report.flake_cells(each, now)] for each in flakes]
    empty = "nothing failed and passed when it was run again"
    print_table(retry_report.FLAKE_HEADINGS, rows, empty=empty)


def _configured(settings: Config) -> str:
    """What the configuration says, whatever the switch does."""
    if settings.retry is None:
        return NO_SECTION
    is_idle = settings.retry.mode is Mode.ON and not judged_actions(wiring.actions_of(settings))
    return f"retry.mode is {settings.retry.mode}{f', but {NO_ACTION}' if is_idle else ''}"


def _state(settings: Config, switched: SwitchedOff | None) -> str:
    """Why nothing is run again just now, or that it is."""
    terms = retry_terms_of(settings, os.environ)
    if switched is not None or settings.retry is None:
        return switched.words if switched else NO_SECTION
    if terms is not None and terms.is_off:
        return f"off: {terms.is_off}, here at least"
    return _configured(settings)


def _left(settings: Config, used: Mapping[str, Any]) -> dict[str, str]:
    if settings.retry is None:
        return {}
    budgets = settings.retry.budgets
    return {
        "last_hour": f"{used['in_hour']} of at most {budgets.per_hour.cap}",
        "last_day": f"{used['minutes_day']:.0f} of {budgets.minutes.day:g} minutes",
        "last_month": f"{used['minutes_month']:.0f} of {budgets.minutes.month:g} minutes",
    }


def _who() -> str | None:
    """The login name of who asks."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
