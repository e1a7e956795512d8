"""Microseconds per event to find the routes that fire: `python -m benchmarks.matching`.

Two mixes: mostly exact words, and mostly globs. Each event is new to the automata the first time round
("fresh") and known to them the second ("warm"). The last column is the walk over all routes that `explain`
does, for comparison.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import click

from relay.model import Change, Event, EventKind, Generation, Job, Project, Status, Workflow
from relay.routing import Router, RouteSpec

SIZES = (10, 1_000, 10_000)
EVENTS = 200
ROUTES_PER_PROJECT = 4
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def literal_match(number: int) -> dict[str, Any]:
    project = f"gh/acme/service-{number // ROUTES_PER_PROJECT}"
    choices: Sequence[dict[str, Any]] = (
        {"project.slug": project, "branch": "main", "change": ["broke", "fixed"]},
        {"project.slug": project, "workflow.name": "release", "status": "success"},
        {"event": "workflow", "project.slug": project, "branch": ["*", "!main", "!release/*"]},
        {"branch": f"team-{number}", "status": ["failed", "timedout"], "duration": "> 20m"},
    )
    return choices[number % len(choices)]


def glob_match(number: int) -> dict[str, Any]:
    team = f"gh/team-{number // ROUTES_PER_PROJECT}"
    choices: Sequence[dict[str, Any]] = (
        {"project.slug": f"{team}/*", "branch": ["main", "release/*"], "change": ["broke", "fixed"]},
        {"job.name": f"e2e-{number}-*", "status": ["failed", "timedout"]},
        {"project.slug": f"{team}/*", "tag": r"/^v\d+\.\d+\.\d+$/", "status": "success"},
        {"branch": f"*/team-{number}/*", "change": "broke"},
    )
    return choices[number % len(choices)]


def event(number: int, project: str) -> Event:
    return Event(
        id=f"{number:026}",
        kind=EventKind.WORKFLOW,
        generation=Generation.MODERN,
        status=Status.FAILED,
        change=Change.BROKE,
        project=Project(slug=project),
        branch=random.choice(["main", f"feature/team-{number}/login-{number}"]),
        duration=1500.0,
        job=Job(name=f"e2e-{number}-chrome"),
        workflow=Workflow(name="build"),
        received_at=NOON,
    )


def microseconds(work: Callable[[Event], object], events: Sequence[Event]) -> float:
    times = []
    for one in events:
        start = time.perf_counter_ns()
        work(one)
        times.append(time.perf_counter_ns() - start)
    return median(times) / 1000


def measure(name: str, size: int, match: Callable[[int], dict[str, Any]], slug: str) -> None:
    specs = [RouteSpec(name=f"r{at}", match=match(at), notify=("chat",)) for at in range(size)]
    router = Router(specs)
    numbers = [random.randrange(size) for _ in range(EVENTS)]
    events = [event(number, slug.format(number // ROUTES_PER_PROJECT)) for number in numbers]
    fresh, warm = microseconds(router.resolve, events), microseconds(router.resolve, events)
    full = microseconds(router.explain, events[:5])
    fired = sum(len(router.resolve(one).decisions) for one in events) / EVENTS
    print(f"{name:8} {size:7,} routes  {fresh:8.0f} {warm:8.0f} {full:10.0f}   fired {fired:.1f} per event")


@click.command()
@click.option("--routes", "sizes", multiple=True, type=int, default=SIZES, show_default=True)
def main(sizes: Sequence[int]) -> None:
    """Time the search for the routes that fire."""
    print("µs per event, median       fresh     warm  full walk")
    for size in sizes:
        measure("words", size, literal_match, "gh/acme/service-{}")
    for size in sizes:
        measure("globs", size, glob_match, "gh/team-{}/api")


if __name__ == "__main__":
    main()
