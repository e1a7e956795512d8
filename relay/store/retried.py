"""What retries came to: counts for `relay retry report`, over the ledger of rulings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Double, case, distinct, exists, func, select, type_coerce

from relay.ids import id_at
from relay.store.tables import Moment, failures, rulings

MASKED_WITHIN_S = timedelta(hours=24).total_seconds()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """Rulings of one kind. retried: to be run again, really or in shadow; of those `ended` are known to have
    passed or failed since. masked: that passed, and the same failure came back within a day."""

    name: str
    judged: int
    retried: int
    ended: int
    passed: int
    minutes: float
    by_lot: int = 0  # run again against the odds; of those `explored` have ended
    explored: int = 0
    explored_passed: int = 0
    missed: int = 0  # not run again, and a later attempt passed
    masked: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Flake:
    """A failure that came back and passed when run again, somewhere in the time looked at."""

    project: str
    job: str | None
    failure_class: str
    signature: str | None
    fingerprint: str
    evidence: str | None
    runs: int  # that failed so
    recovered: int
    minutes: float  # that these runs took
    first_seen: datetime  # ever, as far as the ledger goes back
    last_seen: datetime
    before: int  # failures in the same length of time before


@dataclass(frozen=True, kw_only=True, slots=True)
class Hits:
    """How often a signature was the sign of a failure, and when last."""

    count: int
    last: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """So many rulings of one kind and end. masked: of these, those whose failure came back within a day."""

    mode: str
    retry: bool
    explored: bool
    stop: str | None
    passed: bool | None
    verdict: str | None
    count: int
    masked: int


def by(conn: Connection, column: str, since: datetime) -> tuple[Tried, ...]:
    """Rulings since then, grouped by a column of theirs: mode, rule, stop, verdict."""
    name = func.coalesce(rulings.c[column], "–").label("name")
    query = select(name, *_counts()).where(rulings.c.at > since).group_by(name)
    rows = conn.execute(query.order_by(func.count().desc(), name)).mappings()
    return tuple(_tried(row) for row in rows)


def by_class(conn: Connection, since: datetime) -> tuple[Tried, ...]:
    """The same by the class of the first failed job."""
    name = failures.c.failure_class.label("name")
    joined = rulings.join(failures, (failures.c.event_id == rulings.c.event_id) & (failures.c.place == 0))
    query = select(name, *_counts()).select_from(joined).where(rulings.c.at > since).group_by(name)
    rows = conn.execute(query.order_by(func.count().desc(), name)).mappings()
    return tuple(_tried(row) for row in rows)


def flakes(conn: Connection, since: datetime, until: datetime, most: int) -> tuple[Flake, ...]:
    """What to mend first: failures of which at least one passed when run again, by the minutes they took."""
    rows = conn.execute(_flakes(since).limit(most)).all()
    names = [row.fingerprint for row in rows]
    earlier = _seen_before(conn, names, since - (until - since), since)
    first = _first_seen(conn, names)
    return tuple(
        Flake(
            project=row.project,
            job=row.job,
            failure_class=row.failure_class,
            signature=row.signature,
            fingerprint=row.fingerprint,
            evidence=row.evidence,
            runs=row.runs,
            recovered=row.recovered,
            minutes=row.minutes,
            first_seen=first.get((row.project, row.fingerprint), row.last_seen),
            last_seen=row.last_seen,
            before=earlier.get(row.fingerprint, 0),
        )
        for row in rows
    )


def hits(conn: Connection) -> dict[str, Hits]:
    """By signature: the failed jobs that it decided."""
    query = (
        select(failures.c.signature, func.count(), func.max(failures.c.at, type_=Moment()))
        .where(failures.c.signature.is_not(None))
        .group_by(failures.c.signature)
    )
    return {row[0]: Hits(count=row[1], last=row[2]) for row in conn.execute(query)}


def counted(conn: Connection, since: datetime) -> tuple[Counted, ...]:
    """Rulings on events that came since then, for /metrics. Read by the key of time that ids are."""
    names = ("mode", "retry", "explored", "stop", "passed", "verdict")
    columns = [rulings.c[name] for name in names]
    masked = _count(rulings.c.retry & rulings.c.passed & _came_back()).label("masked")
    query = (
        select(*columns, func.count().label("count"), masked)
        .where(rulings.c.event_id > id_at(since.timestamp()))
        .group_by(*columns)
    )
    return tuple(Counted(**row) for row in conn.execute(query).mappings())


def _flakes(since: datetime) -> Any:
    passed = func.count(distinct(case((rulings.c.passed, rulings.c.event_id))))
    minutes = func.sum(rulings.c.minutes)
    named = (
        failures.c.project,
        failures.c.job,
        failures.c.failure_class,
        failures.c.signature,
        failures.c.fingerprint,
    )
    return (
        select(
            *named,
            func.max(failures.c.evidence).label("evidence"),
            func.count(distinct(rulings.c.event_id)).label("runs"),
            passed.label("recovered"),
            minutes.label("minutes"),
            func.max(failures.c.at, type_=Moment()).label("last_seen"),
        )
        .join(rulings, rulings.c.event_id == failures.c.event_id)
        .where(failures.c.at > since)
        .group_by(*named)
        .having(passed > 0)
        .order_by(minutes.desc(), failures.c.fingerprint)
    )


def _first_seen(conn: Connection, fingerprints: Sequence[str]) -> dict[tuple[str, str], datetime]:
    """By project and fingerprint."""
    query = (
        select(failures.c.project, failures.c.fingerprint, func.min(failures.c.at, type_=Moment()))
        .where(failures.c.fingerprint.in_(fingerprints))
        .group_by(failures.c.project, failures.c.fingerprint)
    )
    return {(row[0], row[1]): row[2] for row in conn.execute(query)} if fingerprints else {}


def _seen_before(
    conn: Connection, fingerprints: Sequence[str], since: datetime, until: datetime
) -> dict[str, int]:
    query = (
        select(failures.c.fingerprint, func.count(distinct(failures.c.event_id)))
        .where(failures.c.fingerprint.in_(fingerprints), failures.c.at > since, failures.c.at <= until)
        .group_by(failures.c.fingerprint)
    )
    return {row[0]: row[1] for row in conn.execute(query)} if fingerprints else {}


def _counts() -> tuple[Any, ...]:
    retried, passed = rulings.c.retry, rulings.c.passed
    return (
        func.count().label("judged"),
        _count(retried).label("retried"),
        _count(retried & passed.is_not(None)).label("ended"),
        _count(retried & passed).label("passed"),
        func.sum(case((retried, rulings.c.minutes), else_=0.0)).label("minutes"),
        _count(rulings.c.explored).label("by_lot"),
        _count(rulings.c.explored & passed.is_not(None)).label("explored"),
        _count(rulings.c.explored & passed).label("explored_passed"),
        _count(~retried & passed).label("missed"),
        _count(retried & passed & _came_back()).label("masked"),
    )


def _came_back() -> Any:
    """Whether the same failure came back for good on the branch within a day, at another commit."""
    own, later, its = failures.alias("own"), failures.alias("later"), rulings.alias("its")
    return exists(
        select(1)
        .select_from(
            own.join(later, later.c.fingerprint == own.c.fingerprint).join(its, _same_event(its, later))
        )
        .where(
            own.c.event_id == rulings.c.event_id,
            later.c.project == rulings.c.project,
            later.c.branch == rulings.c.branch,
            later.c.commit_sha != rulings.c.commit_sha,
            later.c.at > rulings.c.at,
            type_coerce(its.c.at, Double) < type_coerce(rulings.c.at, Double) + MASKED_WITHIN_S,
            its.c.passed.is_not(True),
        )
    )


def _same_event(one: Any, other: Any) -> Any:
    return one.c.event_id == other.c.event_id


def _count(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


def _tried(row: Mapping[Any, Any]) -> Tried:
    values: dict[str, Any] = {str(name): value or 0 for name, value in row.items()}
    return Tried(**{**values, "name": str(row["name"])})
