"""Processes for the supervisor's tests: `python -m tests.supervised serve FOLDER accept|refuse`.

It supervises two children, `one` and `two`, which write a line for their start and for each signal into
FOLDER/<name>.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from relay import lifeline
from relay.supervisor import Command, Supervisor


def main(what: str, *words: str) -> None:
    serve(*words) if what == "serve" else child(*words)


def serve(folder: str, answer: str) -> None:
    commands = [Command(name, ("-m", "tests.supervised", "child", folder, name)) for name in ("one", "two")]
    Supervisor(commands, lambda: answer == "accept").run()


def child(folder: str, name: str) -> None:
    file = Path(folder) / name

    def note(text: str) -> None:
        with file.open("a") as stream:
            stream.write(f"{text}\n")

    def stop(_number: int, _frame: FrameType | None) -> None:
        note("stopped")
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, lambda *_: note("reloaded"))
    lifeline.follow()
    note(f"started {os.getpid()}")
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
