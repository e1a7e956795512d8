"""How much memory each process of `relay serve` holds after some work: `python -m benchmarks.memory`."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.databases import NAMES, database
from benchmarks.latency import warm_up
from benchmarks.serving import serving
from benchmarks.sink import Sink

AIM_MIB = 70.0
KIB = 1024.0
ROLES = {  # by a word of the command line
    "serve": "supervisor",
    "relay.supervisor": "supervisor",
    "relay.web": "web",
    "worker": "worker",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """MiB of one process: all that is in memory, and its share of it when shared pages are divided."""

    role: str
    resident: float
    share: float


def held(pid: int) -> tuple[Held, ...]:
    """The process and all below it."""
    return tuple(_held(each) for each in _family(pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _held(pid: int) -> Held:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / KIB for line in lines}
    return Held(role=_role(pid), resident=sizes["Rss"], share=sizes["Pss"])


def _role(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return next((ROLES[word] for word in reversed(words) if word in ROLES), words[0])


@click.command()
@click.option("--database", "names", multiple=True, type=click.Choice(NAMES), default=NAMES)
def main(names: tuple[str, ...]) -> None:
    """Start the relay, give it some webhooks, and look at its processes."""
    for name in names:
        with (
            tempfile.TemporaryDirectory(prefix="relay-memory-") as place,
            database(name, Path(place)) as url,
            Sink() as sink,
            serving(url, sink.url, Path(place)) as relay,
        ):
            warm_up(relay, sink)
            for each in held(relay.pid):
                click.echo(
                    f"{name:10} {each.role:10} {each.resident:5.1f} MiB resident,"
                    f" {each.share:5.1f} MiB its share  aim {AIM_MIB:.0f}"
                )


if __name__ == "__main__":
    main()
