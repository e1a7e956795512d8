"""Nothing accepted is lost and nothing is invented, whatever is killed when."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.notifiers.webhook import MOST_EVENTS
from tests.processes import START_S, Serving, ended, is_alive, wait_for
from tests.torture.rig import CONFIG, Killer, Sender, Sink

SENDERS = 4
IN_HAND = 96  # deliveries a worker may have claimed when it is killed
DRAIN_S = 120.0


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def config(tmp_path: Path, sink: Sink, database_url: str) -> Path:
    path = tmp_path / "relay.yaml"
    path.write_text(CONFIG.format(database=database_url, sink=sink.url))
    return path


def under_fire(config: Path, sink: Sink, log: Path, seconds: float, kill_pause_s: float) -> None:
    serving = Serving(config, log, level="warning")
    with ended(serving):
        serving.wait_until_ready()
        senders = [Sender(serving.hook, f"event-{number}", 0.01) for number in range(SENDERS)]
        killer = Killer(serving, random.Random(20_261_123), kill_pause_s)
        killer.start()
        for sender in senders:
            sender.start()
        time.sleep(seconds)
        killer.stop()
        for sender in senders:
            sender.stop()
        accepted = set().union(*(sender.accepted for sender in senders))
        wait_for(lambda: sink.has(accepted), DRAIN_S, "all accepted events", lambda: serving.log[-3000:])
        wait_for(lambda: serving.answers("/readyz"), START_S, "the relay to be ready again")
        status = serving.stop()
    check(sink, senders, killer)
    assert status == 0, serving.log[-3000:]


def check(sink: Sink, senders: list[Sender], killer: Killer) -> None:
    refused = [text for sender in senders for text in sender.refused]
    posted = set().union(*(sender.posted for sender in senders))
    repeats = sum(len(ids) - 1 for ids in sink.deliveries["/alone"].values())

    assert killer.kills
    assert not refused
    assert 1 < sink.largest <= MOST_EVENTS
    for found in sink.deliveries.values():
        assert found.keys() <= posted
        assert not [event for event, ids in found.items() if len(set(ids)) > 1], "planned twice"
    assert repeats <= killer.kills.count("worker") * IN_HAND


@pytest.mark.timeout(300)
def test_no_event_is_lost_when_processes_are_killed(config: Path, sink: Sink, tmp_path: Path) -> None:
    under_fire(config, sink, tmp_path / "relay.log", seconds=6, kill_pause_s=0.7)


@pytest.mark.torture
@pytest.mark.parametrize("kill_pause_s", [0.4, 1.0, 3.0])
def test_no_event_is_lost_in_a_long_storm(
    config: Path, sink: Sink, tmp_path: Path, kill_pause_s: float
) -> None:
    under_fire(config, sink, tmp_path / "relay.log", seconds=120, kill_pause_s=kill_pause_s)


@pytest.mark.timeout(120)
def test_children_end_when_the_supervisor_is_killed(config: Path, tmp_path: Path) -> None:
    serving = Serving(config, tmp_path / "relay.log")
    with ended(serving):
        serving.wait_until_ready()
        family = serving.family()

        serving.process.kill()

        wait_for(lambda: not any(map(is_alive, family)), START_S, "the children to end")
