"""Claiming: taking rows that are due, under a lease, spread fairly over the destinations."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Double,
    Integer,
    RowMapping,
    Select,
    Text,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from relay.store import portable
from relay.store.limits import Destination, Limit, allowed, charged, rotate, share
from relay.store.portable import among
from relay.store.tables import (
    IS_LEASED,
    IS_READY,
    PLANNING,
    Step,
    deliveries,
    destinations,
    outcomes,
    work,
    workers,
)

_REMEMBERED = ("arrival_at", "paused_until", "pause_s", "failures", "failed_at")
SHORT_WAIT_S = 0.005  # before looking again at what another worker holds just now


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A worker's hold on one row of work, good until it finishes or the lease runs out."""

    id: int
    step: Step
    ref: str  # an event's id for a plan step, else a delivery's
    destination: str
    lane: str | None
    attempt: int  # from 1
    worker: str
    lost: bool  # the attempt before this one never reported back: what it did is not known
    grouped: bool
    dead_since: float | None = (
        None  # since when nothing gets through to the destination, in seconds since 1970
    )
    dead_why: str | None = None
    has_trouble: bool = True  # whether the destination failed lately, as far as was known when claiming


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """For whom and how long rows are claimed. Times are seconds since 1970."""

    worker: str
    now: float
    length_s: float


def claim_plans(conn: Connection, lease: Lease, room: int) -> tuple[Claim, ...]:
    """Up to `room` events that wait to be planned, the oldest first. One that was lost comes alone.

    It may be what ended its worker, and events held beside it would be counted as tried along with it.
    """
    taken = _take(conn, lease, PLANNING, room) if room > 0 else []
    lost = next((claim for claim in taken if claim.lost), None)
    if lost is None or len(taken) == 1:
        return tuple(taken)
    conn.execute(_PUT_BACK, {"ids": [claim.id for claim in taken if claim is not lost]})
    return (lost,)


def claim_deliveries(
    conn: Connection,
    lease: Lease,
    ready: Iterable[Destination],
    room: int,
    limits: Callable[[str], Limit],
    after: str,
    locked: Collection[str] = (),
) -> tuple[Claim, ...]:
    """Up to `room` deliveries that are due, within every destination's limit.

    ready: what `ready_destinations` told in this transaction. after: the destination served last, so that
    the turn goes round. locked: what `lock` got before `ready` was read. Destinations or groups another
    worker is busy with are left for the next turn, so nothing is waited for here.
    """
    due = {d.key: d for d in ready if d.first_due <= lease.now and d.key != PLANNING}
    due = _held(conn, due, limits, locked)
    taken: dict[str, list[Claim]] = {}
    capacity = {key: allowed(due[key], limits(key), lease.now) for key in rotate(list(due), after)}
    capacity = {key: most for key, most in capacity.items() if most}
    while room > 0 and capacity:
        for key, most in share(room, capacity).items():
            got = _take(conn, lease, key, most)
            taken.setdefault(key, []).extend(got)
            room -= len(got)
            capacity[key] -= most
            if len(got) < most or not capacity[key]:
                del capacity[key]
    _charge(conn, due, limits, {key: len(claims) for key, claims in taken.items()}, lease.now)
    claims = [_aware(claim, due[claim.destination]) for claims in taken.values() for claim in claims]
    return _close_groups(conn, claims, lease.now)


def _aware(claim: Claim, destination: Destination) -> Claim:
    """The claim, telling how its destination fares."""
    return replace(
        claim,
        dead_since=destination.dead_since,
        dead_why=destination.dead_why,
        has_trouble=destination.failures > 0 or destination.dead_since is not None,
    )


def ready_destinations(conn: Connection) -> list[Destination]:
    """Every destination with ready rows, due or not, and what limits it. Its cost is not the backlog's."""
    return [Destination(**row) for row in conn.execute(_READY_DESTINATIONS).mappings()]


def held(conn: Connection, worker: str) -> tuple[Claim, ...]:
    """Every claim of the worker."""
    return tuple(_claim(row, worker) for row in conn.execute(_HELD, {"wanted": worker}))


def expire(conn: Connection, now: float) -> list[RowMapping]:
    """Take back what is leased beyond its time by nobody on the list of workers.

    A worker on the list lives, or is found dead by its silence: no clock that jumped, and none that is
    wrong on another machine, takes from it what it is busy with. Rows another transaction holds are left.
    """
    return _take_back(conn, _EXPIRED, {"now": now})


def take_from(conn: Connection, workers: Collection[str]) -> list[RowMapping]:
    """Take back everything these workers hold."""
    return _take_back(conn, _OF_WORKERS, {"workers": list(workers)}) if workers else []


def _take_back(conn: Connection, chosen: Any, values: dict[str, Any]) -> list[RowMapping]:
    """The rows as they were: id, ref, attempt, worker, and the lost attempt's lease."""
    rows = list(conn.execute(chosen, values).mappings())
    if rows:
        conn.execute(_RELEASE, {"ids": [row["id"] for row in rows]})
    return rows


def lock(conn: Connection, keys: Collection[str]) -> frozenset[str]:
    """Those of the destinations that nobody else holds just now, held until the transaction ends.

    A limit counts over all workers, so on PostgreSQL the destination's row is locked before counting.
    """
    if not keys or not portable.is_postgresql(conn):
        return frozenset(keys)
    held = _lock(conn, keys)
    missed = [key for key in keys if key not in held]
    return held | _lock(conn, missed) if missed and _add_missing(conn, missed) else held


def _lock(conn: Connection, keys: Collection[str]) -> frozenset[str]:
    return frozenset(conn.execute(_LOCK_DESTINATIONS, {"keys": list(keys)}).scalars())


def _held(
    conn: Connection,
    due: dict[str, Destination],
    limits: Callable[[str], Limit],
    locked: Collection[str],
) -> dict[str, Destination]:
    """The destinations this transaction may claim for, as they are while it holds them.

    One without any limit needs no lock, unless its circuit has opened.
    """
    limited = {key for key in due if not limits(key).is_none or due[key].failures}
    unlocked = sorted(limited.difference(locked))
    if not unlocked or not portable.is_postgresql(conn):
        return due
    held = {*locked, *lock(conn, unlocked)}
    fresh = {d.key: d for d in ready_destinations(conn) if d.key in due}
    return {key: d for key, d in fresh.items() if key in held or key not in limited}


def _add_missing(conn: Connection, keys: Iterable[str]) -> bool:
    """Whether any was missing. In order, so that two workers adding the same ones do not deadlock."""
    known = set(conn.execute(_KNOWN_DESTINATIONS, {"keys": list(keys)}).scalars())
    fresh = [new_destination(key) for key in sorted(keys) if key not in known]
    if fresh:
        conn.execute(portable.insert(conn, destinations).on_conflict_do_nothing(), fresh)
    return bool(fresh)


def new_destination(key: str) -> dict[str, Any]:
    return {
        "key": key,
        "arrival_at": 0.0,
        "paused_until": 0.0,
        "pause_s": 0.0,
        "failures": 0,
        "failed_at": 0.0,
    }


def _charge(
    conn: Connection,
    due: dict[str, Destination],
    limits: Callable[[str], Limit],
    taken: dict[str, int],
    now: float,
) -> None:
    rows = [
        new_destination(key) | {"arrival_at": charged(due[key], limits(key), count, now)}
        for key, count in sorted(taken.items())
        if count and limits(key).rate is not None
    ]
    if rows:
        statement = portable.insert(conn, destinations)
        changes = {"arrival_at": statement.excluded.arrival_at}
        conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changes), rows)


def _take(conn: Connection, lease: Lease, destination: str, most: int) -> list[Claim]:
    values = {
        "new_worker": lease.worker,
        "until": lease.now + lease.length_s,
        "length_s": lease.length_s,
        "destination_key": destination,
        "now": lease.now,
        "most": most,
    }
    rows = sorted(conn.execute(_TAKE, values).all(), key=lambda row: (row.due_at, row.id))
    return [_claim(row, lease.worker) for row in rows]


def _claim(row: Any, worker: str) -> Claim:
    return Claim(
        id=row.id,
        step=Step(row.step),
        ref=row.ref,
        destination=row.destination,
        lane=row.lane,
        attempt=row.attempt,
        worker=worker,
        lost=row.lost,
        grouped=row.grouped,
    )


def _close_groups(conn: Connection, claims: Sequence[Claim], now: float) -> tuple[Claim, ...]:
    """Close the groups among the claimed, and give back those that collected more and wait longer.

    A planner extends a group by its delivery's row alone and never touches the row of work, so the two
    cannot wait for each other. That is why only here it shows that a group is not due yet.
    """
    grouped = [claim for claim in claims if claim.grouped]
    if not grouped:
        return tuple(claims)
    refs = {"refs": [claim.ref for claim in grouped], "now": now}
    closed = set(conn.execute(_LOCK_GROUPS, refs).scalars())
    close(conn, closed, now)
    waiting = {claim.ref for claim in grouped} - closed
    if waiting:
        conn.execute(_GIVE_BACK, {"refs": list(waiting), "soonest": now + SHORT_WAIT_S, "now": now})
    return tuple(claim for claim in claims if claim.ref not in waiting)


def close(conn: Connection, refs: Iterable[str], now: float) -> None:
    """Deliveries that take no more events."""
    conn.execute(_CLOSE_GROUPS, {"refs": list(refs), "closed": now})


def _ready_destinations() -> Select[Any]:
    """A loose index scan: one step down the index per destination, however many rows each has."""
    first = select(func.min(work.c.destination).label("key")).where(IS_READY).cte("ready", recursive=True)
    beyond = (
        select(func.min(work.c.destination))
        .where(IS_READY, work.c.destination > first.c.key)
        .correlate(first)
        .scalar_subquery()
    )
    ready = first.union_all(select(beyond).where(first.c.key.is_not(None)))
    first_due = select(func.min(work.c.due_at)).where(IS_READY, work.c.destination == ready.c.key)
    in_flight = select(func.count()).select_from(work).where(IS_LEASED, work.c.destination == ready.c.key)
    remembered = [
        *(func.coalesce(destinations.c[name], 0).label(name) for name in _REMEMBERED),
        destinations.c.dead_since,
        destinations.c.dead_why,
    ]
    return (
        select(
            ready.c.key,
            first_due.scalar_subquery().label("first_due"),
            in_flight.scalar_subquery().label("in_flight"),
            *remembered,
        )
        .select_from(ready.outerjoin(destinations, destinations.c.key == ready.c.key))
        .where(ready.c.key.is_not(None))
    )


def _take_statement() -> ReturningUpdate[Any]:
    """In a CTE the rows are picked and locked once; as a plain subquery PostgreSQL may run it again."""
    picked = (
        select(work.c.id)
        .where(
            IS_READY,
            work.c.destination == bindparam("destination_key", type_=Text()),
            work.c.due_at <= bindparam("now", type_=Double()),
        )
        .order_by(work.c.due_at, work.c.id)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    return (
        update(work)
        .where(work.c.id.in_(select(picked.c.id)))
        .values(
            state=literal_column("'leased'"),
            attempt=work.c.attempt + 1,
            worker=bindparam("new_worker", type_=Text()),
            lease_until=bindparam("until", type_=Double()),
            wait_s=bindparam("length_s", type_=Double()),
        )
        .returning(
            work.c.id,
            work.c.step,
            work.c.ref,
            work.c.destination,
            work.c.lane,
            work.c.attempt,
            work.c.lost,
            work.c.grouped,
            work.c.due_at,
        )
    )


_READY_DESTINATIONS = _ready_destinations()
_TAKE = _take_statement()
_KNOWN_DESTINATIONS = select(destinations.c.key).where(among(destinations.c.key, "keys"))
_LOCK_DESTINATIONS = (
    select(destinations.c.key)
    .where(among(destinations.c.key, "keys"))
    .order_by(destinations.c.key)
    .with_for_update(skip_locked=True, key_share=True)
)
_LOCK_GROUPS = (
    select(deliveries.c.id)
    .where(
        among(deliveries.c.id, "refs"),
        or_(not_(deliveries.c.open), deliveries.c.due_at <= bindparam("now", type_=Double())),
    )
    .with_for_update(skip_locked=True, key_share=True)
)
_CLOSE_GROUPS = (
    update(deliveries)
    .where(among(deliveries.c.id, "refs"), deliveries.c.open)
    .values(
        open=false(),
        state=literal_column("'waiting'"),
        closed_at=bindparam("closed", type_=Double()),
        as_of=select(func.coalesce(func.max(outcomes.c.id), literal_column("0"))).scalar_subquery(),
    )
)
_GROUP_DUE = select(deliveries.c.due_at).where(deliveries.c.id == work.c.ref).scalar_subquery()
_SOONEST: BindParameter[float] = bindparam("soonest", type_=Double())
_GIVE_BACK = (
    update(work)
    .where(among(work.c.ref, "refs"))
    .values(
        state=literal_column("'ready'"),
        attempt=work.c.attempt - 1,
        worker=None,
        lease_until=None,
        due_at=case((_GROUP_DUE > _SOONEST, _GROUP_DUE), else_=_SOONEST),
        wait_s=case((_GROUP_DUE > _SOONEST, _GROUP_DUE), else_=_SOONEST) - bindparam("now", type_=Double()),
    )
)
_PUT_BACK = (
    update(work)
    .where(among(work.c.id, "ids"))
    .values(
        state=literal_column("'ready'"),
        attempt=work.c.attempt - 1,
        worker=None,
        lease_until=None,
        wait_s=literal_column("0"),
    )
)
_LEASED = select(work.c.id, work.c.ref, work.c.attempt, work.c.worker, work.c.lease_until, work.c.wait_s)
_EXPIRED = _LEASED.where(
    IS_LEASED,
    work.c.lease_until < bindparam("now", type_=Double()),
    ~exists().where(workers.c.id == work.c.worker),
).with_for_update(skip_locked=True)
_HELD = select(work).where(IS_LEASED, work.c.worker == bindparam("wanted")).order_by(work.c.id)
_OF_WORKERS = _LEASED.where(IS_LEASED, among(work.c.worker, "workers")).with_for_update(skip_locked=True)
_RELEASE = (
    update(work)
    .where(among(work.c.id, "ids"))
    .values(
        state=literal_column("'ready'"),
        due_at=literal_column("0"),
        wait_s=literal_column("0"),
        worker=None,
        lease_until=None,
        lost=literal_column("true"),
    )
)
