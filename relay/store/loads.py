"""Reading what a claim is about: the webhook to plan, or the delivery with its events."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from relay import changes
from relay.accounts import Row as AccountRow
from relay.accounts import account_about, account_of, add_up
from relay.model import Account, Change, Event, EventKind, Generation, Outcome, Status
from relay.planning import GATHERED
from relay.quieting import HELD, VERDICT, worth_telling
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
    account: Account | None = None  # of all it is about, when it only tells the worst of it; the worst first
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
    rows = conn.execute(_DELIVERIES, {"ids": ids}).all()
    found = {row.id: _delivery(row) for row in rows}
    gathered = {id: _with_account(conn, each) for id, each in found.items() if GATHERED in each.settings}
    found = _with_events(conn, [each for id, each in found.items() if id not in gathered])
    found = {id: _with_card(conn, each) if each.lane else each for id, each in (found | gathered).items()}
    as_of = {row.id: row.as_of for row in rows}
    return {id: _with_news(conn, each, as_of[id]) if _is_held(each) else each for id, each in found.items()}


def _with_events(conn: Connection, found: Sequence[StoredDelivery]) -> dict[str, StoredDelivery]:
    """With all they are about."""
    about: dict[str, list[str]] = {each.id: [] for each in found}
    for row in conn.execute(_LINKS, {"ids": [*about]}) if found else ():
        about[row.delivery_id].append(row.event_id)
    wanted = {event_id for event_ids in about.values() for event_id in event_ids}
    judged = load_judged(conn, wanted) if wanted else {}
    return {each.id: replace(each, events=tuple(judged[id] for id in about[each.id])) for each in found}


def _with_account(conn: Connection, delivery: StoredDelivery) -> StoredDelivery:
    """With the worst of what it is about, however much that is, and counts of it all."""
    rows = conn.execute(_ENDS, {"wanted": delivery.id})
    sums = add_up(_row(row) for row in rows)
    account = account_of(sums, load_judged(conn, sums.told.keys()))
    return replace(delivery, account=account, events=tuple(place.event for place in account.places))


def _row(row: Any) -> AccountRow:
    return AccountRow(
        project=row.project,
        branch=row.branch,
        tag=row.tag,
        kind=EventKind(row.kind),
        change=Change(row.change),
        status=Status(row.status),
        count=row.number,
        newest=row.newest,
    )


def _is_held(delivery: StoredDelivery) -> bool:
    return HELD in delivery.settings or VERDICT in delivery.settings


def _with_news(conn: Connection, delivery: StoredDelivery, as_of: int | None) -> StoredDelivery:
    """With what is still news of all that was held; that may be nothing.

    Only what was known when it closed counts: what came later was judged as if all of it had been told.
    """
    rows = conn.execute(_STATE_KEYS, {"ids": [event.id for event in delivery.events]})
    keys = {row.id: row.state_key for row in rows if row.state_key}
    histories = plans.histories(conn, set(keys.values()), plans.HISTORY, hold=False)
    known = {
        key: [outcome for outcome in history if as_of is None or outcome.place <= as_of]
        for key, history in histories.items()
    }
    passes = _passes if VERDICT in delivery.settings else _is_green
    green = {key for key, history in known.items() if history and passes(history)}
    return replace(delivery, events=worth_telling(delivery.events, keys, green))


def _is_green(history: Sequence[Outcome]) -> bool:
    return history[0].red is False


def _passes(history: Sequence[Outcome]) -> bool:
    """A retry that passed is a verdict, although the branch stays red by it."""
    return not changes.failing(history)


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
        account=account_about((event,)) if GATHERED in delivery.settings else None,
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


def _delivery(row: Any) -> StoredDelivery:
    """Without its events."""
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
        events=(),
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
_ENDED = (
    events.c.project,
    events.c.branch,
    events.c.tag,
    events.c.kind,
    events.c.change,
    events.c.status,
)
_ENDS = (
    select(*_ENDED, func.count().label("number"), func.max(events.c.id).label("newest"))
    .join(delivery_events, delivery_events.c.event_id == events.c.id)
    .where(delivery_events.c.delivery_id == bindparam("wanted"))
    .group_by(*_ENDED)
)
_STATE_KEYS = select(events.c.id, events.c.state_key).where(among(events.c.id, "ids"))
_FACTS = select(events.c.id, events.c.facts).where(among(events.c.id, "ids"))
