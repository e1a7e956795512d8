"""Finishing: what became of a claim, recorded only while its lease still holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    LargeBinary,
    Text,
    bindparam,
    case,
    cast,
    delete,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy import Integer as Int

from relay.model import ANSWER_LIMIT, Answer, AttemptOutcome, DeliveryState
from relay.store import portable
from relay.store.blobs import LONGEST_ERROR, clean, pack_json
from relay.store.claims import Claim, new_destination
from relay.store.limits import Destination, after_failure, paused
from relay.store.portable import among
from relay.store.tables import Moment, Step, attempts, cards, deliveries, destinations, events, work

if TYPE_CHECKING:
    from relay.planning import NewDelivery


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """How one attempt ended.

    again_at: when to try once more; without it the attempt was the last. end: how the delivery ends then,
    where the outcome does not say it (an action whose answer was lost is `unknown`). pause_until: nothing
    is claimed for the destination before. is_fault: whether a temporary failure counts against the
    destination. is_dead: nothing gets through there any more. is_told: whether the message had anything to
    tell; one that had not gives its slots back. is_vain: it was a retry and started nothing, so messages
    about its events wait for no verdict any more. instead: what is owed in its place, when it
    failed for good. A finished plan step that is not tried again is stuck.
    """

    claim: Claim
    outcome: AttemptOutcome
    started_at: datetime
    ended_at: datetime
    answer: Answer = field(default_factory=Answer)
    error: str | None = None
    again_at: datetime | None = None
    pause_until: datetime | None = None
    end: DeliveryState | None = None
    is_fault: bool = True
    is_dead: bool = False
    is_told: bool = True
    is_vain: bool = False
    instead: Sequence["NewDelivery"] = ()
    title: str | None = None

    @property
    def state(self) -> DeliveryState:
        """What the delivery becomes."""
        if self.again_at is not None:
            return DeliveryState.WAITING
        if self.end is not None:
            return self.end
        is_done = self.outcome in (AttemptOutcome.DELIVERED, AttemptOutcome.SHADOW)
        return DeliveryState.DELIVERED if is_done else DeliveryState.DEAD


def lock_claims(conn: Connection, claims: Iterable[Claim]) -> frozenset[int]:
    """The ids of the claims that still hold, locked until this transaction ends."""
    wanted = {claim.id: (claim.worker, claim.attempt) for claim in claims}
    if not wanted:
        return frozenset()
    rows = conn.execute(_LOCK, {"ids": list(wanted)})
    return frozenset(row.id for row in rows if wanted[row.id] == (row.worker, row.attempt))


def give_up(conn: Connection, claims: Sequence[Claim]) -> frozenset[int]:
    """Take the rows of the claims that still hold off the queue; their ids."""
    keys = [f"{claim.id} {claim.attempt} {claim.worker}" for claim in claims]
    return frozenset(conn.execute(_DELETE_HELD, {"ids": [c.id for c in claims], "keys": keys}).scalars())


def finish(conn: Connection, finishes: Sequence[Finish], now: datetime | None = None) -> tuple[Finish, ...]:
    """Record what ended, and give back those that did so under a valid lease.

    The others are recorded as late attempts and change nothing else.
    """
    if not finishes:
        return ()
    valid = _settle_work(conn, finishes)
    held = [finish for finish in finishes if finish.claim.id in valid]
    late = [_as_late(finish) for finish in finishes if finish.claim.id not in valid]
    _settle_deliveries(conn, [f for f in held if f.claim.step is Step.DELIVER])
    _settle_events(conn, [f for f in held if f.claim.step is Step.PLAN])
    _keep_cards(conn, [f for f in held if f.claim.lane and f.answer.receipt])
    conn.execute(insert(attempts), [_attempt(finish, now) for finish in held + late])
    return tuple(held)


def _keep_cards(conn: Connection, finishes: Sequence[Finish]) -> None:
    """What the next message of the conversation needs to go on in the same place."""
    if not finishes:
        return
    statement = portable.insert(conn, cards)
    kept = {name: statement.excluded[name] for name in ("destination", "receipt", "changed_at")}
    upsert = statement.on_conflict_do_update(index_elements=["lane"], set_=kept)
    newest = {finish.claim.lane: _card(finish) for finish in finishes}
    conn.execute(upsert, sorted(newest.values(), key=lambda row: str(row["lane"])))


def _card(finish: Finish) -> dict[str, Any]:
    return {
        "lane": finish.claim.lane,
        "destination": finish.claim.destination,
        "receipt": pack_json(finish.answer.receipt),
        "changed_at": finish.ended_at,
    }


def record_failures(conn: Connection, finishes: Sequence[Finish]) -> None:
    """Keep the destinations' circuits: a success closes one, temporary failures in a row open it.

    A success also brings back to life what was dead.
    """
    made = [f for f in finishes if f.claim.step is Step.DELIVER and f.is_fault]
    fine = {f.claim.destination for f in made if f.outcome is AttemptOutcome.DELIVERED}
    healed = {f.claim.destination for f in made if f.claim.has_trouble} & fine
    failed = {f.claim.destination for f in made if f.outcome is AttemptOutcome.TEMPORARY} - fine
    troubled = [f for f in made if f.pause_until or f.is_dead or f.claim.destination in failed]
    if healed:
        conn.execute(_CLOSE_CIRCUIT, {"keys": sorted(healed)})
    if troubled:
        _update_destinations(conn, troubled)


def _update_destinations(conn: Connection, finishes: Sequence[Finish]) -> None:
    keys = sorted({f.claim.destination for f in finishes})
    rows = [new_destination(key) for key in keys]
    conn.execute(portable.insert(conn, destinations).on_conflict_do_nothing(), rows)
    known = {row.key: row for row in conn.execute(_LOCK_DESTINATIONS, {"keys": keys})}
    found = {key: Destination(**row._mapping) for key, row in known.items()}
    for one in sorted(finishes, key=lambda f: f.started_at):
        key = one.claim.destination
        found[key] = _after(found[key], one)
    conn.execute(_UPDATE_DESTINATION, [_destination_row(d) for d in found.values()])


def _after(destination: Destination, finish: Finish) -> Destination:
    ended = finish.ended_at.timestamp()
    if finish.outcome is AttemptOutcome.TEMPORARY:
        destination = after_failure(destination, finish.started_at.timestamp(), ended)
    if finish.is_dead:
        destination = replace(destination, dead_since=ended, dead_why=clean(finish.error, LONGEST_ERROR))
    if finish.pause_until:
        destination = paused(destination, ended, finish.pause_until.timestamp() - ended)
    return destination


def _destination_row(destination: Destination) -> dict[str, Any]:
    return {
        "wanted": destination.key,
        "paused_until": destination.paused_until,
        "pause_s": destination.pause_s,
        "failures": destination.failures,
        "failed_at": destination.failed_at,
        "since": destination.dead_since,
        "why": destination.dead_why,
    }


def _as_late(finish: Finish) -> Finish:
    return replace(finish, outcome=AttemptOutcome.LATE)


def _settle_work(conn: Connection, finishes: Sequence[Finish]) -> frozenset[int]:
    """Off the queue, or due again; the ids of the claims that still held."""
    ended = [finish.claim for finish in finishes if finish.again_at is None]
    again = [finish for finish in finishes if finish.again_at is not None]
    held = lock_claims(conn, (finish.claim for finish in again))
    rows = [_again(finish) for finish in again if finish.claim.id in held]
    if rows:
        conn.execute(_TRY_AGAIN, rows)
    return held | give_up(conn, ended) if ended else held


def _again(finish: Finish) -> dict[str, Any]:
    assert finish.again_at is not None
    wait_s = (finish.again_at - finish.ended_at).total_seconds()
    return {"wanted": finish.claim.id, "next_due": finish.again_at.timestamp(), "next_wait": max(0.0, wait_s)}


def _settle_deliveries(conn: Connection, held: Sequence[Finish]) -> None:
    if held:
        conn.execute(_UPDATE_DELIVERY, [_delivery_row(finish) for finish in held])


def _delivery_row(finish: Finish) -> dict[str, Any]:
    receipt = finish.answer.receipt
    return {
        "wanted": finish.claim.ref,
        "new_state": finish.state.value,
        "new_tries": finish.claim.attempt,
        "new_error": clean(finish.error, LONGEST_ERROR),
        "ended": finish.ended_at if finish.again_at is None else None,
        "spends": finish.again_at or finish.ended_at,
        "next_due": finish.again_at.timestamp() if finish.again_at else None,
        "new_receipt": pack_json(receipt) if receipt else None,
        "new_title": clean(finish.title),
        "in_shadow": finish.outcome is AttemptOutcome.SHADOW,
    }


def _settle_events(conn: Connection, held: Sequence[Finish]) -> None:
    rows = [
        {
            "wanted": f.claim.ref,
            "new_tries": f.claim.attempt,
            "new_error": clean(f.error, LONGEST_ERROR),
            "stuck": f.again_at is None,
        }
        for f in held
    ]
    if rows:
        conn.execute(_UPDATE_EVENT, rows)


def _attempt(finish: Finish, now: datetime | None) -> dict[str, Any]:
    return {
        "ref": finish.claim.ref,
        "number": finish.claim.attempt,
        "worker": finish.claim.worker,
        "started_at": finish.started_at,
        "ended_at": finish.ended_at,
        "recorded_at": now,
        "again_at": finish.again_at,
        "outcome": finish.outcome.value,
        "status": finish.answer.status,
        "error": clean(finish.error, LONGEST_ERROR),
        "excerpt": clean(finish.answer.excerpt, ANSWER_LIMIT) or None,
    }


_LOCK = (
    select(work.c.id, work.c.worker, work.c.attempt)
    .where(among(work.c.id, "ids"), work.c.state == literal_column("'leased'"))
    .with_for_update()
)
_KEY = cast(work.c.id, Text()) + " " + cast(work.c.attempt, Text()) + " " + work.c.worker
_DELETE_HELD = (
    delete(work)
    .where(among(work.c.id, "ids"), work.c.state == literal_column("'leased'"), among(_KEY, "keys"))
    .returning(work.c.id)
)
_TRY_AGAIN = (
    update(work)
    .where(work.c.id == bindparam("wanted"))
    .values(
        state=literal_column("'ready'"),
        due_at=bindparam("next_due", type_=Double()),
        wait_s=bindparam("next_wait", type_=Double()),
        worker=None,
        lease_until=None,
        lost=false(),
    )
)
_UPDATE_DELIVERY = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("wanted"))
    .values(
        state=bindparam("new_state", type_=Text()),
        tries=bindparam("new_tries", type_=Int()),
        error=bindparam("new_error", type_=Text()),
        finished_at=bindparam("ended", type_=Moment()),
        due_at=func.coalesce(bindparam("next_due", type_=Double()), deliveries.c.due_at),
        spends_at=case((deliveries.c.spends_at.is_not(None), bindparam("spends", type_=Moment()))),
        receipt=func.coalesce(bindparam("new_receipt", type_=LargeBinary()), deliveries.c.receipt),
        title=func.coalesce(bindparam("new_title", type_=Text()), deliveries.c.title),
        shadow=bindparam("in_shadow", type_=Boolean()),
    )
)
_UPDATE_EVENT = (
    update(events)
    .where(events.c.id == bindparam("wanted"))
    .values(
        tries=bindparam("new_tries", type_=Int()),
        error=bindparam("new_error", type_=Text()),
        state=case((bindparam("stuck", type_=Boolean()), literal_column("'stuck'")), else_=events.c.state),
    )
)
_CLOSE_CIRCUIT = (
    update(destinations)
    .where(
        among(destinations.c.key, "keys"),
        or_(destinations.c.failures > literal_column("0"), destinations.c.dead_since.is_not(None)),
    )
    .values(failures=literal_column("0"), dead_since=None, dead_why=None)
)
_LOCK_DESTINATIONS = (
    select(destinations)
    .where(among(destinations.c.key, "keys"))
    .order_by(destinations.c.key)
    .with_for_update(key_share=True)
)
_UPDATE_DESTINATION = (
    update(destinations)
    .where(destinations.c.key == bindparam("wanted"))
    .values(
        paused_until=bindparam("paused_until", type_=Double()),
        pause_s=bindparam("pause_s", type_=Double()),
        failures=bindparam("failures", type_=Int()),
        failed_at=bindparam("failed_at", type_=Double()),
        dead_since=bindparam("since", type_=Double()),
        dead_why=bindparam("why", type_=Text()),
    )
)
