"""How long a message takes, from webhook to chat: `python -m benchmarks.latency`.

A real `relay serve` takes signed webhooks over HTTP and posts messages to a sink over HTTP. The time counts
from the first byte of the webhook sent to the arrival of the message's head at the sink. Sender and sink
share one process, and that process shares the machine with the relay.
"""

import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import click

from benchmarks.databases import NAMES, database
from benchmarks.serving import PLACES, SECRET, TIMER_BRANCH, Serving, serving
from benchmarks.sink import Sink
from benchmarks.webhooks import bodies
from relay.signature import sign
from relay.store import Store

P50_AIM_MS = 20.0
P99_AIM_MS = 60.0
TIMER_AIM_MS = 20.0
PATH = "/hooks/circleci"
PATIENCE_S = 60.0
WARM_UP = 20
PAUSES_S = (0.02, 0.12)  # between webhooks on an idle relay; varied, so as not to keep step with any timer
SENDERS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p99: float
    worst: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        ordered = sorted(seconds)
        return cls(
            p50=ordered[len(ordered) // 2] * 1000,
            p99=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000,
            worst=ordered[-1] * 1000,
        )

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, worst {self.worst:.1f} ms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What one webhook saw, in seconds: until it was answered, and until its message arrived."""

    accepted: float
    delivered: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    event: str
    at: float
    answered: float


def idle(relay: Serving, sink: Sink, number: int) -> tuple[Taken, ...]:
    """One webhook at a time."""
    connection = relay.connect()
    sent = []
    for body in bodies(number):
        time.sleep(random.uniform(*PAUSES_S))
        sent.append(_post(connection, body))
        sink.wait(len(sent), 1, PATIENCE_S)
    connection.close()
    return _taken(sent, sink)


def steady(relay: Serving, sink: Sink, rate: float, seconds: float) -> tuple[Taken, ...]:
    """So many a second, whether or not the ones before were delivered."""
    number = int(rate * seconds)
    waiting = enumerate(bodies(number))
    sent: list[_Sent] = []
    guard, began = threading.Lock(), time.time()

    def send() -> None:
        connection = relay.connect()
        while (turn := _next(waiting, guard)) is not None:
            place, body = turn
            time.sleep(max(0.0, began + place / rate - time.time()))
            sent.append(_post(connection, body))
        connection.close()

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    sink.wait(number, 1, PATIENCE_S)
    return _taken(sent, sink)


def timers(relay: Serving, sink: Sink, store: Store, rounds: int) -> tuple[float, ...]:
    """Seconds between the time a second try was due and its arrival; PLACES tries in each round."""
    connection = relay.connect()
    late: list[float] = []
    for body in bodies(rounds):
        _post(connection, _on_branch(body, TIMER_BRANCH))
        sink.wait(PLACES, 2, PATIENCE_S)
        arrivals = sink.take()
        due = {row.id: row.due_at.timestamp() for row in store.deliveries(limit=2 * PLACES)}
        late.extend(tries[1].at - due[delivery] for delivery, tries in arrivals.items())
    connection.close()
    return tuple(late)


def warm_up(relay: Serving, sink: Sink) -> None:
    """Compile templates and statements, and open connections, in every process."""
    steady(relay, sink, rate=WARM_UP, seconds=2.0)


def _next(waiting: Iterator[tuple[int, bytes]], guard: threading.Lock) -> tuple[int, bytes] | None:
    with guard:
        return next(waiting, None)


def _post(connection: HTTPConnection, body: bytes) -> _Sent:
    headers = {"Content-Type": "application/json", "Circleci-Signature": sign(body, SECRET)}
    at = time.time()
    connection.request("POST", PATH, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 202:
        raise RuntimeError(f"{answer.status}: {said.decode()}")
    return _Sent(event=json.loads(body)["id"], at=at, answered=time.time())


def _taken(sent: Sequence[_Sent], sink: Sink) -> tuple[Taken, ...]:
    arrived = {tries[0].event: tries[0].at for tries in sink.take().values()}
    return tuple(
        Taken(accepted=each.answered - each.at, delivered=arrived[each.event] - each.at) for each in sent
    )


def _on_branch(body: bytes, branch: str) -> bytes:
    hook = json.loads(body)
    hook["pipeline"]["vcs"]["branch"] = branch
    return json.dumps(hook).encode()


@click.command()
@click.option("--database", "names", multiple=True, type=click.Choice(NAMES), default=NAMES)
@click.option("--number", default=200, show_default=True, help="Webhooks on an idle relay.")
@click.option("--rate", default=200.0, show_default=True, help="A second, under load.")
@click.option("--seconds", default=10.0, show_default=True, help="Of load.")
@click.option("--rounds", default=5, show_default=True, help=f"Of {PLACES} timers.")
def main(names: tuple[str, ...], number: int, rate: float, seconds: float, rounds: int) -> None:
    """Time messages on an idle relay and under load, and how late second tries are."""
    for name in names:
        with (
            tempfile.TemporaryDirectory(prefix="relay-latency-") as place,
            database(name, Path(place)) as url,
            Sink() as sink,
            serving(url, sink.url, Path(place)) as relay,
            Store.open(url) as store,
        ):
            warm_up(relay, sink)
            for title, taken in (
                ("idle", idle(relay, sink, number)),
                (f"{rate:.0f} a second", steady(relay, sink, rate, seconds)),
            ):
                click.echo(f"{name:10} {title:14} accepted {Spread.of([each.accepted for each in taken])}")
                click.echo(f"{name:10} {title:14} in chat  {Spread.of([each.delivered for each in taken])}")
            click.echo(f"{name:10} timers late    {Spread.of(timers(relay, sink, store, rounds))}")


if __name__ == "__main__":
    main()
