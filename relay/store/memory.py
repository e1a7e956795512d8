"""Earlier runs and failures, for judging a new failure. Read-only: it is made of what is kept anyway."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.types import Integer, Text

from relay.model import Status
from relay.policy import Memory, PastFailure, PastRetry, PastRun, Sighting
from relay.store.blobs import key_of, unpack_json
from relay.store.portable import among
from relay.store.tables import NO_NUMBER, Moment, failures, outcomes, rulings, runs

MOST_RUNS = 200  # of each state key
MOST_RETRIES = 300
SEEN_WITHIN = timedelta(hours=24)


def remember(
    conn: Connection,
    project: str,
    keys: Collection[str],
    fingerprints: Collection[str],
    classes: Collection[str],
    now: datetime,
) -> Memory:
    """What is known of these state keys of a project, fingerprints and classes of failures."""
    return Memory(
        runs={key: _runs(conn, project, key) for key in dict.fromkeys(keys)},
        sightings=_sightings(conn, fingerprints, now),
        retries=_retries(conn, classes),
    )


def _runs(conn: Connection, project: str, key: str) -> tuple[PastRun, ...]:
    rows = conn.execute(_RUNS, {"key": key_of(key), "most": MOST_RUNS}).all()
    found = failures_of(conn, [row.event_id for row in rows])
    ours = _ours(conn, project, [row.run for row in rows if row.run])
    return tuple(_run(row, found, ours) for row in rows)


def _run(row: Any, found: Mapping[str, tuple[PastFailure, ...]], ours: Collection[str]) -> PastRun:
    return PastRun(
        event_id=row.event_id,
        number=row.number if row.number > NO_NUMBER else None,
        at=row.started_at,
        commit=row.commit_sha,
        status=Status(row.status),
        is_ours=row.run in ours,
        failures=found.get(row.event_id),
    )


def failures_of(conn: Connection, ids: Collection[str]) -> Mapping[str, tuple[PastFailure, ...]]:
    """The failed jobs of these events, as far as anybody looked."""
    found: dict[str, list[PastFailure]] = defaultdict(list)
    for row in conn.execute(_FAILURES, {"ids": list(ids)}) if ids else ():
        found[row.event_id].append(
            PastFailure(
                job=row.job,
                failure_class=row.failure_class,
                fingerprint=row.fingerprint,
                tests=tuple(unpack_json(row.tests)) if row.tests else (),
                evidence=row.evidence,
            )
        )
    return {event_id: tuple(each) for event_id, each in found.items()}


def _ours(conn: Connection, project: str, names: Collection[str]) -> frozenset[str]:
    """Which of these runs, workflows or build numbers, the relay started."""
    if not names:
        return frozenset()
    wanted = {key_of(key): name for name in names for key in (name, f"{project}#{name}")}
    return frozenset(wanted[key] for key in conn.execute(_STARTED, {"names": list(wanted)}).scalars())


def _sightings(conn: Connection, fingerprints: Collection[str], now: datetime) -> tuple[Sighting, ...]:
    if not fingerprints:
        return ()
    rows = conn.execute(_SEEN, {"names": list(fingerprints), "since": now - SEEN_WITHIN})
    return tuple(
        Sighting(fingerprint=row.fingerprint, project=row.project, branch=row.branch, author=row.author)
        for row in rows
    )


def _retries(conn: Connection, classes: Collection[str]) -> tuple[PastRetry, ...]:
    if not classes:
        return ()
    rows = conn.execute(_RETRIED, {"classes": list(classes), "most": MOST_RETRIES})
    return tuple(
        PastRetry(
            project=row.project,
            job=row.job,
            failure_class=row.failure_class,
            passed=bool(row.passed),
            is_ours=bool(row.retry),
            failed_at=row.at,
            ended_at=row.ended_at,
        )
        for row in rows
    )


_RUNS = (
    select(
        outcomes.c.event_id,
        outcomes.c.number,
        outcomes.c.started_at,
        outcomes.c.commit_sha,
        outcomes.c.status,
        outcomes.c.run,
    )
    .where(outcomes.c.state_key == bindparam("key", type_=Text()))
    .order_by(outcomes.c.state_key.desc(), outcomes.c.number.desc(), outcomes.c.started_at.desc())
    .limit(bindparam("most", type_=Integer()))
)
_FAILURES = (
    select(
        failures.c.event_id,
        failures.c.job,
        failures.c.failure_class,
        failures.c.fingerprint,
        failures.c.tests,
        failures.c.evidence,
    )
    .where(among(failures.c.event_id, "ids"))
    .order_by(failures.c.event_id, failures.c.place)
)
_STARTED = select(runs.c.child).where(runs.c.child.is_not(None), among(runs.c.child, "names"))
_SEEN = (
    select(failures.c.fingerprint, failures.c.project, failures.c.branch, failures.c.author)
    .where(among(failures.c.fingerprint, "names"), failures.c.at > bindparam("since", type_=Moment()))
    .distinct()
    .limit(100)
)
_RETRIED = (
    select(
        rulings.c.project,
        rulings.c.passed,
        rulings.c.retry,
        rulings.c.at,
        rulings.c.ended_at,
        failures.c.job,
        failures.c.failure_class,
    )
    .join(failures, (failures.c.event_id == rulings.c.event_id) & (failures.c.place == 0))
    .where(rulings.c.passed.is_not(None), among(failures.c.failure_class, "classes"))
    .order_by(rulings.c.at.desc())
    .limit(bindparam("most", type_=Integer()))
)
