"""Tells machines how the relay is: /healthz, /readyz and /metrics."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

import structlog
from flask import Blueprint, Response, jsonify
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from relay.errors import StoreError
from relay.store.retried import Counted
from relay.web.metrics import Backlog, BacklogCollector, Board, exposition
from relay.web.ruling_metrics import RULINGS_OF, RulingCollector

WORKER_SEEN_S = 30.0  # a delivery worker that beat within this time is there


class Ledger(Protocol):
    """What is asked of the store; each may raise StoreError."""

    def ping(self) -> None: ...
    def workers_seen(self, within_s: float) -> int: ...
    def counts(self) -> Mapping[str, int]: ...
    def oldest_waiting(self, now: datetime) -> float | None: ...
    def rulings_counted(self, since: datetime) -> Iterable[Counted]: ...


def health(ledger: Ledger, board: Board, now: Callable[[], datetime]) -> Blueprint:
    """The three routes."""
    routes = Blueprint("health", __name__)
    log = structlog.get_logger("relay.health")

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def readyz() -> tuple[Response, int]:
        reasons = why_not_ready(ledger)
        if reasons:
            return jsonify(status="not ready", reasons=reasons), 503
        return jsonify(status="ready"), 200

    @routes.get("/metrics")
    def metrics() -> Response:
        try:
            text = exposition(board, *_collectors(ledger, now()))
        except StoreError as error:
            log.warning("metrics without those of the store", reason=str(error))
            text = exposition(board)
        return Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes


def _collectors(ledger: Ledger, now: datetime) -> tuple[Collector, ...]:
    """What the store counts, as it is at the moment of asking."""
    backlog = Backlog(rows=ledger.counts(), oldest_s=ledger.oldest_waiting(now))
    return BacklogCollector(backlog), RulingCollector(ledger.rulings_counted(now - RULINGS_OF))


def why_not_ready(ledger: Ledger) -> list[str]:
    """What keeps the relay from doing its work, in sentences; nothing when it is ready."""
    try:
        ledger.ping()
        if ledger.workers_seen(WORKER_SEEN_S):
            return []
    except StoreError:
        return ["the database does not answer"]
    return [f"no delivery worker has been seen for {WORKER_SEEN_S:.0f} seconds; is `relay worker` running?"]
