"""What people look up: events, deliveries and attempts, newest first, and how much is waiting."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    false,
    func,
    literal_column,
    select,
    true,
)

from relay.errors import UsageError
from relay.model import AttemptOutcome, Change, DeliveryState, Event, EventKind, Generation, Status
from relay.store.blobs import key_of, unpack, unpack_event, unpack_json
from relay.store.claims import ready_destinations
from relay.store.tables import (
    IS_BLOCKED,
    IS_LEASED,
    IS_READY,
    PLANNING,
    EventState,
    attempts,
    deliveries,
    delivery_events,
    events,
    repeats,
    work,
)

PAGE = 50
COUNTED_MOST = 100_000  # rows; counting a million takes a second
SHORTEST_ID = 6  # characters of an id that people may type instead of all


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFilter:
    """What a list of events is narrowed to. None is anything."""

    project: str | None = None
    branch: str | None = None
    tag: str | None = None
    status: Status | None = None
    change: Change | None = None
    kind: EventKind | None = None
    state: EventState | None = None
    state_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryFilter:
    """What a list of deliveries is narrowed to. None is anything."""

    state: DeliveryState | None = None
    target: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """An event in a list. What planning fills in is None before."""

    id: str
    received_at: datetime
    kind: EventKind
    generation: Generation
    type: str | None
    state: EventState
    tries: int
    error: str | None
    project: str | None
    branch: str | None
    tag: str | None
    status: Status | None
    change: Change | None
    number: int | None
    state_key: str | None
    commit_sha: str | None
    author: str | None
    workflow: str | None
    job: str | None
    url: str | None
    repeats: int = 0  # how often its webhook came again
    repeated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """A delivery in a list."""

    id: str
    target: str
    kind: str
    route: str
    destination: str
    lane: str | None
    group_key: str | None
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    tries: int
    title: str | None
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRow:
    """One try at a delivery, or at planning an event."""

    number: int
    worker: str
    started_at: datetime
    ended_at: datetime
    outcome: AttemptOutcome
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventDetail:
    """All there is about an event."""

    row: EventRow
    source_id: str | None
    content_type: str | None
    body: bytes
    event: Event | None  # as judged
    decision: Mapping[str, Any] | None
    config: str | None
    deliveries: tuple[DeliveryRow, ...]
    attempts: tuple[AttemptRow, ...]  # at planning it, failed ones only


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryDetail:
    """All there is about a delivery."""

    row: DeliveryRow
    also: tuple[str, ...]
    mention: tuple[str, ...]
    settings: Mapping[str, Any]
    receipt: Mapping[str, str]
    event_ids: tuple[str, ...]
    attempts: tuple[AttemptRow, ...]


def list_events(
    conn: Connection, wanted: EventFilter, limit: int, before: str | None
) -> tuple[EventRow, ...]:
    query = _EVENTS.order_by(events.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(events.c.id < before)
    for name in EventFilter.__slots__:
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(events.c[name] == (key_of(value) if name == "project" else value))
    return tuple(_event_row(row) for row in conn.execute(query))


def list_deliveries(
    conn: Connection, wanted: DeliveryFilter, limit: int, before: str | None
) -> tuple[DeliveryRow, ...]:
    query = _DELIVERIES.order_by(deliveries.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    if wanted.target is not None:
        query = query.where(deliveries.c.target == wanted.target)
    if wanted.event_id is not None:
        query = query.join(delivery_events, delivery_events.c.delivery_id == deliveries.c.id)
        query = query.where(delivery_events.c.event_id == wanted.event_id)
    if wanted.state is not None:
        query = _in_state(query, wanted.state)
    return tuple(_delivery_row(row) for row in conn.execute(query))


def event_detail(conn: Connection, text: str) -> EventDetail | None:
    """By id, or by six or more characters that only this id begins or ends with."""
    found = find_id(conn, events, text)
    if found is None:
        return None
    row = conn.execute(_EVENTS.add_columns(*_EVENT_DETAILS).where(events.c.id == found)).one()
    return EventDetail(
        row=_event_row(row),
        source_id=row.source_id,
        content_type=row.content_type,
        body=unpack(row.body),
        event=None if row.facts is None else unpack_event(row.facts),
        decision=unpack_json(row.decision),
        config=row.config,
        deliveries=list_deliveries(conn, DeliveryFilter(event_id=found), limit=10 * PAGE, before=None),
        attempts=list_attempts(conn, found),
    )


def received(conn: Connection, dedupe_key: str) -> EventRow | None:
    """The event that this webhook is, if it came before."""
    row = conn.execute(_EVENTS.where(events.c.dedupe_key == key_of(dedupe_key))).first()
    return None if row is None else _event_row(row)


def delivery_detail(conn: Connection, text: str) -> DeliveryDetail | None:
    """By id, or by six or more characters that only this id begins or ends with."""
    found = find_id(conn, deliveries, text)
    if found is None:
        return None
    row = conn.execute(_DELIVERIES.add_columns(*_DETAILS).where(deliveries.c.id == found)).one()
    about = select(delivery_events.c.event_id).where(delivery_events.c.delivery_id == found)
    terms = unpack_json(row.terms)
    return DeliveryDetail(
        row=_delivery_row(row),
        also=tuple(terms["also"]),
        mention=tuple(terms["mention"]),
        settings=terms["settings"],
        receipt=unpack_json(row.receipt) or {},
        event_ids=tuple(conn.execute(about.order_by(delivery_events.c.event_id)).scalars()),
        attempts=list_attempts(conn, found),
    )


def list_attempts(conn: Connection, ref: str) -> tuple[AttemptRow, ...]:
    """In the order they ended."""
    query = select(attempts).where(attempts.c.ref == ref).order_by(attempts.c.id)
    return tuple(_attempt_row(row) for row in conn.execute(query))


def find_id(conn: Connection, table: Table, text: str) -> str | None:
    """The one id that is, begins with or ends with the text. UsageError when there are several."""
    text = text.lower()
    if conn.execute(select(table.c.id).where(table.c.id == text)).first():
        return text
    if len(text) < SHORTEST_ID or not (text.isascii() and text.isalnum()):
        return None
    begins = and_(table.c.id >= text, table.c.id < text + "~")
    for condition in (begins, table.c.id.like(f"%{text}")):
        found = conn.execute(select(table.c.id).where(condition).limit(2)).scalars().all()
        if len(found) > 1:
            raise UsageError(f"several ids begin or end with {text}; give more of it")
        if found:
            return str(found[0])
    return None


def counts(conn: Connection) -> dict[str, int]:
    """How much there is to do, and how much went wrong; of each at most COUNTED_MOST are counted.

    planning: events that wait for it; ready: deliveries due now or later; blocked: those behind an older
    one of their lane; leased: either, in hand; dead, unknown: deliveries; stuck: events.
    """
    row = conn.execute(_COUNTS).mappings().one()
    return dict(row)


def oldest_waiting(conn: Connection, now: datetime) -> float | None:
    """Seconds since the oldest row that is due and not claimed became so; None when nothing is due."""
    ages = [
        now.timestamp() - destination.first_due
        for destination in ready_destinations(conn)
        if 0 < destination.first_due <= now.timestamp()
    ]
    accepted = conn.execute(_OLDEST_ACCEPTED).scalar()
    if accepted is not None:
        ages.append(max(0.0, (now - accepted).total_seconds()))
    return max(ages, default=None)


def _in_state(query: Select[Any], state: DeliveryState) -> Select[Any]:
    if state is DeliveryState.LEASED:
        return query.where(work.c.id.is_not(None))
    # Written out, or SQLite cannot see that the index of failed ones serves.
    stored = DeliveryState.DELIVERED if state is DeliveryState.SHADOW else state
    query = query.where(deliveries.c.state == literal_column(f"'{stored.value}'"))
    if stored is DeliveryState.DELIVERED:
        return query.where(deliveries.c.shadow == (true() if state is DeliveryState.SHADOW else false()))
    return query.where(work.c.id.is_(None)) if state is DeliveryState.WAITING else query


def _event_row(row: Any) -> EventRow:
    return EventRow(
        id=row.id,
        received_at=row.received_at,
        kind=EventKind(row.kind),
        generation=Generation(row.generation),
        type=row.type,
        state=EventState(row.state),
        tries=row.tries,
        error=row.error,
        project=row.project,
        branch=row.branch,
        tag=row.tag,
        status=Status(row.status) if row.status else None,
        change=Change(row.change) if row.change else None,
        number=row.number,
        state_key=row.state_key,
        commit_sha=row.commit_sha,
        author=row.author,
        workflow=row.workflow,
        job=row.job,
        url=row.url,
        repeats=row.repeats or 0,
        repeated_at=row.repeated_at,
    )


def _delivery_row(row: Any) -> DeliveryRow:
    return DeliveryRow(
        id=row.id,
        target=row.target,
        kind=row.kind,
        route=row.route,
        destination=row.destination,
        lane=row.lane,
        group_key=row.group_key,
        state=_shown_state(row),
        created_at=row.created_at,
        due_at=datetime.fromtimestamp(row.due_at, UTC) if row.due_at else row.created_at,
        finished_at=row.finished_at,
        tries=row.tries,
        title=row.title,
        error=row.error,
    )


def _shown_state(row: Any) -> DeliveryState:
    if row.leased is not None:
        return DeliveryState.LEASED
    state = DeliveryState(row.state)
    return DeliveryState.SHADOW if row.shadow and state is DeliveryState.DELIVERED else state


def _attempt_row(row: Any) -> AttemptRow:
    return AttemptRow(
        number=row.number,
        worker=row.worker,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=AttemptOutcome(row.outcome),
        status=row.status,
        error=row.error,
        excerpt=row.excerpt,
    )


_COUNTED_APART = {"repeats": repeats.c.times, "repeated_at": repeats.c.last_at}
_EVENTS = select(
    *(events.c[name] for name in EventRow.__slots__ if name not in _COUNTED_APART),
    *(column.label(name) for name, column in _COUNTED_APART.items()),
).outerjoin_from(events, repeats, repeats.c.dedupe_key == events.c.dedupe_key)
_EVENT_DETAILS = tuple(
    events.c[name] for name in ("source_id", "content_type", "body", "facts", "decision", "config")
)
_DETAILS = (deliveries.c.terms, deliveries.c.receipt)
_DELIVERIES = (
    select(
        *(deliveries.c[name] for name in DeliveryRow.__slots__),
        deliveries.c.shadow,
        work.c.id.label("leased"),
    )
    .select_from(deliveries)
    .outerjoin(work, (work.c.ref == deliveries.c.id) & IS_LEASED)
)


def _counted(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many rows there are, without reading more than COUNTED_MOST."""
    rows: Select[Any] = (
        select(literal_column("1")).where(*conditions).limit(literal_column(str(COUNTED_MOST)))
    )
    return select(func.count()).select_from(rows.subquery()).scalar_subquery()


# As the partial index says it, so that it is used.
_HAS_FAILED = deliveries.c.state.in_((literal_column("'dead'"), literal_column("'unknown'")))
_COUNTS = select(
    _counted(IS_READY, work.c.destination == PLANNING).label("planning"),
    _counted(IS_READY, work.c.destination != PLANNING).label("ready"),
    _counted(IS_BLOCKED).label("blocked"),
    _counted(IS_LEASED).label("leased"),
    _counted(_HAS_FAILED, deliveries.c.state == literal_column("'dead'")).label("dead"),
    _counted(_HAS_FAILED, deliveries.c.state == literal_column("'unknown'")).label("unknown"),
    _counted(events.c.state == literal_column("'stuck'")).label("stuck"),
)
_OLDEST_ACCEPTED = (
    select(events.c.received_at)
    .join(work, work.c.ref == events.c.id)
    .where(IS_READY, work.c.destination == PLANNING, work.c.due_at == 0)
    .order_by(work.c.due_at, work.c.id)
    .limit(1)
)
