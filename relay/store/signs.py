"""What the stored history shows of trouble: places that are dead, projects gone silent, runs that finished.

Everything here reads a bounded number of rows, whatever the size of the history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, bindparam, func, literal_column, select, type_coerce

from relay.ids import id_at, time_of
from relay.model import Event, EventKind, Status
from relay.store import accept, marks
from relay.store.accept import Arrival
from relay.store.blobs import clean, key_of, unpack_event
from relay.store.engine import reading, writing
from relay.store.marks import Mark
from relay.store.tables import Moment, Step, deliveries, delivery_events, destinations, events, work

MOST_PLACES = 200  # dead ones
MOST_LOOKED_AT = 50_000  # events of one project that are looked through for the runs of a watch
MOST_RUNS = 500  # of a watch


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadPlace:
    """A destination where nothing gets through."""

    destination: str
    since: datetime
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetters:
    """Deliveries of one target that ended as dead, with one of their errors."""

    target: str
    kind: str
    destination: str
    count: int
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """Which events are runs of a watch; None means any."""

    project: str
    kinds: tuple[EventKind, ...]
    branch: str | None = None
    workflow: str | None = None
    job: str | None = None
    ignored: tuple[Status, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The runs of a watch, in the order of their ends. since: from when on the list is complete."""

    runs: tuple[Event, ...]
    since: datetime


class Signs:
    """Every call is a short transaction of its own; any thread may use it. Raises StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def marks(self, kind: str) -> dict[str, Mark]:
        with reading(self._engine) as conn:
            return marks.read(conn, kind)

    def put(self, mark: Mark) -> bool:
        """False when another was faster."""
        with writing(self._engine) as conn:
            return marks.put(conn, mark)

    def remove(self, keys: Sequence[str]) -> None:
        with writing(self._engine) as conn:
            marks.remove(conn, keys)

    def tell(self, arrival: Arrival, mark: Mark | None = None) -> bool:
        """Store an event of our own and the mark about it, both or neither; False: it was told already."""
        with writing(self._engine) as conn:
            return (mark is None or marks.put(conn, mark)) and accept.insert_one(conn, arrival)

    def dead_places(self) -> tuple[DeadPlace, ...]:
        with reading(self._engine) as conn:
            rows = conn.execute(_DEAD_PLACES).all()
        return tuple(DeadPlace(destination=row.key, since=row.since, why=row.dead_why or "") for row in rows)

    def dead_letters(self, after: datetime, until: datetime) -> tuple[DeadLetters, ...]:
        """Of each target what died in this time, without what was about events of our own."""
        with reading(self._engine) as conn:
            rows = conn.execute(_DEAD_LETTERS, {"after": after, "until": until}).all()
        return tuple(DeadLetters(**{**row._mapping, "error": row.error or ""}) for row in rows)

    def oldest_unplanned(self) -> datetime | None:
        """When the oldest webhook came that still waits to be planned."""
        with reading(self._engine) as conn:
            found = conn.execute(_OLDEST_UNPLANNED).scalar()
        return None if found is None else time_of(found)

    def projects(self, after: str, most: int) -> tuple[str, ...]:
        """The next ones in the order of their names."""
        found: list[str] = []
        with reading(self._engine) as conn:
            while len(found) < most:
                name = conn.execute(_NEXT_PROJECT, {"after": found[-1] if found else after}).scalar()
                if name is None:
                    break
                found.append(name)
        return tuple(found)

    def last_before(self, project: str, bounds: Sequence[datetime]) -> tuple[datetime, ...]:
        """When the project's last webhook before each of these times came: in order, each answer once."""
        ids: set[str] = set()
        with reading(self._engine) as conn:
            for bound in bounds:
                values = {"project": key_of(project), "before": id_at(bound.timestamp())}
                ids.add(conn.execute(_LAST_BEFORE, values).scalar() or "")
        return tuple(time_of(each) for each in sorted(ids - {""}))

    def runs(self, sought: Sought, after: datetime) -> Found:
        """Finished runs that were told since then, as far as MOST_LOOKED_AT events reach back."""
        values = {"project": key_of(sought.project), "after": id_at(after.timestamp())}
        with reading(self._engine) as conn:
            first = conn.execute(_FIRST_LOOKED_AT, values).scalar()
            since = after if first is None else time_of(first)
            query = _narrowed(_RUNS, sought)
            rows = conn.execute(query, {**values, "after": id_at(since.timestamp())}).all()
        if len(rows) > MOST_RUNS:
            rows, since = rows[:MOST_RUNS], time_of(rows[MOST_RUNS - 1].id)
        found = (unpack_event(row.facts) for row in rows if row.facts is not None)
        return Found(runs=tuple(sorted(found, key=finished_at)), since=since)


def finished_at(event: Event) -> datetime:
    return event.finished_at or event.received_at


def _narrowed(query: Select[Any], sought: Sought) -> Select[Any]:
    query = query.where(events.c.kind.in_([kind.value for kind in sought.kinds]))
    query = query.where(events.c.status.not_in([status.value for status in sought.ignored]))
    wanted: Mapping[str, str | None] = {
        "branch": sought.branch,
        "workflow": sought.workflow,
        "job": sought.job,
    }
    for name, value in wanted.items():
        if value is not None:
            query = query.where(events.c[name] == clean(value))
    return query


_NOT_OURS = events.c.generation != literal_column("'ours'")
_DEAD_PLACES = (
    select(
        destinations.c.key,
        type_coerce(destinations.c.dead_since, Moment()).label("since"),
        destinations.c.dead_why,
    )
    .where(destinations.c.dead_since.is_not(None))
    .order_by(destinations.c.key)
    .limit(MOST_PLACES)
)
_ABOUT_OTHERS = (
    select(events.c.id)
    .join(delivery_events, delivery_events.c.event_id == events.c.id)
    .where(delivery_events.c.delivery_id == deliveries.c.id, _NOT_OURS)
    .exists()
)
_DEAD_LETTERS = (
    select(
        deliveries.c.target,
        deliveries.c.kind,
        func.max(deliveries.c.destination).label("destination"),
        func.count().label("count"),
        func.max(deliveries.c.error).label("error"),
    )
    .where(
        deliveries.c.state == literal_column("'dead'"),
        deliveries.c.finished_at > bindparam("after", type_=Moment()),
        deliveries.c.finished_at <= bindparam("until", type_=Moment()),
        _ABOUT_OTHERS,
    )
    .group_by(deliveries.c.target, deliveries.c.kind)
)
_OLDEST_UNPLANNED = (
    select(work.c.ref)
    .join(events, events.c.id == work.c.ref)
    .where(work.c.step == Step.PLAN.value, _NOT_OURS)
    .order_by(work.c.ref)
    .limit(1)
)
_NEXT_PROJECT = (
    select(events.c.project)
    .where(events.c.project.is_not(None), events.c.project > bindparam("after"))
    .order_by(events.c.project)
    .limit(1)
)
_LAST_BEFORE = (
    select(events.c.id)
    .where(events.c.project == bindparam("project"), events.c.id < bindparam("before"), _NOT_OURS)
    .order_by(events.c.id.desc())
    .limit(1)
)
_OF_PROJECT = (events.c.project == bindparam("project"), events.c.id >= bindparam("after"))
_FIRST_LOOKED_AT = (
    select(events.c.id).where(*_OF_PROJECT).order_by(events.c.id.desc()).offset(MOST_LOOKED_AT).limit(1)
)
_RUNS = (
    select(events.c.id, events.c.facts)
    .where(*_OF_PROJECT, _NOT_OURS)
    .order_by(events.c.id.desc())
    .limit(MOST_RUNS + 1)
)
