"""What was decided in a stretch of time, in pages from the oldest on, for playing it again."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from relay.model import AttemptOutcome, DeliveryState, Event, Outcome
from relay.quieting import Silence
from relay.store import plans, silences
from relay.store.blobs import key_of, unpack_event, unpack_json
from relay.store.engine import reading
from relay.store.loads import StoredEvent, stored_event
from relay.store.portable import among
from relay.store.tables import EventState, attempts, deliveries, delivery_events, events, slots


@dataclass(frozen=True, kw_only=True, slots=True)
class PastEvent:
    """A webhook, how it was judged and what was decided."""

    hook: StoredEvent
    event: Event
    decision: Mapping[str, Any]
    config: str

    @property
    def id(self) -> str:
        return self.hook.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """A delivery was over. at: from when on plans knew."""

    at: datetime
    ended_at: datetime
    state: DeliveryState


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A delivery was to be tried once more. at: from when on plans knew."""

    at: datetime
    again_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDelivery:
    """A delivery and how it fared. endings: more than one when it was replayed, at `queued_at`."""

    id: str
    target: str
    kind: str
    route: str
    direct: str | None
    group_key: str | None
    mention: tuple[str, ...]
    settings: Mapping[str, Any]
    created_at: datetime
    queued_at: datetime
    closed_at: datetime | None
    title: str | None
    state: DeliveryState
    endings: tuple[Ending, ...] = ()
    retries: tuple[Retry, ...] = ()


class Past:
    """The ledger, read in the order in which things came. Every call is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, after: str, before: str, limit: int) -> tuple[PastEvent, ...]:
        """Planned events whose ids are between, the oldest first."""
        query = select(events).where(events.c.id > after, events.c.id < before, events.c.facts.is_not(None))
        with reading(self._engine) as conn:
            return tuple(map(_event, conn.execute(query.order_by(events.c.id).limit(limit))))

    def oldest_of(self, limit: int, after: str, before: str) -> str | None:
        """The id of the oldest among the newest planned events; None when there are fewer than that."""
        query = select(events.c.id).where(
            events.c.id > after, events.c.id < before, events.c.facts.is_not(None)
        )
        with reading(self._engine) as conn:
            newest = conn.execute(query.order_by(events.c.id.desc()).offset(limit - 1).limit(1))
            found: str | None = newest.scalar()
        return found

    def unplanned(self, after: str, before: str) -> Mapping[str, int]:
        """How many events there are that nothing was decided about, by their state."""
        query = select(events.c.state, func.count()).where(
            events.c.id > after, events.c.id < before, events.c.facts.is_(None)
        )
        with reading(self._engine) as conn:
            rows = conn.execute(query.group_by(events.c.state)).all()
        return Counter({EventState(state).value: count for state, count in rows})

    def deliveries(self, event_ids: Collection[str]) -> Mapping[str, tuple[PastDelivery, ...]]:
        """By the events they are about, in the order in which they were made."""
        if not event_ids:
            return {}
        with reading(self._engine) as conn:
            links = conn.execute(_LINKS, {"ids": list(event_ids)}).all()
            found = _deliveries(conn, sorted({link.delivery_id for link in links}))
        about: dict[str, list[PastDelivery]] = defaultdict(list)
        for link in links:
            about[link.event_id].append(found[link.delivery_id])
        return {event_id: tuple(sorted(each, key=lambda one: one.id)) for event_id, each in about.items()}

    def histories(self, keys: Collection[str], until: datetime) -> Mapping[str, tuple[Outcome, ...]]:
        """As `Store.history`, of each key, as far as it was known then."""
        with reading(self._engine) as conn:
            return plans.histories_until(conn, keys, until)

    def slots(self, names: Iterable[str], until: datetime) -> Sequence[Mapping[str, Any]]:
        """The rows of those that were taken last before then, each with the state of its delivery."""
        with reading(self._engine) as conn:
            rows = conn.execute(_SLOTS, {"names": sorted(map(key_of, names))}).mappings().all()
        return [dict(row) for row in rows if row["reserved_at"] < until]

    def silences(self, start: datetime, end: datetime) -> tuple[tuple[Silence, datetime | None], ...]:
        """Those that people asked for and that held at some time between, and when each was taken back."""
        with reading(self._engine) as conn:
            return silences.between(conn, start, end)


def _event(row: Any) -> PastEvent:
    return PastEvent(
        hook=stored_event(row),
        event=unpack_event(row.facts),
        decision=unpack_json(row.decision) or {},
        config=row.config or "",
    )


def _deliveries(conn: Connection, ids: Sequence[str]) -> dict[str, PastDelivery]:
    tries: dict[str, list[Any]] = defaultdict(list)
    for row in conn.execute(_TRIES, {"ids": list(ids)}):
        tries[row.ref].append(row)
    rows = conn.execute(_DELIVERIES, {"ids": list(ids)})
    return {row.id: _delivery(row, tries[row.id]) for row in rows}


def _delivery(row: Any, tries: Sequence[Any]) -> PastDelivery:
    terms = unpack_json(row.terms)
    return PastDelivery(
        id=row.id,
        target=row.target,
        kind=row.kind,
        route=row.route,
        direct=terms.get("direct"),
        group_key=row.group_key,
        mention=tuple(terms["mention"]),
        settings=terms["settings"],
        created_at=row.created_at,
        queued_at=row.queued_at,
        closed_at=None if row.closed_at is None else datetime.fromtimestamp(row.closed_at, UTC),
        title=row.title,
        state=DeliveryState(row.state),
        endings=tuple(_endings(row, tries)),
        retries=tuple(_retries(tries)),
    )


def _endings(row: Any, tries: Sequence[Any]) -> Iterable[Ending]:
    """The last one, and the one before it was put back into the queue."""
    made = [one for one in tries if one.outcome != AttemptOutcome.LATE]
    before = [one for one in made if _known_at(one) <= row.queued_at]
    if row.queued_at > row.created_at and before:
        was_sent = before[-1].outcome == AttemptOutcome.DELIVERED
        yield _ending(before[-1], DeliveryState.DELIVERED if was_sent else DeliveryState.DEAD)
    if row.finished_at is not None and made:
        yield _ending(made[-1], DeliveryState(row.state))


def _retries(tries: Sequence[Any]) -> Iterable[Retry]:
    for one in tries:
        if one.again_at is not None and one.outcome != AttemptOutcome.LATE:
            yield Retry(at=_known_at(one), again_at=one.again_at)


def _ending(last: Any, state: DeliveryState) -> Ending:
    return Ending(at=_known_at(last), ended_at=last.ended_at, state=state)


def _known_at(one: Any) -> datetime:
    """Attempts that an older release recorded tell when they ended only."""
    known: datetime = one.recorded_at or one.ended_at
    return known


_LINKS = select(delivery_events).where(among(delivery_events.c.event_id, "ids"))
_DELIVERIES = select(deliveries).where(among(deliveries.c.id, "ids"))
_TRIES = select(attempts).where(among(attempts.c.ref, "ids")).order_by(attempts.c.id)
_SLOTS = (
    select(slots, deliveries.c.state, deliveries.c.finished_at)
    .outerjoin(deliveries, deliveries.c.id == slots.c.delivery_id)
    .where(among(slots.c.name, "names"))
)
