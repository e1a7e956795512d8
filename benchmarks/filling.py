"""Puts webhooks into a store as the endpoint does, without the endpoint."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from relay.ids import new_id
from relay.payloads import peek
from relay.store import Arrival, Store

BATCH = 250
CONTENT_TYPE = "application/json"


def accept(store: Store, bodies: Iterator[bytes]) -> None:
    while batch := tuple(islice(bodies, BATCH)):
        accept_batch(store, batch)


def accept_batch(store: Store, bodies: Sequence[bytes]) -> None:
    """All of them in one transaction."""
    if not all(store.accept([_arrival(body) for body in bodies])):
        raise RuntimeError("a webhook was taken for a duplicate")


def _arrival(body: bytes) -> Arrival:
    seen = peek(body, CONTENT_TYPE)
    return Arrival(
        id=new_id(),
        dedupe_key=seen.dedupe_key,
        received_at=datetime.now(UTC),
        kind=seen.kind,
        generation=seen.generation,
        type=seen.type,
        source_id=seen.source_id,
        content_type=CONTENT_TYPE,
        body=body,
    )
