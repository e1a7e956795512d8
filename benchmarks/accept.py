"""Measures the accept path: the share of a bare Flask `return 202` that a durable 202 reaches.

All servers are up all the time and their rounds are interleaved, so that whatever else the machine does
meets all subjects alike, and only the ratios mean anything. Load generator and server share the machine.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.databases import NAMES, POSTGRESQL, SQLITE, database

BARE = "bare Flask"
CONNECTIONS = 32
STOP_WITHIN_S = 20.0
AIMS = {SQLITE: 0.55, POSTGRESQL: 0.40}  # share of bare
NARROWEST = 80  # columns
COLUMNS = ("", "rate/s", "share", "aim", "p50 ms", "p99 ms", "CPU ms", "MiB", "answers")
NOTES = "share: of bare Flask's rate. CPU: of one request. MiB: of the largest process."
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One subject in one round. Times in seconds, memory in bytes of the largest process."""

    rate: float
    p50: float
    p99: float
    answers: Mapping[str, int]
    cpu_s: float  # of the server, for one request
    resident: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    name: str
    arguments: tuple[str, ...]


@click.command()
@click.option("--rounds", default=4, show_default=True)
@click.option("--seconds", default=4.0, show_default=True, help="Of load for each subject in each round.")
@click.option("--warm-up", "warm_up", default=0.7, show_default=True, help="Seconds of load before that.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the databases go; default: temporary.")
def main(rounds: int, seconds: float, warm_up: float, folder: Path | None) -> None:
    """Measure bare Flask, the relay on SQLite and the relay on PostgreSQL, and compare."""
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-accept-", dir=folder))
        subjects = tuple(_subjects(stack, Path(place)))
        servers = {subject.name: stack.enter_context(_serving(subject)) for subject in subjects}
        for port, _ in servers.values():
            _load(port, warm_up)
        samples: dict[str, list[Sample]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, (port, pid) in servers.items():
                samples[name].append(_measure(port, pid, seconds))
    console = Console()
    console.width = max(console.width, NARROWEST)
    console.print(_table(samples))
    console.print(NOTES)


def _subjects(stack: ExitStack, place: Path) -> Iterator[Subject]:
    yield Subject(name=BARE, arguments=("bare",))
    for name in NAMES:
        url = stack.enter_context(database(name, place / name))
        yield Subject(name=name, arguments=("relay", url))


def _measure(port: int, pid: int, seconds: float) -> Sample:
    before = _cpu_s(pid)
    seen = _load(port, seconds)
    used = _cpu_s(pid) - before
    return Sample(
        rate=seen["rate"],
        p50=seen["p50"],
        p99=seen["p99"],
        answers=seen["answers"],
        cpu_s=used / sum(seen["answers"].values()),
        resident=max(_resident(child) for child in _children(pid)),
    )


@contextmanager
def _serving(subject: Subject) -> Iterator[tuple[int, int]]:
    """Its port and the process id of its gunicorn."""
    command = [sys.executable, "-m", "benchmarks.subjects", *subject.arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline().rpartition(":")[2]), server.pid
        finally:
            server.terminate()
            server.wait(STOP_WITHIN_S)


def _load(port: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.load", "--port", str(port)]
    options = ["--seconds", str(seconds), "--connections", str(CONNECTIONS)]
    ended = subprocess.run([*command, *options], check=True, capture_output=True)
    return dict(json.loads(ended.stdout))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_s(pid: int) -> float:
    """Processor time of a server's processes so far."""
    stats = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split() for child in _children(pid)]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) * TICK_S


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _table(samples: Mapping[str, Sequence[Sample]]) -> Table:
    title = f"Medians of {len(samples[BARE])} rounds, {CONNECTIONS} connections"
    table = Table(title=title, box=None, padding=(0, 2, 0, 0))
    for place, name in enumerate(COLUMNS):
        is_number = 0 < place < len(COLUMNS) - 1
        table.add_column(name, no_wrap=True, justify="right" if is_number else "left")
    for name, taken in samples.items():
        table.add_row(*_row(name, taken, samples[BARE]))
    return table


def _row(name: str, taken: Sequence[Sample], bare: Sequence[Sample]) -> tuple[str, ...]:
    share = median(ours.rate / theirs.rate for ours, theirs in zip(taken, bare, strict=True))
    return (
        name,
        f"{median(sample.rate for sample in taken):,.0f}",
        f"{share:.2f}",
        f"{AIMS[name]:.2f}" if name in AIMS else "",
        f"{median(sample.p50 for sample in taken) * 1000:.1f}",
        f"{median(sample.p99 for sample in taken) * 1000:.1f}",
        f"{median(sample.cpu_s for sample in taken) * 1000:.2f}",
        f"{max(sample.resident for sample in taken) / 2**20:.0f}",
        " ".join(sorted({code for sample in taken for code in sample.answers})),
    )


if __name__ == "__main__":
    main()
