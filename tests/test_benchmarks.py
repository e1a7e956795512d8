"""Every benchmark in small: it runs, says what it is meant to say, and nothing is slower by a multiple.

The bounds are far from what is usual, so that a busy machine stays within them and only a real loss does not.
"""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import matching
from benchmarks.__main__ import PARTS, machine
from benchmarks.history import FIGURES, NAME_WIDTH
from benchmarks.multiplying import fill
from benchmarks.nowhere import relay_to_nowhere
from benchmarks.patterns import SHUT, Mass
from benchmarks.retries import JUDGED, WAYS, scratch
from benchmarks.retrying.draws import BEGIN, Outage, draw
from benchmarks.retrying.engine import play
from benchmarks.retrying.figures import figures
from benchmarks.retrying.limits import faults
from benchmarks.retrying.logs import OUTAGE_OF_CIRCLECI, OUTAGE_OF_REGISTRY
from relay.model import DeliveryState
from relay.store import Store

ROOT = Path(__file__).parents[1]
PATIENCE_S = 100.0
ROWS = 300


def run(part: str, *options: str) -> list[str]:
    """The lines it prints."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{part}", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [line.strip() for line in ended.stdout.splitlines() if line.strip()]


def numbers(line: str) -> list[float]:
    return [float(found) for found in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", line.replace(",", ""))]


def test_accepting_keeps_its_share_of_a_bare_application() -> None:
    lines = run("accept", "--rounds", "2", "--seconds", "0.6", "--warm-up", "0.3")
    rows = {row[0]: row[1:] for line in lines if (row := re.split(r"\s{2,}", line))}

    assert rows["rate/s"] == ["share", "aim", "p50 ms", "p99 ms", "CPU ms", "MiB", "answers"]
    assert [rows[name][-1] for name in ("bare Flask", "SQLite", "PostgreSQL")] == ["202"] * 3
    assert float(rows["SQLite"][1]) > 0.15
    assert float(rows["PostgreSQL"][1]) > 0.08
    assert max(map(len, lines)) <= 80


def test_messages_come_soon_after_their_webhooks() -> None:
    options = ["--number", "5", "--rate", "20", "--seconds", "0.5", "--rounds", "1"]
    lines = run("latency", "--database", "SQLite", *options)

    assert [re.split(r"\s{2,}| p50 ", line)[:2] for line in lines] == [
        ["SQLite", "idle"],
        ["SQLite", "idle"],
        ["SQLite", "20 a second"],
        ["SQLite", "20 a second"],
        ["SQLite", "timers late"],
    ]
    assert numbers(lines[1].partition("p50")[2])[0] < 1000


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_a_worker_drains_hundreds_a_second(database: str) -> None:
    lines = run("drain", "--database", database, "--number", "400", "--rounds", "1")

    for line, target in zip(lines, ("no-op", "rendered"), strict=True):
        figures = r"planned +(\d+)/s +delivered +(\d+)/s +(\d+) µs each +aim \d+/s"
        found = re.fullmatch(rf"{database} +{target} +{figures}", line)
        assert found, line
        planned, delivered, _ = map(int, found.groups())
        assert planned > 60
        assert delivered > 100


def test_a_thousand_routes_are_searched_in_no_time() -> None:
    ended = CliRunner().invoke(matching.main, ["--routes", "10", "--routes", "1000"], catch_exceptions=False)
    lines = ended.output.splitlines()
    fresh = {tuple(line.split()[:2]): float(line.split()[3]) for line in lines[1:]}

    assert lines[0].split() == ["µs", "per", "event,", "median", "fresh", "warm", "full", "walk"]
    assert set(fresh) == {("words", "10"), ("words", "1,000"), ("globs", "10"), ("globs", "1,000")}
    assert max(fresh.values()) < 2000
    assert fresh["words", "1,000"] < 25 * fresh["words", "10"]
    assert fresh["globs", "1,000"] < 25 * fresh["globs", "10"]


def test_each_process_stays_small() -> None:
    lines = run("memory", "--database", "SQLite")

    assert {line.split()[1] for line in lines} == {"supervisor", "web", "worker"}
    assert max(numbers(line)[0] for line in lines) < 120


def test_a_backlog_changes_little() -> None:
    sizes = ["--rows", "2000", "--idle", "3", "--fresh", "100", "--rounds", "1"]
    heading, *lines, last = run("history", "--database", "SQLite", "--store", "backlog", *sizes)
    ratios = {line[:NAME_WIDTH].strip(): float(line.split()[-1]) for line in lines}

    assert heading.split() == ["SQLite", "young", "backlog", "ratio"]
    assert list(ratios) == list(FIGURES)
    assert min(ratios[name] for name in ("accepted/s", "planned/s", "delivered/s")) > 0.1
    assert last.startswith("2,000 rows; load average ")


@pytest.mark.parametrize(
    ("mass", "live"), [(Mass.HISTORY, 0), (Mass.BACKLOG, ROWS + 1), (Mass.TIMERS, ROWS + 1)]
)
def test_multiplied_rows_look_like_real_ones(
    mass: Mass, live: int, store: Store, database_url: str, tmp_path: Path
) -> None:
    fill(database_url, relay_to_nowhere(database_url, tmp_path, lambda: None), mass, ROWS)

    events, deliveries = store.events(limit=2 * ROWS), store.deliveries(limit=2 * ROWS)
    assert (len(events), len(deliveries), store.counts()["ready"]) == (ROWS + 1, ROWS + 1, live)
    assert len({event.state_key for event in events}) == 50
    assert len(store.history(events[0].state_key or "")) >= ROWS // 50
    details = [store.delivery(row.id) for row in deliveries]
    assert sorted(detail.event_ids[0] for detail in details if detail) == sorted(row.id for row in events)


def test_a_backlog_is_for_a_place_that_takes_nothing(store: Store, database_url: str, tmp_path: Path) -> None:
    fill(database_url, relay_to_nowhere(database_url, tmp_path, lambda: None), Mass.BACKLOG, ROWS)

    rows = store.deliveries(limit=2 * ROWS)
    assert {(row.state, row.destination) for row in rows} == {(DeliveryState.WAITING, SHUT)}
    with store.turn() as turn:
        assert turn.claim(store.now(), "01worker", 60.0, 10) == ()


def test_every_part_is_one_that_can_be_run() -> None:
    assert all((ROOT / "benchmarks" / f"{part}.py").exists() for part in PARTS)


def test_the_machine_is_named() -> None:
    assert re.match(r".+; Linux .+; Python 3\.\d+\.\d+; SQLite 3\.", machine())


def test_recognising_failures_says_what_it_costs() -> None:
    head, *rows = run("failures", "--rounds", "1")

    assert head.split() == ["ms", "per", "log,", "least", "of", "1", "first", "again"]
    assert [row[:8] for row in rows] == ["ordinary", "hostile,"]
    assert max(numbers(row)[-1] for row in rows) < 1_000


def test_retries_stay_within_their_limits_and_hide_no_break() -> None:
    """Two days of two projects with an outage of CircleCI's and one of a registry."""
    world = draw(seed=5, projects=2, days=2.0)
    with scratch() as folder:
        judged = play(world, folder / "judged", more=JUDGED.more, route=JUDGED.route)
    seen = figures(judged)

    assert faults(judged) == ()
    assert seen.retries >= 8
    assert seen.recovered >= 4
    assert seen.announced == seen.breaks >= 15
    assert seen.false <= 2
    assert seen.delay(0.5) == 0.0
    assert seen.in_outage <= 5 < seen.hit


@pytest.mark.parametrize("way", [OUTAGE_OF_CIRCLECI, OUTAGE_OF_REGISTRY])
def test_an_outage_of_everything_for_hours_starts_no_storm(way: str) -> None:
    lasts = Outage(way=way, begin=BEGIN + timedelta(hours=1), end=BEGIN + timedelta(hours=6))
    world = replace(draw(seed=3, projects=6, days=0.25), outages=(lasts,))
    with scratch() as folder:
        judged = play(world, folder / "judged", more=JUDGED.more, route=JUDGED.route)
    seen = figures(judged)

    assert faults(judged) == ()
    assert seen.hit >= 50
    assert 1 <= sum(lasts.begin <= at < lasts.end for at, _ in judged.asked) <= 3


def test_unlimited_retries_would_be_noticed() -> None:
    """The same failures with everything run again once: what the check is there to find."""
    (always,) = (way for way in WAYS if way.name == "always once")
    with scratch() as folder:
        course = play(
            draw(seed=1, projects=2, days=1.0), folder / "always", more=always.more, route=always.route
        )

    found = " ".join(faults(course))
    assert "a fork was run again" in found
    assert "broken-compile was run again" in found
    assert figures(course).false > 5
