"""Reading what a claim is about: the webhook to plan, or the delivery with its events."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, literal_column, select

from relay.model import Event, EventKind, Generation
from relay.quieting import HELD, worth_telling
from relay.store import plans
from relay.store.blobs import key_of, optional_key, unpack, unpack_event, unpack_json
from relay.store.claims import Claim
from relay.store.portable import among
from relay.store.tables import Step, cards, deliveries, delivery_events, events

if TYPE_CHECKING:
    from relay.planning import NewDelivery


EARLIER_MOST = 200  # events of a conversation that a message about all of it may tell


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
    """An accepted webhook as it came."""

    id: str
    received_at: datetime
    kind: EventKind
    generation: Generation
    type: str | None
    source_id: str | None
    content_type: str | None
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDelivery:
    """A delivery to make, with its judged events, the oldest first; none when a held one has no news left."""

    id: str
    target: str
    kind: str  # "notify" | "act"
    route: str
    also: tuple[str, ...]
    mention: tuple[str, ...]
    direct: str | None
    destination: str
    lane: str | None
    group_key: str | None
    created_at: datetime
    queued_at: datetime  # created or last replayed
    settings: Mapping[str, Any]
    events: tuple[Event, ...]
    earlier: tuple[Event, ...] = ()  # what its conversation was about before, the oldest first
    card: Mapping[str, str] = field(default_factory=dict)  # receipt of the message the conversation has


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Everything some claims are about, by id."""

    events: Mapping[str, StoredEvent] = field(default_factory=dict)
    deliveries: Mapping[str, StoredDelivery] = field(default_factory=dict)


def load(conn: Connection, claims: Iterable[Claim]) -> Load:
    refs: dict[Step, list[str]] = {Step.PLAN: [], Step.DELIVER: []}
    for claim in claims:
        refs[claim.step].append(claim.ref)
    return Load(
        events=load_events(conn, refs[Step.PLAN]),
        deliveries=load_deliveries(conn, refs[Step.DELIVER]),
    )


def load_events(conn: Connection, ids: list[str]) -> dict[str, StoredEvent]:
    rows = conn.execute(_EVENTS, {"ids": ids}) if ids else ()
    return {row.id: stored_event(row) for row in rows}


def load_deliveries(conn: Connection, ids: list[str]) -> dict[str, StoredDelivery]:
    if not ids:
        return {}
    about: dict[str, list[str]] = {wanted: [] for wanted in ids}
    for row in conn.execute(_LINKS, {"ids": ids}):
        about[row.delivery_id].append(row.event_id)
    judged = load_judged(conn, {event_id for event_ids in about.values() for event_id in event_ids})
    rows = conn.execute(_DELIVERIES, {"ids": ids}).all()
    found = {row.id: _delivery(row, tuple(judged[event_id] for event_id in about[row.id])) for row in rows}
    found = {id: _with_card(conn, each) if each.lane else each for id, each in found.items()}
    return {id: _with_news(conn, each) if HELD in each.settings else each for id, each in found.items()}


def _with_news(conn: Connection, delivery: StoredDelivery) -> StoredDelivery:
    """With what is still news of all that was held; that may be nothing."""
    rows = conn.execute(_STATE_KEYS, {"ids": [event.id for event in delivery.events]})
    keys = {row.id: row.state_key for row in rows if row.state_key}
    newest = plans.histories(conn, set(keys.values()), 1, hold=False)
    green = {key for key, outcomes in newest.items() if outcomes and outcomes[0].red is False}
    return replace(delivery, events=worth_telling(delivery.events, keys, green))


def _with_card(conn: Connection, delivery: StoredDelivery) -> StoredDelivery:
    """With what its conversation has said so far. Of a lane one row is in hand at a time."""
    values = {"lane": delivery.lane, "target": delivery.target, "wanted": delivery.id}
    card = conn.execute(_CARD, values | {"destination": delivery.destination}).scalar()
    earlier = conn.execute(_EARLIER, values).scalars().all()
    judged = load_judged(conn, earlier)
    return replace(
        delivery, card=unpack_json(card) or {}, earlier=tuple(judged[id] for id in sorted(earlier))
    )


def has_card(conn: Connection, lane: str) -> bool:
    found = conn.execute(select(cards.c.lane).where(cards.c.lane == key_of(lane)))
    return found.first() is not None


def load_judged(conn: Connection, ids: Collection[str]) -> dict[str, Event]:
    """Each event once, however many deliveries are about it."""
    rows = conn.execute(_FACTS, {"ids": list(ids)})
    return {row.id: unpack_event(row.facts) for row in rows}


def as_stored(delivery: "NewDelivery", event: Event, now: datetime) -> StoredDelivery:
    """What loading gives for a delivery about this one event that was recorded at `now`."""
    return StoredDelivery(
        id=delivery.id,
        target=delivery.target,
        kind=delivery.kind,
        route=delivery.route,
        also=delivery.also,
        mention=delivery.mention,
        destination=key_of(delivery.destination),
        lane=optional_key(delivery.lane),
        group_key=None,
        created_at=now,
        queued_at=now,
        direct=delivery.direct,
        settings=delivery.settings,
        events=(event,),
    )


def stored_event(row: Any) -> StoredEvent:
    """A row of `events`."""
    return StoredEvent(
        id=row.id,
        received_at=row.received_at,
        kind=EventKind(row.kind),
        generation=Generation(row.generation),
        type=row.type,
        source_id=row.source_id,
        content_type=row.content_type,
        body=unpack(row.body),
    )


def _delivery(row: Any, judged: tuple[Event, ...]) -> StoredDelivery:
    terms = unpack_json(row.terms)
    return StoredDelivery(
        id=row.id,
        target=row.target,
        kind=row.kind,
        route=row.route,
        also=tuple(terms["also"]),
        mention=tuple(terms["mention"]),
        destination=row.destination,
        lane=row.lane,
        group_key=row.group_key,
        created_at=row.created_at,
        queued_at=row.queued_at,
        direct=terms.get("direct"),
        settings=terms["settings"],
        events=judged,
    )


_EVENTS = select(
    events.c.id,
    events.c.received_at,
    events.c.kind,
    events.c.generation,
    events.c.type,
    events.c.source_id,
    events.c.content_type,
    events.c.body,
).where(among(events.c.id, "ids"))
_DELIVERIES = select(deliveries).where(among(deliveries.c.id, "ids"))
_CARD = select(cards.c.receipt).where(
    cards.c.lane == bindparam("lane"), cards.c.destination == bindparam("destination")
)
_EARLIER = (
    select(delivery_events.c.event_id)
    .join(deliveries, deliveries.c.id == delivery_events.c.delivery_id)
    .where(
        deliveries.c.target == bindparam("target"),
        deliveries.c.lane == bindparam("lane"),
        deliveries.c.id < bindparam("wanted"),
    )
    .order_by(deliveries.c.id.desc())
    .limit(literal_column(str(EARLIER_MOST)))
)
_LINKS = (
    select(delivery_events)
    .where(among(delivery_events.c.delivery_id, "ids"))
    .order_by(delivery_events.c.delivery_id, delivery_events.c.event_id)
)
_STATE_KEYS = select(events.c.id, events.c.state_key).where(among(events.c.id, "ids"))
_FACTS = select(events.c.id, events.c.facts).where(among(events.c.id, "ids"))
