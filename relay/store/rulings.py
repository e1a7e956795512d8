"""The ledger of retries: what was ruled on each failed run, what was spent, and how it ended.

A ruling is written in the transaction that plans its event, under locks on everything it counts: two workers
never spend the same budget.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    RowMapping,
    and_,
    bindparam,
    case,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.types import Text

from relay.ids import id_at
from relay.policy import About, Ended, Mode, Ruled, RuledBefore, Used, sign_of
from relay.store.blobs import clean, key_of, optional_key, pack_json
from relay.store.memory import failures_of
from relay.store.portable import among, lock_names
from relay.store.tables import Moment, events, failures, rulings

HOUR, DAY, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
BUDGET = "retry budget"  # the lock on what all runs share
RESULTS = ("build", "job", "workflow")
LAST = "~"  # sorts after every id


def used_by(conn: Connection, asked: Sequence[About], now: datetime, *, hold: bool = True) -> dict[str, Used]:
    """By root. Holds the budgets until the transaction ends; ask for everything of a turn at once.

    Without `hold` it looks back: each is told what was spent before its event came.
    """
    if not asked:
        return {}
    if not hold:
        return {each.root: _spent_before(conn, each, now) for each in asked}
    lock_names(conn, (BUDGET, *(f"retry {about.root}" for about in asked)))
    shared = _shared(conn, asked[0], now, LAST)
    return {about.root: _spent(conn, about, now, shared, LAST) for about in asked}


def _spent_before(conn: Connection, about: About, now: datetime) -> Used:
    before = about.event_id or LAST
    return _spent(conn, about, now, _shared(conn, about, now, before), before)


def _shared(conn: Connection, about: About, now: datetime, before: str) -> Mapping[str, Any]:
    """What is the same for every run."""
    taken = used(conn, about.mode, now, before)
    ended = conn.execute(
        _ENDED, {"since": id_at((now - HOUR).timestamp()), "before": before, "most": about.most_ended}
    ).scalar_one()
    decided = conn.execute(_DECIDED, {"most": about.window, "mode": about.mode.value, "before": before}).all()
    return {
        **taken,
        "ended_in_hour": ended,
        "decided": tuple(bool(row.passed) for row in decided),
        "last_decided": decided[0].ended_at if decided else None,
    }


def used(conn: Connection, mode: Mode, now: datetime, before: str = LAST) -> dict[str, Any]:
    """What all retries took lately, and when the last one was."""
    since = {"hour": now - HOUR, "day": now - DAY, "month": now - MONTH}
    found = conn.execute(_USED, {**since, "mode": mode.value, "before": before}).mappings().one()
    return {
        "in_hour": int(found["in_hour"] or 0),
        "minutes_day": float(found["minutes_day"] or 0.0),
        "minutes_month": float(found["minutes_month"] or 0.0),
        "probed_at": found["probed_at"],
    }


def _spent(conn: Connection, about: About, now: datetime, shared: Mapping[str, Any], before: str) -> Used:
    own = conn.execute(
        _OWN,
        {
            "root": key_of(about.root),
            "project": key_of(about.project),
            "branch": about.branch,
            "commit": about.commit,
            "mode": about.mode.value,
            "since": now - timedelta(seconds=about.branch_per),
            "before": before,
        },
    ).one()
    hits: dict[str, Any] = {}
    if about.signatures:
        since = now - timedelta(seconds=about.outage_within)
        signatures = [key_of(each) for each in about.signatures]
        named = {"signatures": signatures, "since": since, "before": before}
        hits = dict(conn.execute(_HITS, {**named, "project": key_of(about.project)}).mappings().one())
    return Used(
        on_root=own.on_root or 0,
        on_commit=own.on_commit or 0,
        on_branch=own.on_branch or 0,
        hits_projects=hits.get("projects") or 0,
        hits_here=hits.get("here") or 0,
        last_hit=hits.get("last"),
        **shared,
    )


def record(conn: Connection, ruled: Iterable[Ruled]) -> None:
    """Write down rulings, with the failed jobs they are about. A ruling on the same event stays."""
    ruled = list(ruled)
    if not ruled:
        return
    conn.execute(insert(rulings), [_ruling_row(each) for each in ruled])
    rows = [row for each in ruled for row in _failure_rows(each)]
    if rows:
        conn.execute(insert(failures), rows)


def settle(conn: Connection, ended: Iterable[Ended]) -> None:
    """A later attempt ended: that decides everything of its root that was open."""
    rows = [
        {
            "wanted": key_of(each.root),
            "later": each.event_id,
            "has_passed": each.passed,
            "said": each.verdict,
            "now": each.at,
        }
        for each in ended
    ]
    if rows:
        conn.execute(_SETTLE, rows)


def ruled(conn: Connection, ids: Collection[str]) -> dict[str, RuledBefore]:
    """By event."""
    rows = conn.execute(_RULED, {"ids": list(ids)}).mappings().all()
    return {each.event_id: each for each in _ruled_before(conn, rows)}


def undecided(conn: Connection, roots: Collection[str]) -> dict[str, tuple[RuledBefore, ...]]:
    """Rulings by their roots, as given, of which no later attempt has ended; the oldest first."""
    stored = {key_of(root): root for root in roots}
    rows = conn.execute(_UNDECIDED, {"roots": list(stored)}).mappings().all() if stored else ()
    found: dict[str, list[RuledBefore]] = defaultdict(list)
    for each in _ruled_before(conn, rows):
        found[stored[each.root]].append(each)
    return {root: tuple(each) for root, each in found.items()}


def _ruled_before(conn: Connection, rows: Sequence[RowMapping]) -> Iterator[RuledBefore]:
    found = failures_of(conn, [row["event_id"] for row in rows])
    for row in rows:
        yield RuledBefore(**{**row, "mode": Mode(row["mode"])}, failures=found.get(row["event_id"], ()))


def forget(conn: Connection, ids: Sequence[str]) -> None:
    """What was ruled on events that are forgotten too."""
    if ids:
        conn.execute(rulings.delete().where(among(rulings.c.event_id, "ids")), {"ids": list(ids)})
        conn.execute(failures.delete().where(among(failures.c.event_id, "ids")), {"ids": list(ids)})


def _ruling_row(each: Ruled) -> dict[str, Any]:
    return {
        "event_id": each.event_id,
        "root": key_of(each.root),
        "project": key_of(each.project),
        "branch": clean(each.branch),
        "commit_sha": clean(each.commit),
        "at": each.at,
        "jobs_failed": each.jobs_failed,
        "tests_failed": each.tests_failed,
        "minutes": each.minutes,
        "mode": each.mode.value,
        "retry": each.ruling.retry,
        "explored": each.explored,
        "rule": clean(", ".join(each.ruling.rules)) or None,
        "stop": each.ruling.stop,
        "p_transient": each.p_transient,
        "p_passes": each.p_passes,
        "passed": None,
        "verdict": None,
        "ended_at": None,
    }


def _failure_rows(each: Ruled) -> list[dict[str, Any]]:
    return [
        {
            "event_id": each.event_id,
            "place": place,
            "at": each.at,
            "project": key_of(each.project),
            "branch": clean(each.branch),
            "commit_sha": clean(each.commit),
            "author": clean(each.author),
            "job": clean(failure.job),
            "failure_class": str(failure.failure_class),
            "signature": optional_key(sign_of(failure)),
            "fingerprint": failure.fingerprint,
            "evidence": clean(failure.evidence.line) if failure.evidence else None,
            "tests": pack_json(list(failure.tests)) if failure.tests else None,
        }
        for place, failure in enumerate(each.failures)
    ]


def _count(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


_RETRIED = and_(
    rulings.c.retry == true(),
    rulings.c.mode == bindparam("mode", type_=Text()),  # really, or in shadow
    rulings.c.event_id < bindparam("before", type_=Text()),
)
_USED = select(
    _count(rulings.c.at > bindparam("hour", type_=Moment())).label("in_hour"),
    func.sum(case((rulings.c.at > bindparam("day", type_=Moment()), rulings.c.minutes), else_=0.0)).label(
        "minutes_day"
    ),
    func.sum(rulings.c.minutes).label("minutes_month"),
    func.max(rulings.c.at, type_=Moment()).label("probed_at"),
).where(_RETRIED, rulings.c.at > bindparam("month", type_=Moment()))
_RECENT = (
    select(events.c.id)
    .where(
        events.c.id > bindparam("since", type_=Text()),
        events.c.id < bindparam("before", type_=Text()),
        events.c.kind.in_(RESULTS),
    )
    .limit(bindparam("most", type_=Integer()))
)
_ENDED = select(func.count()).select_from(_RECENT.subquery())
_DECIDED = (
    select(rulings.c.passed, rulings.c.ended_at)
    .where(_RETRIED, rulings.c.passed.is_not(None))
    .order_by(rulings.c.at.desc())
    .limit(bindparam("most", type_=Integer()))
)
_OWN = select(
    _count(rulings.c.root == bindparam("root")).label("on_root"),
    _count(rulings.c.commit_sha == bindparam("commit", type_=Text())).label("on_commit"),
    _count(
        (rulings.c.branch == bindparam("branch", type_=Text()))
        & (rulings.c.at > bindparam("since", type_=Moment()))
    ).label("on_branch"),
).where(rulings.c.project == bindparam("project"), _RETRIED)
_COLUMNS = tuple(
    rulings.c[name]
    for name in (
        "event_id",
        "root",
        "at",
        "mode",
        "retry",
        "explored",
        "rule",
        "stop",
        "p_transient",
        "p_passes",
        "passed",
        "verdict",
        "ended_at",
    )
)
_RULED = select(*_COLUMNS).where(among(rulings.c.event_id, "ids"))
_UNDECIDED = (
    select(*_COLUMNS)
    .where(among(rulings.c.root, "roots"), rulings.c.passed.is_(None))
    .order_by(rulings.c.root, rulings.c.at)
)
_HITS = select(
    func.count(func.distinct(failures.c.project)).label("projects"),
    func.count(func.distinct(case((failures.c.project == bindparam("project"), failures.c.event_id)))).label(
        "here"
    ),
    func.max(failures.c.at, type_=Moment()).label("last"),
).where(
    among(failures.c.signature, "signatures"),
    failures.c.at > bindparam("since", type_=Moment()),
    failures.c.event_id < bindparam("before", type_=Text()),
)
_SETTLE = (
    update(rulings)
    .where(
        rulings.c.root == bindparam("wanted"),
        rulings.c.passed.is_(None),
        rulings.c.event_id != bindparam("later", type_=Text()),
    )
    .values(
        passed=bindparam("has_passed"),
        verdict=bindparam("said", type_=Text()),
        ended_at=bindparam("now", type_=Moment()),
    )
)
