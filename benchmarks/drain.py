"""How fast one worker plans accepted webhooks, and delivers what is queued: `python -m benchmarks.drain`.

The worker is the one that `relay worker` runs, logging included; only its notifier sends nothing
(benchmarks/nowhere.py): once with a message that is ready, once with one that is rendered. First everything
accepted is planned while the destination takes nothing, then the destination opens and the queue is drained
until the last result is committed.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count, product
from pathlib import Path

import click

from benchmarks.databases import NAMES, POSTGRESQL, SQLITE, database
from benchmarks.filling import accept
from benchmarks.nowhere import relay_to_nowhere
from benchmarks.webhooks import bodies
from relay import logs
from relay.pipeline import Relay
from relay.store import Limit, Store
from relay.worker import Worker

AIMS = {SQLITE: 2500, POSTGRESQL: 850}  # deliveries a second
LOOK_S = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Drained:
    """Events planned and deliveries made a second, and the processor time of one delivery."""

    planned: float
    delivered: float
    cpu_us: float


TARGETS = {"no-op": False, "rendered": True}  # whether the messages are made


class _Countdown:
    """Tells when so many were sent."""

    def __init__(self, most: int) -> None:
        self._numbers = count(1)
        self._most = most
        self.done = threading.Event()

    def __call__(self) -> None:
        if next(self._numbers) == self._most:
            self.done.set()


def drain(url: str, folder: Path, number: int, *, rendering: bool) -> Drained:
    """Queue so many deliveries and drain them, in this process."""
    sent = _Countdown(number)
    relay = relay_to_nowhere(url, folder, sent, rendering=rendering)
    with Store.open(url) as store:
        accept(store, bodies(number))
        planned, _ = _work(store, _closed(relay), lambda: _until(lambda: not store.counts()["planning"]))
        ready = _until_sent(store, sent)
        delivered, cpu_s = _work(store, relay, ready)
    return Drained(planned=number / planned, delivered=number / delivered, cpu_us=cpu_s / number * 1e6)


def _closed(relay: Relay) -> Relay:
    """The same with destinations that take nothing."""
    return replace(relay, limits=dict.fromkeys(relay.limits, Limit(in_flight=0)))


def _until_sent(store: Store, sent: _Countdown) -> Callable[[], None]:
    def wait() -> None:
        sent.done.wait()
        _until(lambda: not store.counts()["ready"] + store.counts()["leased"])

    return wait


def _until(is_done: Callable[[], bool]) -> None:
    while not is_done():
        time.sleep(LOOK_S)


def _work(store: Store, relay: Relay, wait: Callable[[], None]) -> tuple[float, float]:
    """Run a worker in this thread until the waiting ends; how long that took, and its processor time."""
    worker = Worker(store, relay)
    began, began_cpu = time.perf_counter(), time.process_time()
    took: list[float] = []

    def watch() -> None:
        wait()
        took.extend((time.perf_counter() - began, time.process_time() - began_cpu))
        worker.stop()

    watching = threading.Thread(target=watch)
    watching.start()
    worker.run()
    watching.join()
    return took[0], took[1]


@click.command()
@click.option("--database", "names", multiple=True, type=click.Choice(NAMES), default=NAMES)
@click.option("--number", default=10_000, show_default=True, help="Deliveries queued.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--log", "log_file", type=click.Path(), default=os.devnull, help="Where log lines go.")
def main(names: tuple[str, ...], number: int, rounds: int, log_file: str) -> None:
    """Drain a queue of deliveries to a notifier that sends nothing."""
    with Path(log_file).open("w") as stream:
        sys.stderr = stream
        logs.configure("info", lambda text: text)
        for name in names:
            with (
                tempfile.TemporaryDirectory(prefix="relay-drain-") as folder,
                database(name, Path(folder)) as url,
            ):
                for _, (target, rendering) in product(range(rounds), TARGETS.items()):
                    seen = drain(url, Path(folder), number, rendering=rendering)
                    click.echo(
                        f"{name:10} {target:8} planned {seen.planned:6.0f}/s"
                        f"  delivered {seen.delivered:6.0f}/s  {seen.cpu_us:4.0f} µs each  aim {AIMS[name]}/s"
                    )


if __name__ == "__main__":
    main()
