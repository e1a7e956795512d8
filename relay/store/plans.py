"""Recording a plan: the judged event, its outcome and the deliveries it owes, all or nothing."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    CompoundSelect,
    Connection,
    Integer,
    LargeBinary,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.types import TypeEngine

from relay.model import DeliveryState, Event, Outcome, Status
from relay.planning import GATHERED
from relay.store import portable, rulings, slots
from relay.store.blobs import BIGGEST_NUMBER, clean, key_of, optional_key, pack_json, unpack_json, whole
from relay.store.claims import Claim
from relay.store.portable import among, each, lock_names
from relay.store.tables import (
    FIRST_BUILD,
    NO_NUMBER,
    Moment,
    Step,
    deliveries,
    delivery_events,
    events,
    outcomes,
)

if TYPE_CHECKING:
    from relay.planning import NewDelivery
    from relay.policy import Ended, Ruled

HISTORY = 30  # outcomes
MOST_MENTIONS = 20  # of an account, that come from its messages


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What planning made of one event."""

    event: Event  # judged
    state_key: str
    outcome: Outcome | None
    deliveries: Sequence["NewDelivery"]
    decision: Mapping[str, Any]  # why, for people; JSON-able
    config: str  # fingerprint of the configuration that decided
    missed: Sequence[str] = ()  # slots for which a message was kept back
    ruled: "Ruled | None" = None  # whether to run it again, if it failed
    ended: "Ended | None" = None  # what was ruled on before, and is decided by it


def histories(
    conn: Connection, keys: Iterable[str], most: int, *, hold: bool = True
) -> dict[str, tuple[Outcome, ...]]:
    """Per state key its newest outcomes, the newest first: `most` by pipeline number, `most` by build number.

    Holds the keys until the transaction ends.
    Ask for all keys of a turn at once: then two workers never wait for each other in a circle.
    """
    stored = {key: key_of(key) for key in keys}
    if hold:
        lock_names(conn, (f"state {key}" for key in stored.values()))
    wanted = portable.listed(sorted(set(stored.values())))
    found: dict[tuple[str, bool], list[Outcome]] = defaultdict(list)
    for row in conn.execute(_HISTORIES, {"keys": wanted, "skipped": most - 1}):
        same_scale = found[row.state_key, row.number < NO_NUMBER]
        if len(same_scale) < most:
            same_scale.append(_outcome(row))
    return {key: (*found[short, False], *found[short, True]) for key, short in stored.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What recording plans leaves to be done when the queue is settled."""

    rows: list[dict[str, Any]] = field(default_factory=list)  # of work
    released: list[str] = field(default_factory=list)  # deliveries that wait no longer


def histories_until(conn: Connection, keys: Iterable[str], until: datetime) -> dict[str, tuple[Outcome, ...]]:
    """As `histories`, as far as it was known then; holds nothing."""
    stored = {key: key_of(key) for key in keys}
    wanted = {"keys": sorted(set(stored.values())), "until": until}
    found: dict[tuple[str, bool], list[Outcome]] = defaultdict(list)
    for row in conn.execute(_KNOWN_THEN, wanted):
        same_scale = found[row.state_key, row.number < NO_NUMBER]
        if len(same_scale) < HISTORY:
            same_scale.append(_outcome(row))
    return {key: (*found[short, False], *found[short, True]) for key, short in stored.items()}


def add_outcomes(conn: Connection, known: Mapping[str, Iterable[Outcome]], now: datetime) -> None:
    """Outcomes by state key, as if they had been recorded then; those that are there stay."""
    rows = [_outcome_row(key, outcome, now) for key, found in known.items() for outcome in reversed([*found])]
    if rows:
        conn.execute(portable.insert(conn, outcomes).on_conflict_do_nothing(), rows)


def record(conn: Connection, planned: Sequence[tuple[Claim, Planned]], now: datetime) -> Recorded:
    """Write everything but the rows of work."""
    plans = [plan for _, plan in planned]
    conn.execute(_UPDATE_EVENT, [_event_row(plan, claim.attempt) for claim, plan in planned])
    _record_outcomes(conn, plans, now)
    rulings.settle(conn, [plan.ended for plan in plans if plan.ended is not None])
    rulings.record(conn, [plan.ruled for plan in plans if plan.ruled is not None])
    return _record_deliveries(conn, plans, now)


def record_instead(
    conn: Connection, failed: str, instead: Sequence["NewDelivery"], now: datetime
) -> list[dict[str, Any]]:
    """Deliveries in place of one that failed for good, about the same events; their rows of work."""
    conn.execute(insert(deliveries), [_delivery_row(delivery, now) for delivery in instead])
    for delivery in instead:
        conn.execute(_COPY_LINKS, {"new": delivery.id, "failed": failed})
        conn.execute(_COPY_AS_OF, {"new": delivery.id, "failed": failed})
    slots.hand_over(conn, failed, instead[0].id)
    return [_work_row(delivery, now) for delivery in instead]


def _record_outcomes(conn: Connection, plans: Sequence[Planned], now: datetime) -> None:
    rows = [_outcome_row(p.state_key, p.outcome, now) for p in plans if p.outcome is not None]
    if rows:
        conn.execute(_insert_outcomes(conn), rows)


def _insert_outcomes(conn: Connection) -> Any:
    """A repeat that knows the pipeline of a run corrects the number of what is known by its build."""
    statement = portable.insert(conn, outcomes)
    told = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["state_key", "run", "status"],
        set_={"number": told.number, "started_at": told.started_at},
        where=and_(
            outcomes.c.number < literal_column(f"{NO_NUMBER}"), told.number > literal_column(f"{NO_NUMBER}")
        ),
    )


def _record_deliveries(conn: Connection, plans: Sequence[Planned], now: datetime) -> Recorded:
    new = [(plan.event.id, delivery) for plan in plans for delivery in plan.deliveries]
    alone = [(event_id, delivery) for event_id, delivery in new if delivery.group_key is None]
    if alone:
        conn.execute(insert(deliveries), [_delivery_row(delivery, now) for _, delivery in alone])
    joined = {delivery.id: delivery.id for _, delivery in alone}
    # In order of their keys, so that two workers that add to the same groups do not deadlock.
    for _, delivery in sorted(new, key=_group_order):
        if delivery.group_key is not None:
            joined[delivery.id] = _join_group(conn, delivery, now)
    links = [{"delivery_id": joined[delivery.id], "event_id": event_id} for event_id, delivery in new]
    if links:
        conn.execute(portable.insert(conn, delivery_events).on_conflict_do_nothing(), links)
    _record_slots(conn, plans, joined, now)
    return Recorded(
        rows=[_work_row(delivery, now) for _, delivery in new if joined[delivery.id] == delivery.id],
        released=[joined[delivery.id] for _, delivery in new if delivery.is_verdict],
    )


def _record_slots(
    conn: Connection, plans: Sequence[Planned], joined: Mapping[str, str], now: datetime
) -> None:
    owed = [delivery for plan in plans for delivery in plan.deliveries]
    slots.reserve(conn, ((each.id, joined[each.id], slot) for each in owed for slot in each.slots), now)
    slots.miss(conn, [name for plan in plans for name in plan.missed], now)


def _group_order(new: "tuple[str, NewDelivery]") -> tuple[str, str]:
    return new[1].target, new[1].group_key or ""


def _join_group(conn: Connection, delivery: "NewDelivery", now: datetime) -> str:
    """The open delivery of its group: the one that is there, or this.

    DO UPDATE, because it takes the row's lock: with DO NOTHING the group could close in between and the
    event would be lost.
    """
    statement = portable.insert(conn, deliveries)
    later = statement.excluded.due_at
    bounded = case((later > deliveries.c.latest_at, deliveries.c.latest_at), else_=later)
    changed = {"due_at": bounded}
    if delivery.is_verdict:
        changed |= {name: statement.excluded[name] for name in ("route", "terms")} | {"due_at": later}
    upsert = statement.on_conflict_do_update(
        index_elements=["target", "group_key"], index_where=literal_column("open"), set_=changed
    )
    returned = upsert.returning(deliveries.c.id, deliveries.c.terms)
    joined = conn.execute(returned, _delivery_row(delivery, now)).one()
    if delivery.mention and joined.id != delivery.id and GATHERED in delivery.settings:
        _add_mentions(conn, joined.id, unpack_json(joined.terms), delivery.mention)
    return str(joined.id)


def _add_mentions(conn: Connection, id: str, terms: Mapping[str, Any], more: Sequence[str]) -> None:
    """An account mentions all who would have been mentioned, up to a number that people can bear."""
    known = tuple(terms["mention"])
    named = tuple(dict.fromkeys((*known, *more)))[: max(MOST_MENTIONS, len(known))]
    if named != known:
        conn.execute(_SET_TERMS, {"wanted": id, "new_terms": pack_json({**terms, "mention": named})})


def _delivery_row(delivery: "NewDelivery", now: datetime) -> dict[str, Any]:
    grouped = delivery.group_key is not None
    return {
        "id": delivery.id,
        "target": delivery.target,
        "kind": delivery.kind,
        "route": delivery.route,
        "destination": key_of(delivery.destination),
        "lane": optional_key(delivery.lane),
        "group_key": optional_key(delivery.group_key),
        "open": grouped,
        "state": (DeliveryState.OPEN if grouped else DeliveryState.WAITING).value,
        "created_at": now,
        "queued_at": now,
        "due_at": _due(delivery, now),
        "latest_at": delivery.latest_at.timestamp() if delivery.latest_at else None,
        "spends_at": _spends_at(delivery, now) if delivery.spends else None,
        "terms": pack_json(
            {
                "also": delivery.also,
                "mention": delivery.mention,
                "direct": delivery.direct,
                "settings": delivery.settings,
            }
        ),
    }


def _due(delivery: "NewDelivery", now: datetime) -> float:
    due = delivery.due_at or now
    return min(due, delivery.latest_at or due).timestamp()


def _spends_at(delivery: "NewDelivery", now: datetime) -> datetime:
    """When it goes out at the latest: until it was sent, nobody knows better."""
    due = delivery.due_at or now
    return max(due, delivery.latest_at or due)


def _work_row(delivery: "NewDelivery", now: datetime) -> dict[str, Any]:
    due_at = _due(delivery, now)
    return {
        "step": Step.DELIVER.value,
        "ref": delivery.id,
        "destination": key_of(delivery.destination),
        "lane": optional_key(delivery.lane),
        "grouped": delivery.group_key is not None,
        "due_at": due_at,
        "wait_s": max(0.0, due_at - now.timestamp()),
        "attempt": 0,
        "lost": False,
    }


def _event_row(plan: Planned, tries: int) -> dict[str, Any]:
    event = plan.event
    return {
        "wanted": event.id,
        "new_tries": tries,
        "new_project": key_of(event.project.slug),
        "new_branch": clean(event.branch),
        "new_tag": clean(event.tag),
        "new_status": event.status.value,
        "new_change": event.change.value,
        "new_number": whole(event.number),
        "new_state_key": clean(plan.state_key),
        "new_commit_sha": clean(event.commit.sha),
        "new_author": clean(event.author.name or event.author.login or event.author.email),
        "new_workflow": clean(event.workflow.name),
        "new_job": clean(event.job.name),
        "new_url": clean(event.url),
        "new_facts": pack_json(event),
        "new_decision": pack_json(plan.decision),
        "new_config": plan.config,
    }


def _outcome_row(state_key: str, outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "state_key": key_of(state_key),
        "number": _stored_number(outcome),
        "started_at": outcome.started_at,
        "event_id": outcome.event_id,
        "run": optional_key(outcome.run),
        "status": outcome.status.value,
        "commit_sha": clean(outcome.commit),
        "red": outcome.red,
        "finished_at": outcome.finished_at,
        "recorded_at": now,
        "how": json.dumps(outcome.how) if outcome.how else None,
    }


def _stored_number(outcome: Outcome) -> int:
    number = outcome.number
    if number is None or not 0 <= number < NO_NUMBER - FIRST_BUILD:
        return NO_NUMBER
    return FIRST_BUILD + number if outcome.by_build else number


def _outcome(row: Row[Any]) -> Outcome:
    by_build = row.number < NO_NUMBER
    number = row.number - FIRST_BUILD if by_build else row.number
    return Outcome(
        event_id=row.event_id,
        status=Status(row.status),
        number=None if number == NO_NUMBER else number,
        by_build=by_build,
        started_at=row.started_at,
        commit=row.commit_sha,
        run=row.run,
        red=row.red,
        finished_at=row.finished_at,
        how=tuple(json.loads(row.how)) if row.how else (),
        place=row.id,
    )


def _histories() -> CompoundSelect[Any]:
    """One statement for all keys. Rows that share the last number may come on top; the caller cuts."""
    both = union_all(_newest(NO_NUMBER, BIGGEST_NUMBER), _newest(FIRST_BUILD, NO_NUMBER - 1))
    columns = both.selected_columns
    newest_first = (columns[name].desc() for name in ("number", "started_at", "event_id"))
    return both.order_by(columns.state_key, *newest_first)


def _newest(lowest: int, highest: int) -> Select[Any]:
    """The newest outcomes of each key among those whose number is in this range."""
    keys = each("keys")
    older = outcomes.alias("older")
    low: ColumnClause[int] = literal_column(f"({lowest})")
    high: ColumnClause[int] = literal_column(f"({highest})")
    last = (
        select(older.c.number)
        .where(older.c.state_key == keys.c.value, older.c.number.between(low, high))
        .order_by(older.c.number.desc())
        .limit(literal_column("1"))
        .offset(bindparam("skipped", type_=Integer()))
        .correlate(keys)
        .scalar_subquery()
    )
    return (
        select(outcomes)
        .join(keys, outcomes.c.state_key == keys.c.value)
        .where(outcomes.c.number.between(func.coalesce(last, low), high))
    )


_HISTORIES = _histories()
_SET_TERMS = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("wanted"))
    .values(terms=bindparam("new_terms", type_=LargeBinary()))
)
_KNOWN_THEN = (
    select(outcomes)
    .where(among(outcomes.c.state_key, "keys"), outcomes.c.recorded_at < bindparam("until", type_=Moment()))
    .order_by(
        outcomes.c.state_key, *(outcomes.c[name].desc() for name in ("number", "started_at", "event_id"))
    )
)
_COPY_LINKS = insert(delivery_events).from_select(
    ["delivery_id", "event_id"],
    select(bindparam("new", type_=Text()), delivery_events.c.event_id).where(
        delivery_events.c.delivery_id == bindparam("failed")
    ),
)
_FAILED = deliveries.alias("failed_one")
_COPY_AS_OF = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("new"))
    .values(as_of=select(_FAILED.c.as_of).where(_FAILED.c.id == bindparam("failed")).scalar_subquery())
)
_PLANNED_COLUMNS: dict[str, TypeEngine[Any]] = {
    "tries": Integer(),
    "project": Text(),
    "branch": Text(),
    "tag": Text(),
    "status": Text(),
    "change": Text(),
    "number": BigInteger(),
    "state_key": Text(),
    "commit_sha": Text(),
    "author": Text(),
    "workflow": Text(),
    "job": Text(),
    "url": Text(),
    "facts": LargeBinary(),
    "decision": LargeBinary(),
    "config": Text(),
}
_UPDATE_EVENT = (
    update(events)
    .where(events.c.id == bindparam("wanted"))
    .values(
        {name: bindparam(f"new_{name}", type_=kind) for name, kind in _PLANNED_COLUMNS.items()}
        | {"state": literal_column("'planned'"), "error": None}
    )
)
