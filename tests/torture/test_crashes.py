"""Nothing accepted is lost and nothing is invented, whatever is killed when."""

import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.rig import CONFIG, Killer, Sender, Serving, Sink, descendants, wait_for

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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def under_fire(config: Path, sink: Sink, log: Path, seconds: float, kill_pause_s: float) -> None:
    chance = random.Random(20_261_123)
    serving = Serving(config, free_port(), log)
    try:
        serving.wait_until_ready()
        senders = [Sender(serving.url, f"event-{number}", 0.01) for number in range(SENDERS)]
        killer = Killer(serving, chance, kill_pause_s)
        for part in (*senders, killer):
            part.start()
        time.sleep(seconds)
        killer.stop()
        for sender in senders:
            sender.stop()
        accepted = set().union(*(sender.accepted for sender in senders))
        wait_for(lambda: accepted <= sink.deliveries.keys(), DRAIN_S, "all accepted events at the sink")
        wait_for(serving.is_ready, 30, "the relay to be ready again")
    finally:
        status = serving.stop()
    check(sink, senders, killer)
    assert status == 0, log.read_text()[-3000:]


def check(sink: Sink, senders: list[Sender], killer: Killer) -> None:
    refused = [text for sender in senders for text in sender.refused]
    posted = set().union(*(sender.posted for sender in senders))
    repeats = {event: ids for event, ids in sink.deliveries.items() if len(ids) > 1}

    assert killer.kills
    assert not refused
    assert sink.deliveries.keys() <= posted
    assert all(len(set(ids)) == 1 for ids in sink.deliveries.values()), "an event was planned twice"
    assert sum(len(ids) - 1 for ids in repeats.values()) <= killer.kills.count("worker") * IN_HAND


@pytest.mark.timeout(300)
def test_no_event_is_lost_when_processes_are_killed(config: Path, sink: Sink, tmp_path: Path) -> None:
    under_fire(config, sink, tmp_path / "relay.log", seconds=10, kill_pause_s=1.0)


@pytest.mark.torture
@pytest.mark.parametrize("kill_pause_s", [0.4, 1.0, 3.0])
def test_no_event_is_lost_in_a_long_storm(
    config: Path, sink: Sink, tmp_path: Path, kill_pause_s: float
) -> None:
    under_fire(config, sink, tmp_path / "relay.log", seconds=120, kill_pause_s=kill_pause_s)


@pytest.mark.timeout(120)
def test_children_end_when_the_supervisor_is_killed(config: Path, tmp_path: Path) -> None:
    serving = Serving(config, free_port(), tmp_path / "relay.log")
    serving.wait_until_ready()
    family = descendants(serving.process.pid)

    serving.process.send_signal(signal.SIGKILL)
    serving.process.wait()

    wait_for(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in family if pid != serving.process.pid),
        30,
        "the children to end",
    )
