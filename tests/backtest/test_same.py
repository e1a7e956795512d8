"""A configuration tried on its own past changes nothing, whatever came when and however it went."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from relay.backtest import Span, compare
from relay.backtest.replay import replay
from relay.model import AttemptOutcome
from relay.pipeline import Relay
from relay.store import PastEvent, Store
from relay.store.scratch import Scratch
from tests.backtest.engine import Answer, Engine
from tests.factories import MINUTE, NOON, stamp, workflow_completed
from tests.relays import make_relay

HEAD = """\
version: 1
defaults: { timezone: Europe/Paris, trunk: main }
schedules:
  mornings: { from: "08:00", to: "12:00" }
  weekdays: { days: mon-fri, from: "07:00", to: "19:00" }
notifiers:
  one: { type: webhook, url: "http://127.0.0.1:1/one", allow_private: true, fallback: two }
  two: { type: webhook, url: "http://127.0.0.1:1/two", allow_private: true, budget: 4 per 2h }
  three: { type: slack, token: x, channel: "#ci", style: update }
  four: { type: webhook, url: "http://127.0.0.1:1/four", allow_private: true, shadow: true }
routes:
"""
CONTROLS = (
    "throttle: 30m",
    "throttle: 5h",
    'once_per: "{{ branch }} {{ number }}"',
    'once_per: "{{ branch }}"',
    "{ during: mornings, outside: hold }",
    "{ during: weekdays, outside: hold }",
    "{ during: mornings, outside: drop }",
    "{ during: weekdays, outside: silent }",
    "group: { by: [branch], wait: 3m, max_wait: 10m }",
    "group: { by: [project.slug], wait: 20s }",
    "hold: 20m",
    "hold: 3h",
    "digest: daily",
    'digest: { at: "13:30", days: mon-sat }',
    "inhibit: false",
    "shadow: true",
)
MATCHES = ("", "match: { change: [broke, fixed] }", "match: { branch: main }", "match: { status: failed }")
START = NOON - timedelta(days=2)


def config(routes: Iterable[tuple[str, str, tuple[str, ...]]]) -> str:
    return HEAD + "".join(_route(number, *each) for number, each in enumerate(routes))


def _route(number: int, match: str, target: str, controls: tuple[str, ...]) -> str:
    parts = [f"name: r{number}", f"notify: {target}", "mention: [author]", match]
    parts += [control.strip("{} ") if control.startswith("{ during") else control for control in controls]
    return f"  - {{ {', '.join(part for part in parts if part)} }}\n"


def kinds(controls: tuple[str, ...]) -> set[str]:
    return {control.strip("{ ").partition(":")[0] for control in controls}


routes = st.lists(
    st.tuples(
        st.sampled_from(MATCHES),
        st.sampled_from(("one", "two", "three", "four", "[one, three]")),
        st.lists(st.sampled_from(CONTROLS), max_size=3)
        .map(tuple)
        .filter(lambda some: len(kinds(some)) == len(some) and not kinds(some) >= {"digest", "group"}),
    ),
    min_size=1,
    max_size=4,
)


def hook(random: Random, number: int, at: datetime) -> dict[str, Any]:
    branch = random.choice(("main", "topic"))
    its = workflow_completed(
        number=number, status=random.choice(("success", "failed")), finished_at=at, name="build"
    )
    its["pipeline"]["vcs"]["branch"] = branch
    its["workflow"]["created_at"] = stamp(at - MINUTE)
    return its


def live(engine: Engine, random: Random, count: int, begin: datetime = START, number: int = 7000) -> datetime:
    """So many events come over some days, in bursts; when the last was dealt with."""
    now, last = begin, number + count
    while number < last:
        burst = random.choice((1, 1, 2, 5))
        engine.accept([hook(random, number + each, now) for each in range(burst)], now)
        number += burst
        for _ in range(random.choice((2, 3, 8))):
            engine.turn(now)
            now += timedelta(seconds=random.choice((0.1, 0.6, 2)))
        engine.turn(now)
        now += timedelta(seconds=random.choice((1, 30, 200, 4000, 20_000)))
        for _ in range(2):
            engine.turn(now)
            now += timedelta(seconds=random.choice((0.1, 0.7)))
    return engine.until_idle(now)


def moods(random: Random) -> Any:
    """Services that fail now and then, for good or for a while, and take their time."""

    def answer(target: str) -> Answer:
        seconds = random.choice((0.05, 0.5, 3, 100))
        outcome = random.choice(
            [AttemptOutcome.DELIVERED] * 4 + [AttemptOutcome.PERMANENT, AttemptOutcome.TEMPORARY]
        )
        return Answer(seconds=seconds, outcome=outcome, again_s=random.choice((None, 5, 400)))

    return answer


def span(start: datetime, end: datetime) -> Span:
    return Span(warm=start - timedelta(days=8), start=start, end=end)


def decisions(events: Iterable[PastEvent]) -> dict[str, Any]:
    """All that was decided, but for the ids."""
    return {each.id: _without_ids(each.decision) for each in events}


def _without_ids(decision: Mapping[str, Any]) -> dict[str, Any]:
    told = [{name: value for name, value in each.items() if name != "id"} for each in decision["deliveries"]]
    return {**decision, "deliveries": told}


def replayed(store: Store, relay: Relay, over: Span, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was decided in truth and in the replay."""
    with TemporaryDirectory(dir=folder) as own, Scratch(Path(own) / "replay.db") as scratch:
        replay(store.past, scratch, relay, over, lambda _: None)
        real = decisions(store.past.page(*over.ids, 10_000))
        anew = decisions(scratch.past.page(*over.ids, 10_000))
    return real, anew


MIXED = (
    ("", "one", ("throttle: 30m", "group: { by: [branch], wait: 3m, max_wait: 10m }")),
    ("match: { branch: main }", "two", ('once_per: "{{ number }}"', "during: mornings, outside: hold")),
    ("match: { change: [broke, fixed] }", "three", ("throttle: 5h",)),
    ("match: { status: failed }", "four", ()),
)


@pytest.mark.parametrize("seed", range(2))
def test_every_decision_comes_out_the_same(store: Store, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    relay = make_relay(tmp_path, config(MIXED))
    end = live(Engine(store=store, relay=relay, answer=moods(random)), random, 40)

    real, anew = replayed(store, relay, span(START, end), tmp_path)

    assert anew == real
    assert not compare(store.past, relay, span(START, end)).has_differences


def test_what_was_before_the_start_is_known(store: Store, tmp_path: Path) -> None:
    random = Random(5)
    relay = make_relay(tmp_path, config(MIXED))
    end = live(Engine(store=store, relay=relay, answer=moods(random)), random, 40)

    for hours in (3, 9, 30):
        over = span(START + timedelta(hours=hours), end)
        assert compare(store.past, relay, over).decisions == 0


def test_what_is_older_than_all_that_is_repeated_is_looked_up(store: Store, tmp_path: Path) -> None:
    random = Random(6)
    routes = [("", "one", ('once_per: "{{ branch }}"',)), ("match: { change: [broke, fixed] }", "two", ())]
    relay = make_relay(tmp_path, config(routes))
    engine = Engine(store=store, relay=relay)
    live(engine, random, 10, START - timedelta(days=30), number=6000)
    end = live(engine, random, 10)

    found = compare(store.past, relay, span(START, end))

    assert found.replayed.events >= 10
    assert found.decisions == 0


@pytest.fixture
def empty_database(sqlite_template: bytes, tmp_path: Path) -> Path:
    """A file, since an example that fails prints its arguments."""
    file = tmp_path / "empty.db"
    file.write_bytes(sqlite_template)
    return file


IN_A_BUDGET = (("", "one", ("{ during: mornings, outside: hold }",)), ("", "two", ()))


@example(chosen=IN_A_BUDGET, seed=532)  # a message waits for its next try and costs one of the budget then
@given(chosen=routes, seed=st.integers(0, 10_000))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_configuration_comes_out_the_same(
    empty_database: Path, tmp_path: Path, chosen: Sequence[tuple[str, str, tuple[str, ...]]], seed: int
) -> None:
    random = Random(seed)
    with TemporaryDirectory(dir=tmp_path) as own:
        file = Path(shutil.copy(empty_database, Path(own) / "relay.db"))
        relay = make_relay(Path(own), config(chosen))
        with Store.open(f"sqlite:///{file}") as store:
            end = live(Engine(store=store, relay=relay, answer=moods(random)), random, 16)
            over = span(START + timedelta(hours=seed % 10), end)
            real, anew = replayed(store, relay, over, Path(own))
            found = compare(store.past, relay, over)

    assert anew == real
    assert not found.has_differences
