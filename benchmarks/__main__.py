"""`make bench`: every measurement, one after the other, with the machine named first.

`python -m benchmarks accept drain` takes only those.
"""

import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

PARTS = ("accept", "latency", "drain", "matching", "failures", "retries", "memory", "history")


def machine() -> str:
    """What the figures were measured on."""
    cpu = Path("/proc/cpuinfo")
    names = [
        line.partition(": ")[2] for line in cpu.read_text().splitlines() if line.startswith("model name")
    ]
    processor = f"{len(names)} x {names[0]}" if names else platform.processor()
    return (
        f"{processor}; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; SQLite {sqlite3.sqlite_version}"
    )


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
def main(parts: Sequence[str]) -> None:
    """Run each part as a process of its own, so that none weighs on the next."""
    click.echo(machine())
    for part in parts or PARTS:
        began = time.monotonic()
        click.echo(f"\n{part}")
        command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{part}"]
        status = subprocess.run(command, check=False).returncode
        if status:
            sys.exit(status)
        click.echo(f"took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
