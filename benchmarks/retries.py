"""What retries bring and cost, against simpler ways to retry: `python -m benchmarks.retries`.

Projects are drawn with flaky jobs, real breaks, outages and pull requests, the same for every policy, and the
relay works through them with a clock that is moved by hand. See docs/retries.md for how to read it.
"""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import structlog

from benchmarks.retrying.draws import World, draw
from benchmarks.retrying.engine import play
from benchmarks.retrying.figures import Figures, figures
from benchmarks.retrying.limits import faults

HELD = ", act: again, hold: 20m"
MEMORY = Path("/dev/shm")  # nothing has to outlast the run, and a disk makes it three times as long


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How failures are treated: sections of the configuration, more of its route, CircleCI's own reruns."""

    name: str
    more: str = ""
    route: str = ""
    auto: int = 0


JUDGED = Way(
    name="judged",
    more="actions: { again: { type: retry, policy: flaky } }\nretry: { mode: on }",
    route=HELD,
)
WAYS = (
    Way(name="never"),
    Way(name="always once", more="actions: { again: { type: retry } }", route=HELD),
    Way(name="CircleCI rerun 1", auto=1),
    JUDGED,
)
HEAD = (
    "policy",
    "recovered",
    "minutes",
    "retries",
    "false",
    "delay",
    "p95",
    "announced",
    "messages",
    "by hand",
    "outage",
)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for databases."""
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="relay-retries-", dir=where) as folder:
        yield Path(folder)


def row(name: str, seen: Figures) -> str:
    cells = (
        f"{seen.recovered}/{seen.recoverable}",
        f"{seen.minutes:.0f}",
        f"{seen.retries}",
        f"{seen.false}",
        f"{seen.delay(0.5):.0f}",
        f"{seen.delay(0.95):.0f}",
        f"{seen.announced}/{seen.breaks}",
        f"{seen.messages}",
        f"{seen.by_hand}",
        f"{seen.in_outage}/{seen.hit}",
    )
    return _line((name, *cells))


def _line(cells: tuple[str, ...]) -> str:
    first, *others = cells
    return f"{first:16}" + "".join(f"{each:>10}" for each in others)


def compare(world: World, folder: Path) -> tuple[str, ...]:
    """Prints a row for each policy; what went wrong with the judged one."""
    click.echo(_line(HEAD))
    wrong: tuple[str, ...] = ()
    for way in WAYS:
        course = play(world, folder / way.name, more=way.more, route=way.route, auto=way.auto)
        click.echo(row(way.name, figures(course)))
        wrong += faults(course) if way is JUDGED else ()
    return wrong


@click.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--projects", default=6, show_default=True)
@click.option("--days", default=7.0, show_default=True)
def main(seed: int, projects: int, days: float) -> None:
    """Let four policies go through the same failures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world = draw(seed, projects, days)
    broken = sum(bool(commit.broken) for commit in world.commits)
    click.echo(f"{projects} projects, {days:g} days, {len(world.commits)} commits, {broken} of them broken")
    with scratch() as folder:
        wrong = compare(world, folder)
    for each in wrong:
        click.echo(f"not allowed: {each}")
    click.echo(f"limits overstepped: {len(wrong)}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
