"""`relay db`: the database's tables."""

import sys

import click

from relay import wiring
from relay.cli import ANSWER_IS_NO
from relay.cli.opening import UPGRADE, missing_file, schema_problem
from relay.cli.output import json_option, pairs, print_json
from relay.config import Config
from relay.store import Store, migrations


@click.group()
def db() -> None:
    """Look at the database's tables and bring them up to date.

    `relay serve` and `relay worker` do that by themselves when they start; this is for doing it apart from
    them, such as in a release phase.
    """


@db.command()
@json_option
@click.pass_obj
def upgrade(path: str, as_json: bool) -> None:
    """Create missing tables and run missing migrations; safe to run again, and beside a running relay.

    \b
      relay db upgrade
    """
    settings = wiring.load_config(path)
    with Store.open(settings.store.reveal()) as store:
        before, after = store.upgrade()
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"up to date at revision {after}")
    else:
        click.echo(f"upgraded from {f'revision {before}' if before else 'nothing'} to revision {after}")


@db.command()
@json_option
@click.pass_obj
def status(path: str, as_json: bool) -> None:
    """Say whether the tables are up to date, and how much waits in them.

    Exit status 0: up to date. 1: not, or there is no database yet.
    """
    settings = wiring.load_config(path)
    missing = missing_file(settings)
    problem = f"there is no database {missing} yet; {UPGRADE}" if missing else None
    found = _status(settings) if not missing else {"problem": problem}
    if as_json:
        print_json(found)
    else:
        click.echo(found["problem"] or pairs(found))
    if found["problem"]:
        sys.exit(ANSWER_IS_NO)


def _status(settings: Config) -> dict[str, object]:
    with Store.open(settings.store.reveal()) as store:
        problem = schema_problem(store)
        rows = {} if problem else dict(store.counts())
        revision = store.revision()
    return {"revision": revision, "wanted": migrations.head(), **rows, "problem": problem}
