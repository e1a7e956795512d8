"""A folder with a configuration and a database, and the `relay` command run in it."""

import json
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from relay import payloads, wiring
from relay.cli import main
from relay.config.build import fingerprint
from relay.ids import new_id
from relay.model import AttemptOutcome
from relay.pipeline import Relay
from relay.store import Arrival, Finish, Store
from relay.transport import Transport
from relay.worker import Worker
from tests.factories import NOON, body

LONGEST_S = 20.0


@dataclass(kw_only=True)
class Desk:
    """Commands run here, one after the other, as a person would type them."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    url: str | None = None  # of the database, when it is not relay.db here

    def write(self, config: str, name: str = "relay.yaml") -> None:
        (self.folder / name).write_text(config)

    def save(self, name: str, hook: Any) -> str:
        (self.folder / name).write_bytes(hook if isinstance(hook, bytes) else body(hook))
        return name

    def run(self, *arguments: str, given: bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=given, env=self.environ)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    @property
    def fingerprint(self) -> str:
        return fingerprint((self.folder / "relay.yaml").read_text())

    @property
    def database(self) -> Path:
        return self.folder / "relay.db"

    def store(self) -> Store:
        return Store.open(self.url or f"sqlite:///{self.database}")

    def arrive(self, *hooks: Any, at: datetime = NOON) -> tuple[str, ...]:
        """Accept webhooks, as the endpoint does; their ids."""
        arrivals = tuple(_arrival(hook, at) for hook in hooks)
        with self.store() as store:
            store.upgrade()
            store.accept(arrivals)
        return tuple(arrival.id for arrival in arrivals)

    def work(self) -> None:
        """Run a worker until nothing is left to do now."""
        settings = wiring.load_config(str(self.folder / "relay.yaml"), self.environ)
        with self.store() as store:
            relay = _quiet(wiring.build(settings))
            _run_until_idle(Worker(store, relay, threads=2), store)

    def give_up_planning(self, reason: str) -> None:
        """Let the last try at planning fail for everything that waits for it."""
        with self.store() as store, store.turn() as turn:
            claims = turn.claim_plans(store.now(), "worker-one", 60.0, 100)
            turn.finish([_failed(claim, reason, store.now()) for claim in claims])


def _arrival(hook: Any, at: datetime) -> Arrival:
    written = hook if isinstance(hook, bytes) else body(hook)
    peek = payloads.peek(written, "application/json")
    return Arrival(
        id=new_id(),
        dedupe_key=peek.dedupe_key,
        received_at=at,
        kind=peek.kind,
        generation=peek.generation,
        type=peek.type,
        source_id=peek.source_id,
        content_type="application/json",
        body=written,
    )


def _failed(claim: Any, reason: str, now: datetime) -> Finish:
    return Finish(claim=claim, outcome=AttemptOutcome.PERMANENT, started_at=now, ended_at=now, error=reason)


def _quiet(relay: Relay) -> Relay:
    return replace(relay, transport=Transport(stream=StringIO()))


def _run_until_idle(worker: Worker, store: Store) -> None:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        deadline = time.monotonic() + LONGEST_S
        while _is_busy(store) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        worker.stop()
        thread.join()


def _is_busy(store: Store) -> bool:
    """Whether anything is in hand or due; what waits for later does not count."""
    counts = store.counts()
    return bool(counts["planning"] or counts["leased"]) or store.oldest_waiting(store.now()) is not None
