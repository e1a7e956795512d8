"""Milliseconds to recognise a failure from the log of its step: `python -m benchmarks.failures`.

"first" is a log whose words the automaton has not met, "again" the same log once more. "hostile" is made of
the beginnings of patterns, so that as many of them as possible are under way at once.
"""

import random
import time
from collections.abc import Iterator

import click

from relay.failures import BadStep, Catalogue, recognise, shipped

LINES = 4_000
FORMS = (
    "[{n}/4000] Compiling src/{word}/item_{n}.c",
    "test_adds_{word}_{n} (tests.{word}.Cart) ... ok",
    "  GET /{word}/{n} 200 in {n} ms",
    "Downloading https://files.example.com/{word}-{n}.whl ({n} kB)",
    "webpack: module ./src/{word}{n}.js built",
    "DEBUG handler finished request id={n:08x} status={word}",
)
STARTS = (
    "pod",
    "container",
    "instance",
    "channel",
    "coverage",
    "failed to solve",
    "dial tcp",
    "host",
    "npm err",
)
WORDS = ("cart", "door", "order", "error", "retry", "timeout", "connection", "warning", "missing", "cache")


def ordinary() -> Iterator[str]:
    for number in range(LINES):
        yield FORMS[number % len(FORMS)].format(n=number, word=random.choice(WORDS))


def hostile() -> Iterator[str]:
    for _ in range(LINES // 30):
        yield " ".join(random.choice(STARTS) for _ in range(250))


def milliseconds(log: str, catalogue: Catalogue) -> float:
    start = time.perf_counter()
    recognise([BadStep(name="Run tests", exit_code=1, log=log)], catalogue=catalogue)
    return (time.perf_counter() - start) * 1000


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
def main(rounds: int) -> None:
    """Time the recognising of a log with the shipped catalogue."""
    print(f"ms per log, least of {rounds}   first    again")
    whole = shipped()
    for name, lines in (("ordinary, 4,000 lines", ordinary), ("hostile, 256 KiB", hostile)):
        first, again = [], []
        for _ in range(rounds):
            log, catalogue = "\n".join(lines()), Catalogue(whole.signatures, {}, whole.survivals)
            milliseconds("", catalogue)
            first.append(milliseconds(log, catalogue))
            again.append(milliseconds(log, catalogue))
        print(f"{name:24} {min(first):8.1f} {min(again):8.1f}")


if __name__ == "__main__":
    main()
