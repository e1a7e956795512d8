"""Bytes of a webhook → Event: classic builds, modern events of all providers, ping, look-alikes.

`peek` is for accepting: quick, and reads only what tells the kind and the dedupe key. `parse` is for the
worker: everything `peek` accepts it turns into an Event, where whatever is absent, null, empty or of a
wrong type is missing.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from relay.model import Event, EventKind, Generation
from relay.payloads import classic, lookalikes, modern
from relay.payloads.envelope import Head, UnsupportedType, open_body
from relay.payloads.record import Record, line, number

__all__ = ["Peek", "UnsupportedType", "parse", "peek"]

LONGEST_KEY = 400  # characters; a longer dedupe key is replaced by its hash


@dataclass(frozen=True, kw_only=True, slots=True)
class Peek:
    """What accepting needs to know of a webhook."""

    generation: Generation
    kind: EventKind
    type: str | None  # the webhook's own word, modern events only
    source_id: str | None  # CircleCI's event id, modern events only
    dedupe_key: str  # the same for repeats of one webhook


def peek(body: bytes, content_type: str | None) -> Peek:
    """What came, or PayloadError saying what is missing (UnsupportedType for a wrong content type)."""
    opened = open_body(body, content_type)
    is_event = opened.generation is Generation.MODERN
    return Peek(
        generation=opened.generation,
        kind=modern.kind_of(opened.type or "") if is_event else EventKind.BUILD,
        type=opened.type,
        source_id=opened.id,
        dedupe_key=_bounded(f"event:{opened.id}" if is_event else _build_key(opened.head, body)),
    )


def parse(body: bytes, content_type: str | None, *, id: str, received_at: datetime) -> Event:
    """The event a webhook tells of; `id` and `received_at` are ours."""
    opened = open_body(body, content_type)
    fields = opened.read()
    if opened.generation is Generation.MODERN:
        return modern.event(Record(fields), id=id, received_at=received_at)
    if opened.generation is Generation.LOOKALIKE:
        fields = lookalikes.as_classic(fields)
    return classic.event(Record(fields), opened.generation, id=id, received_at=received_at)


def _build_key(head: Head, body: bytes) -> str:
    """A build ends once with one outcome; without a number the body is the only name it has."""
    count = number(head.build_num)
    where = line(head.vcs_url) or line(head.build_url) or _names(head)
    if count is None or where is None:
        return f"body:{hashlib.sha256(body).hexdigest()}"
    return f"build:{where}#{count}:{line(head.outcome) or line(head.status) or 'none'}"


def _names(head: Head) -> str | None:
    org, name = line(head.username), line(head.reponame)
    return f"{org}/{name}" if org and name else None


def _bounded(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else f"hash:{hashlib.sha256(key.encode()).hexdigest()}"
