"""Relays for tests: made from a configuration's text, fed with webhooks, worked off by a worker beside."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from relay import payloads, wiring
from relay.ids import new_id
from relay.model import DeliveryState
from relay.pipeline import Relay
from relay.store import Arrival, DeliveryRow, Store
from relay.worker import Worker
from tests.factories import body, workflow_completed

JSON = "application/json"
SOON_S = 15.0  # for what takes milliseconds on a machine that does nothing else

TO_SINK = """\
version: 1
notifiers:
  sink: {{ type: webhook, url: "{url}/ci", allow_private: true }}
defaults:
  delivery: {{ timeout: 5s, retries: [200ms], give_up_after: 1m }}
routes:
  - notify: sink
"""


def make_relay(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Relay:
    """The relay of a configuration file with this text."""
    folder.mkdir(exist_ok=True)
    file = folder / "relay.yaml"
    file.write_text(text)
    return wiring.build(wiring.load_config(str(file), environ or {}))


def accept(store: Store, *hooks: Mapping[str, Any]) -> tuple[str, ...]:
    """Takes webhooks in as the web side does, in one transaction; their ids, in order."""
    ids = sorted(new_id() for _ in hooks)  # those of one millisecond are in any order
    arrivals = [arrival_of(body(hook), its) for hook, its in zip(hooks, ids, strict=True)]
    assert store.accept(arrivals) == (True,) * len(arrivals)
    return tuple(ids)


def arrival_of(content: bytes, id: str) -> Arrival:
    peek = payloads.peek(content, JSON)
    return Arrival(
        id=id,
        dedupe_key=peek.dedupe_key,
        received_at=datetime.now(UTC),
        kind=peek.kind,
        generation=peek.generation,
        type=peek.type,
        source_id=peek.source_id,
        content_type=JSON,
        body=content,
    )


def hooks(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Webhooks of different pipelines of one branch."""
    return [workflow_completed(number=7000 + number, **fields) for number in range(count)]


def on_branch(branch: str, number: int) -> dict[str, Any]:
    """The webhook of a workflow on this branch."""
    hook = workflow_completed(number=number, name=branch)
    hook["pipeline"]["vcs"]["branch"] = branch
    return hook


@contextmanager
def working(store: Store, relay: Relay, **options: Any) -> Iterator[Worker]:
    """A worker in a thread of its own, stopped at the end of the block."""
    worker = Worker(store, relay, **options)
    thread = threading.Thread(target=worker.run, name="worker")
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)
        relay.transport.close()
        assert not thread.is_alive(), "the worker has not stopped"


def until(condition: Callable[[], object], longest_s: float = SOON_S) -> float:
    """Wait until it holds; how many seconds that took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < longest_s, f"not within {longest_s:g} s"
        time.sleep(0.005)
    return time.monotonic() - start


def deliveries_of(store: Store, event_ids: Sequence[str]) -> list[DeliveryRow]:
    details = [store.event(event_id) for event_id in event_ids]
    return [row for detail in details if detail for row in detail.deliveries]


def all_are(store: Store, event_ids: Sequence[str], state: DeliveryState) -> bool:
    """Whether each event has one delivery, and it is in this state."""
    return [row.state for row in deliveries_of(store, event_ids)] == [state] * len(event_ids)


def until_delivered(store: Store, event_ids: Sequence[str], longest_s: float = SOON_S) -> None:
    until(lambda: all_are(store, event_ids, DeliveryState.DELIVERED), longest_s)
