"""How a delivery of the replay fares: like the one it stands for in the ledger, else it is sent at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from relay.model import DeliveryState
from relay.pipeline import INSTEAD_OF
from relay.planning import SHADOW, NewDelivery
from relay.store import PastDelivery, StoredDelivery

LATENCY = timedelta(seconds=1)  # of a message that nobody sent in truth
KEY = "key"  # among a delivery's settings: tells messages to one target apart

Identity = tuple[str, str, str | None, str, bool, tuple[str, ...]]


class Kind(IntEnum):
    """What happens to a delivery, in the order of one turn; plans come before all of them."""

    END = 0
    REQUEUE = 1
    CLOSE = 2
    RETRY = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Something that happens to a delivery. ended_at, state: of an end. again_at: of a retry."""

    at: datetime
    kind: Kind
    ended_at: datetime | None = None
    state: DeliveryState = DeliveryState.DELIVERED
    again_at: datetime | None = None


def identity(one: NewDelivery | PastDelivery | StoredDelivery) -> Identity:
    """What two deliveries about one event have in common that stand for each other."""
    terms = one.settings
    instead = tuple(terms.get(INSTEAD_OF, ()))
    return one.target, one.kind, one.direct, str(terms.get(KEY, "")), bool(terms.get(SHADOW)), instead


def paired(
    one: NewDelivery | PastDelivery | StoredDelivery, others: Iterable[Any], taken: set[str]
) -> Any | None:
    """The first of the others that stands for it and is not taken; then it is."""
    wanted = identity(one)
    found = next((other for other in others if other.id not in taken and identity(other) == wanted), None)
    if found is not None:
        taken.add(found.id)
    return found


def has_same_times(one: NewDelivery, other: NewDelivery) -> bool:
    """Whether both wait for the same company and just as long."""
    return (one.group_key, one.due_at, one.latest_at) == (other.group_key, other.due_at, other.latest_at)


def as_it_was(real: PastDelivery) -> Iterator[Step]:
    """What happened to it, at its times."""
    if real.group_key is not None and (closed := _closed_at(real)) is not None:
        yield Step(at=closed, kind=Kind.CLOSE)
    for retry in real.retries:
        yield Step(at=retry.at, kind=Kind.RETRY, again_at=retry.again_at)
    for number, ending in enumerate(real.endings):
        if number:
            yield Step(at=real.queued_at, kind=Kind.REQUEUE)
        yield Step(at=ending.at, kind=Kind.END, ended_at=ending.ended_at, state=ending.state)


def _closed_at(real: PastDelivery) -> datetime | None:
    if real.closed_at is not None or not real.endings:
        return real.closed_at
    return real.endings[0].ended_at


def from_now(at: datetime, real: PastDelivery | None) -> Iterator[Step]:
    """What becomes of one that is due at another time than what it stands for, or stands for nothing."""
    yield Step(at=at, kind=Kind.CLOSE)
    last = real.endings[-1] if real and real.endings else None
    if real is None or last is None:
        yield Step(at=at + LATENCY, kind=Kind.END, ended_at=at + LATENCY)
        return
    begun = _closed_at(real) if real.group_key is not None else real.created_at
    ended = at + max(timedelta(), last.ended_at - (begun or last.ended_at))
    yield Step(at=ended, kind=Kind.END, ended_at=ended, state=last.state)
