"""Budgets: when a notifier sent or will send, which of its groups are open, which conversations go on.

A delivery that costs has a time, `spends_at`: when it is due at the latest, when it is tried next, and at
last when it was sent. One that failed for good costs nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, func, literal_column, select, type_coerce

from relay.quieting import Spent, Wanted
from relay.store.blobs import key_of
from relay.store.portable import among, lock_names
from relay.store.tables import Moment, deliveries

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def known(
    conn: Connection, wanted: Wanted, now: datetime, *, hold: bool = True, made_by: datetime | None = None
) -> dict[str, Spent]:
    """By target. Holds the targets and the groups until the transaction ends.

    made_by: without what came after it. Ask for all targets of a turn at once: then two workers never wait
    for each other in a circle.
    """
    if not wanted.targets:
        return {}
    if hold:
        lock_names(conn, (f"budget {target}" for target in wanted.targets))
    times: dict[str, list[datetime]] = defaultdict(list)
    for row in conn.execute(_SPENT, _values(wanted, now, made_by)):
        times[row.target].append(row.spends_at)
    groups, lanes = _open(conn, wanted, hold=hold), _lanes(conn, wanted)
    return {
        target: Spent(times=tuple(times[target]), open=groups[target], lanes=frozenset(lanes[target]))
        for target in wanted.targets
    }


def _values(wanted: Wanted, now: datetime, made_by: datetime | None) -> dict[str, Any]:
    budgets = wanted.targets.values()
    longest = timedelta(seconds=max(each.per for each in budgets))
    return {
        "targets": [*wanted.targets],
        "since": now - longest,
        "until": now + 2 * longest,
        "most": 2 * max(each.messages for each in budgets),
        "made_by": made_by or FOREVER,
    }


def _open(conn: Connection, wanted: Wanted, *, hold: bool) -> dict[str, dict[str, datetime]]:
    """By target the open groups among those that are wanted, and when they are due.

    They are locked: one that is claimed before it is joined would leave a message beyond the budget.
    """
    stored = {key_of(key): key for key in wanted.groups}
    found: dict[str, dict[str, datetime]] = defaultdict(dict)
    statement = _OPEN.with_for_update(key_share=True) if hold else _OPEN
    for row in _rows(conn, statement, wanted, [*stored]):
        found[row.target][stored[row.group_key]] = row.due_at
    return found


def _lanes(conn: Connection, wanted: Wanted) -> dict[str, set[str]]:
    """By target the conversations that have begun among those that are wanted."""
    stored = {key_of(lane): lane for lane in wanted.lanes}
    found: dict[str, set[str]] = defaultdict(set)
    for row in _rows(conn, _BEGUN, wanted, [*stored]):
        found[row.target].add(stored[row.lane])
    return found


def _rows(conn: Connection, statement: Select[Any], wanted: Wanted, keys: list[str]) -> Iterable[Any]:
    return conn.execute(statement, {"targets": [*wanted.targets], "keys": keys}) if keys else ()


_NOT_FAILED = deliveries.c.state.in_(
    [literal_column(f"'{each}'") for each in ("open", "waiting", "delivered")]
)
_RANKED = (
    select(
        deliveries.c.target,
        deliveries.c.spends_at,
        func.row_number()
        .over(partition_by=deliveries.c.target, order_by=deliveries.c.spends_at.desc())
        .label("place"),
    )
    .where(
        among(deliveries.c.target, "targets"),
        deliveries.c.spends_at.is_not(None),
        deliveries.c.spends_at > bindparam("since", type_=Moment()),
        deliveries.c.spends_at < bindparam("until", type_=Moment()),
        deliveries.c.created_at <= bindparam("made_by", type_=Moment()),
        _NOT_FAILED,
    )
    .subquery()
)
_SPENT = select(_RANKED.c.target, _RANKED.c.spends_at).where(
    _RANKED.c.place <= bindparam("most", type_=Integer())
)
_OPEN = (
    select(
        deliveries.c.target,
        deliveries.c.group_key,
        type_coerce(deliveries.c.due_at, Moment()).label("due_at"),
    )
    .where(
        literal_column("open"), among(deliveries.c.target, "targets"), among(deliveries.c.group_key, "keys")
    )
    .order_by(deliveries.c.target, deliveries.c.group_key)
)
_BEGUN = (
    select(deliveries.c.target, deliveries.c.lane)
    .where(
        among(deliveries.c.target, "targets"),
        among(deliveries.c.lane, "keys"),
        _NOT_FAILED,
    )
    .distinct()
)
