"""What a million rows change: `python -m benchmarks.history`.

The same is measured on a young store, which knows as many results of each branch as judging looks at and
nothing more, and on one with a million finished events and their deliveries, a million deliveries that wait
for a paused place, or a million that are due in a month. The two take turns, webhook by webhook and round
by round, so that whatever else the machine does meets both alike.

Messages in chat and answers to webhooks are timed through a real `relay serve` that is idle otherwise; the
rates are those of a worker in this process with a notifier that sends nothing (benchmarks/nowhere.py).
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median

import click
from sqlalchemy import Engine, exists, or_, select

from benchmarks.databases import NAMES, database
from benchmarks.filling import accept
from benchmarks.latency import Spread, idle, warm_up
from benchmarks.multiplying import fill
from benchmarks.nowhere import NAME, relay_to_nowhere
from benchmarks.patterns import Mass
from benchmarks.serving import Serving, config, serving
from benchmarks.sink import Sink
from benchmarks.webhooks import BRANCHES, bodies
from relay import logs, wiring
from relay.pipeline import Relay
from relay.store import Limit, Store
from relay.store.engine import open_engine, reading
from relay.store.plans import HISTORY
from relay.store.tables import IS_LEASED, IS_READY, PLANNING, work
from relay.worker import Worker

MASSES = tuple(mass.value for mass in Mass if mass is not Mass.YOUNG)
YOUNG_ROWS = BRANCHES * HISTORY
LOOKS = 5  # at the metrics, and at the newest fifty events
PAUSE_S = 0.005
NAME_WIDTH, WIDTHS = 11, (7, 9, 7)
FIGURES: Mapping[str, Callable[["Seen"], float]] = {
    "chat p50 ms": lambda seen: Spread.of(seen.chat).p50,
    "chat p99 ms": lambda seen: Spread.of(seen.chat).p99,
    "202 p50 ms": lambda seen: Spread.of(seen.answers).p50,
    "202 p99 ms": lambda seen: Spread.of(seen.answers).p99,
    "accepted/s": lambda seen: median(rates.accepted for rates in seen.rates),
    "planned/s": lambda seen: median(rates.planned for rates in seen.rates),
    "delivered/s": lambda seen: median(rates.delivered for rates in seen.rates),
    "/metrics ms": lambda seen: median(seen.metrics) * 1000,
    "events ms": lambda seen: median(seen.listed) * 1000,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Webhooks a second."""

    accepted: float
    planned: float
    delivered: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Of one store; seconds each."""

    chat: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    metrics: list[float] = field(default_factory=list)
    listed: list[float] = field(default_factory=list)
    rates: list[Rates] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How many rows there are before, and how many webhooks are measured with."""

    rows: int
    idle: int
    fresh: int
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """One store, where its messages go, and what was seen of it."""

    url: str
    sink: Sink
    folder: Path
    seen: Seen = field(default_factory=Seen)


def measure(name: str, mass: Mass, sizes: Sizes, folder: Path) -> tuple[Seen, Seen]:
    """A young store and a full one, both gone afterwards."""
    with ExitStack() as stack:
        places = [
            _place(stack, name, Mass.YOUNG, YOUNG_ROWS, folder / "young"),
            _place(stack, name, mass, sizes.rows, folder / "full"),
        ]
        _time_messages(places, sizes.idle)
        for number in range(sizes.rounds):
            for place in places[:: -1 if number % 2 else 1]:
                place.seen.rates.append(_rates(place, sizes.fresh))
        for place in places:
            with Store.open(place.url) as store:
                place.seen.listed.extend(_seconds(store.events) for _ in range(LOOKS))
    young, full = (place.seen for place in places)
    return young, full


def _place(stack: ExitStack, name: str, mass: Mass, rows: int, folder: Path) -> _Place:
    url = stack.enter_context(database(name, folder))
    place = _Place(url=url, sink=stack.enter_context(Sink()), folder=folder)
    fill(url, _relay(place, lambda: None), mass, rows)
    return place


def _time_messages(places: Sequence[_Place], webhooks: int) -> None:
    with ExitStack() as stack:
        served = [stack.enter_context(serving(each.url, each.sink.url, each.folder)) for each in places]
        pairs = tuple(zip(places, served, strict=True))
        for place, relay in pairs:
            warm_up(relay, place.sink)
        for _ in range(webhooks):
            for place, relay in pairs:
                (taken,) = idle(relay, place.sink, 1)
                place.seen.chat.append(taken.delivered)
                place.seen.answers.append(taken.accepted)
        for _ in range(LOOKS):
            for place, relay in pairs:
                place.seen.metrics.append(_seconds(partial(_ask, relay, "/metrics")))


def _relay(place: _Place, on_send: Callable[[], object]) -> Relay:
    """One that sends nothing, to the destination that `relay serve` sends to."""
    file = place.folder / "relay.yaml"
    file.write_text(config(place.url, place.sink.url))
    destination = wiring.build(wiring.load_config(str(file))).targets["sink"].destination
    relay = relay_to_nowhere(place.url, place.folder, on_send)
    target = replace(relay.targets[NAME], destination=destination)
    return replace(relay, targets={NAME: target}, limits={destination: Limit()})


def _rates(place: _Place, fresh: int) -> Rates:
    sent = _Count()
    relay, engine = _relay(place, sent), open_engine(place.url)
    shut = replace(relay, limits=dict.fromkeys(relay.limits, Limit(in_flight=0)))
    hooks = tuple(bodies(fresh))
    with Store.open(place.url) as store:
        began = time.perf_counter()
        accept(store, iter(hooks))
        accepted_s = time.perf_counter() - began
        with _working(store, shut):
            planned_s = _wait_for(lambda: not _is_planning(engine))
        with _working(store, relay):
            delivered_s = _wait_for(lambda: sent.number >= fresh and not _is_leased(engine))
    engine.dispose()
    return Rates(accepted=fresh / accepted_s, planned=fresh / planned_s, delivered=fresh / delivered_s)


class _Count:
    def __init__(self) -> None:
        self.number = 0
        self._guard = threading.Lock()

    def __call__(self) -> None:
        with self._guard:
            self.number += 1


@contextmanager
def _working(store: Store, relay: Relay) -> Iterator[None]:
    worker = Worker(store, relay)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


def _wait_for(is_done: Callable[[], bool]) -> float:
    """Seconds until then."""
    began = time.perf_counter()
    while not is_done():
        time.sleep(PAUSE_S)
    return time.perf_counter() - began


def _is_planning(engine: Engine) -> bool:
    plans = [exists().where(state, work.c.destination == PLANNING) for state in (IS_READY, IS_LEASED)]
    with reading(engine) as conn:
        return bool(conn.execute(select(or_(*plans))).scalar_one())


def _is_leased(engine: Engine) -> bool:
    with reading(engine) as conn:
        return bool(conn.execute(select(exists().where(IS_LEASED))).scalar_one())


def _ask(served: Serving, path: str) -> None:
    connection = served.connect()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")


def _seconds(look: Callable[[], object]) -> float:
    began = time.perf_counter()
    look()
    return time.perf_counter() - began


def table(name: str, seen: Mapping[Mass, tuple[Seen, Seen]]) -> Iterator[str]:
    """A line for each figure: of the young store, of the full one, and the ratio."""
    yield f"{name:{NAME_WIDTH}}" + "".join(_aligned(Mass.YOUNG, mass, "ratio") for mass in seen)
    for title, figure_of in FIGURES.items():
        pairs = [(figure_of(young), figure_of(full)) for young, full in seen.values()]
        cells = (
            _aligned(_number(before), _number(after), f"{after / before:.2f}") for before, after in pairs
        )
        yield f"{title:{NAME_WIDTH}}" + "".join(cells)


def _aligned(*cells: str) -> str:
    return "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


def _number(figure: float) -> str:
    return f"{figure:.0f}" if figure >= 1000 else f"{figure:.1f}"


@click.command()
@click.option("--database", "names", multiple=True, type=click.Choice(NAMES), default=NAMES)
@click.option("--store", "masses", multiple=True, type=click.Choice(MASSES), default=MASSES)
@click.option("--rows", default=1_000_000, show_default=True, help="Of history, of backlog, of timers.")
@click.option("--idle", "webhooks", default=100, show_default=True, help="Webhooks on an idle relay.")
@click.option("--fresh", default=1_000, show_default=True, help="Webhooks accepted, planned and delivered.")
@click.option("--rounds", default=8, show_default=True, help="Of fresh ones.")
def main(
    names: tuple[str, ...], masses: tuple[str, ...], rows: int, webhooks: int, fresh: int, rounds: int
) -> None:
    """Measure on a young and on a full store, and compare."""
    sizes = Sizes(rows=rows, idle=webhooks, fresh=fresh, rounds=rounds)
    with Path(os.devnull).open("w") as stream, redirect_stderr(stream):
        logs.configure("info", lambda text: text)  # a worker's lines cost time and are part of it
        for name in names:
            seen, load = {}, os.getloadavg()[0]
            for mass in map(Mass, masses):
                with tempfile.TemporaryDirectory(prefix="relay-history-") as place:
                    seen[mass] = measure(name, mass, sizes, Path(place))
            click.echo("\n".join(table(name, seen)))
            click.echo(f"{rows:,} rows; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after\n")


if __name__ == "__main__":
    main()
