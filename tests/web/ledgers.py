"""Stores that answer as told, for what the web side asks besides storing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relay.errors import StoreError
from relay.store.retried import Counted

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class ScriptedLedger:
    """`is_gone`: the database does not answer."""

    is_gone: bool = False
    workers: int = 1
    stuck: int = 0
    rulings: tuple[Counted, ...] = ()

    def ping(self) -> None:
        if self.is_gone:
            raise StoreError("postgresql://relay:password@db refused")

    def workers_seen(self, within_s: float) -> int:
        return self.workers

    def counts(self) -> Mapping[str, int]:
        self.ping()
        return {"ready": 3, "stuck": self.stuck}

    def oldest_waiting(self, now: datetime) -> float | None:
        return (now - NOON).total_seconds() + 1.5

    def rulings_counted(self, since: datetime) -> tuple[Counted, ...]:
        """Of those 30 days before NOON."""
        self.ping()
        return self.rulings if since == NOON - timedelta(days=30) else ()
