"""`make bench`: every measurement, one after the other, with the machine named first."""

import platform
import sqlite3
import subprocess
import sys
from pathlib import Path

PARTS = ("accept", "latency", "drain", "matching", "memory")


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


def main() -> int:
    """Run each part as a process of its own, so that none weighs on the next."""
    print(machine(), flush=True)
    for part in PARTS:
        print(f"\n{part}", flush=True)
        command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{part}"]
        status = subprocess.run(command, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
