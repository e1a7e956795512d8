"""One turn of the queue: a write transaction in which a worker records results and claims more.

The order of calls in a turn is also the order in which PostgreSQL's locks are taken, which is why two
turns never wait for each other in a circle:

    histories       state keys, sorted
    slots           slots, sorted
    waiting, unsaid open deliveries of state keys that are held already
    spent           targets with budgets, sorted; then their open groups, sorted
    record_plans    open groups, sorted
    finish          own claims
    (settle)        lanes, sorted; then destinations, sorted     runs by itself before what follows
    take_over       takes what is free
    claim           takes what is free, waits for nothing
    claim_plans     takes what is free
    next_due        reads
    (announce)      at the end: tells other workers of new work that this turn did not take itself

A step may be left out. Out of order nothing is lost either: PostgreSQL ends a circle with an error, the
turn is undone, and the caller hears StoreBusy.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Double, RowMapping, bindparam, exc, insert, update

from relay.errors import PlanRefused, StoreError
from relay.model import AttemptOutcome, Outcome
from relay.policy import About, Memory, RuledBefore, Used
from relay.quieting import Slot, Spent, Wanted
from relay.store import (
    budgets,
    claims,
    finishes,
    lanes,
    liveness,
    loads,
    memory,
    plans,
    portable,
    rulings,
    slots,
    switch,
    told,
    verdicts,
)
from relay.store.claims import Claim, Lease
from relay.store.engine import as_store_error, may_pass
from relay.store.finishes import Finish
from relay.store.limits import Destination, Limit, opens_at
from relay.store.loads import Load
from relay.store.plans import HISTORY, Planned
from relay.store.switch import SwitchedOff
from relay.store.tables import IS_LEASED, PLANNING, attempts, deliveries, destinations, work

__all__ = ["Claim", "Finish", "Limit", "Turn"]

LOST = "the worker vanished before it reported back"
SLACK_S = 1.0  # a due time this much too late is rounding or drift, not a clock set back
_NO_LIMIT = Limit()


def no_limit(destination: str) -> Limit:
    return _NO_LIMIT


class Turn:
    """See the module. Times are aware datetimes unless a name ends in _s."""

    def __init__(self, conn: Connection, *, sender: str, after: str = "", is_careful: bool = True) -> None:
        self.after = after  # the destination served last
        self._conn = conn
        self._sender = sender
        self._is_careful = is_careful
        self._ended_lanes: list[str] = []
        self._new_work: list[dict[str, Any]] = []
        self._released: list[str] = []
        self._finished: list[Finish] = []
        self._found_nothing = False
        self._ready: list[Destination] | None = None  # the destinations with ready rows; None: not known
        self._is_current = False  # whether nothing was taken from them since
        self._claims_plans = False
        self._must_last = False  # whether anything was done that has to survive a crash of the database
        self._planned_for: set[str] = set()  # destinations
        self._untold: set[str] = set()  # deliveries put into the queue and not claimed, nor told of

    def claim_plans(self, now: datetime, worker: str, lease_s: float, room: int) -> tuple[Claim, ...]:
        """Up to `room` events that wait to be planned."""
        if not any(destination.key == PLANNING for destination in self._destinations()):
            return ()
        self._is_current = False
        held = claims.claim_plans(self._conn, _lease(now, worker, lease_s), room)
        self._claims_plans |= bool(held)
        return held

    def load(self, held: Iterable[Claim]) -> Load:
        """What the claims are about. Store.load does the same without holding up writers."""
        return loads.load(self._conn, held)

    def histories(self, keys: Iterable[str], limit: int = HISTORY) -> Mapping[str, tuple[Outcome, ...]]:
        """Per state key its newest outcomes, the newest first; no other worker plans for these meanwhile."""
        return plans.histories(self._conn, keys, limit)

    def history(self, key: str, limit: int = HISTORY) -> tuple[Outcome, ...]:
        """As `histories`, for a turn that plans for one key only."""
        return self.histories((key,), limit)[key]

    def slots(self, names: Collection[str]) -> Mapping[str, Slot]:
        """Those of these slots that were ever reserved; no other worker decides about them meanwhile."""
        return slots.known(self._conn, names)

    def used(self, asked: Sequence[About], now: datetime) -> Mapping[str, Used]:
        """What was spent on retries, by root; no other worker rules on any run meanwhile."""
        return rulings.used_by(self._conn, asked, now)

    def switched_off(self) -> SwitchedOff | None:
        """Who switched retries off; None while they are on."""
        return switch.read(self._conn)

    def undecided(self, roots: Collection[str]) -> Mapping[str, tuple[RuledBefore, ...]]:
        """Rulings of which no later attempt has ended, by root."""
        return rulings.undecided(self._conn, roots)

    def remember(
        self,
        project: str,
        keys: Collection[str],
        fingerprints: Collection[str],
        classes: Collection[str],
        now: datetime,
    ) -> Memory:
        """Earlier runs of these state keys of a project, and what is known of these failures."""
        return memory.remember(self._conn, project, keys, fingerprints, classes, now)

    def waiting(self, names: Collection[str]) -> Mapping[str, datetime]:
        """See `relay.store.verdicts`. Ask for the histories of their state keys before."""
        return verdicts.waiting(self._conn, names)

    def unsaid(self, event_ids: Collection[str]) -> frozenset[str]:
        """As `waiting`."""
        return verdicts.unsaid(self._conn, event_ids)

    def told(self, event_ids: Collection[str]) -> Mapping[str, Slot]:
        """Who was told of these events, by the slots of their results. Ask while their histories are held."""
        return told.known(self._conn, event_ids)

    def spent(self, wanted: Wanted, now: datetime) -> Mapping[str, Spent]:
        """What the wanted targets spent of their budgets; no other worker plans for them meanwhile."""
        return budgets.known(self._conn, wanted, now)

    def record_plans(
        self, planned: Sequence[tuple[Claim, Planned]], now: datetime
    ) -> tuple[bool | StoreError, ...]:
        """True for each that is recorded, False where the lease was lost and nothing was.

        If the database refuses one, the others are recorded and that one gets its StoreError; finish its
        claim as failed. A turn that is not careful raises PlanRefused instead: undo it, take a careful one.
        """
        if not planned:
            return ()
        self._must_last = True
        try:
            ours = self._record(planned, now)
        except Exception as error:  # some refusals are the driver's or the packing's
            if _may_pass(error):
                raise
            if not self._is_careful:
                raise PlanRefused(str(_refusal(error))) from error
            return self._record_alone(planned, now)
        return tuple(claim.id in ours for claim, _ in planned)

    def record_plan(self, claim: Claim, planned: Planned, now: datetime) -> bool | StoreError:
        """One plan alone; see `record_plans`."""
        return self.record_plans([(claim, planned)], now)[0]

    def finish(self, ended: Sequence[Finish], now: datetime | None = None) -> tuple[Finish, ...]:
        """Record how attempts ended; returns those whose lease still held, the others change nothing.

        `now` is the turn's time: that from which plans know of it.
        """
        self._must_last |= bool(ended)
        held = finishes.finish(self._conn, ended, now)
        for done in held:
            if done.instead:
                self._new_work += plans.record_instead(
                    self._conn, done.claim.ref, done.instead, done.ended_at
                )
        slots.give_back(self._conn, [done.claim.ref for done in held if not done.is_told])
        if vain := [done for done in held if done.is_vain]:
            ended_at = max(done.ended_at for done in vain)
            self._released += verdicts.end_in_vain(self._conn, [done.claim.ref for done in vain], ended_at)
        self._finished.extend(held)
        self._ended_lanes.extend(f.claim.lane for f in held if f.again_at is None and f.claim.lane)
        return held

    def take_over(self, now: datetime, dead: Collection[str] = ()) -> int:
        """Give back what dead workers hold and what is leased beyond its time; how many rows that is."""
        self.settle()
        self._ready = None
        lost = [*claims.take_from(self._conn, dead), *claims.expire(self._conn, now.timestamp())]
        if lost:
            self._conn.execute(insert(attempts), [_lost_attempt(row, now) for row in lost])
            portable.notify(self._conn, self._sender)
        if dead:
            liveness.strike(self._conn, tuple(dead))
        self._must_last |= bool(lost or dead)
        return len(lost)

    def claim(
        self,
        now: datetime,
        worker: str,
        lease_s: float,
        room: int,
        limits: Callable[[str], Limit] = no_limit,
    ) -> tuple[Claim, ...]:
        """Up to `room` deliveries that are due, spread over their destinations within each one's limit."""
        lease = _lease(now, worker, lease_s)
        locked = self._lock_planned(limits) if room > 0 else frozenset[str]()
        ready = self._destinations()
        held = claims.claim_deliveries(self._conn, lease, ready, room, limits, self.after, locked)
        self._untold.difference_update(claim.ref for claim in held)
        self._must_last |= bool(held)
        self._found_nothing = not held
        self._is_current &= not any(d.first_due <= lease.now for d in self._destinations())
        if held:
            self.after = held[-1].destination
        return held

    def next_due(self, now: datetime, limits: Callable[[str], Limit] = no_limit) -> float | None:
        """Seconds until the next row may go, 0 if one may now; None when only an event can bring one."""
        soonest = math.inf
        for destination in self._destinations(exact=True):
            limit = _NO_LIMIT if destination.key == PLANNING else limits(destination.key)
            soonest = min(soonest, opens_at(destination, limit, now.timestamp()))
        # What is due and yet was not to be had is held by another worker for a moment.
        least = claims.SHORT_WAIT_S if self._found_nothing else 0.0
        return None if soonest == math.inf else max(least, soonest - now.timestamp())

    def _lock_planned(self, limits: Callable[[str], Limit]) -> frozenset[str]:
        """Locked before the destinations are read, which then need not be read again under the lock."""
        self.settle()
        limited = sorted(key for key in self._planned_for if not limits(key).is_none)
        if limited:
            self._ready = None
        return claims.lock(self._conn, limited)

    def _destinations(self, *, exact: bool = False) -> list[Destination]:
        """Those with ready rows: every one, and when exact also without those that this turn has emptied."""
        self.settle()
        if self._ready is None or (exact and not self._is_current):
            self._ready = claims.ready_destinations(self._conn)
            self._is_current = True
        return self._ready

    def held(self, worker: str) -> tuple[Claim, ...]:
        """All that the worker has claimed and not finished, as far as the database knows."""
        return claims.held(self._conn, worker)

    def repair_clock(self, now: datetime) -> int:
        """After the clock was set back: no row waits longer than it was meant to. How many were repaired."""
        self._must_last = True
        times = {"now": now.timestamp(), "late": now.timestamp() + SLACK_S}
        return sum(self._conn.execute(repair, times).rowcount for repair in _REPAIRS)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done inside is undone alone if it raises."""
        kept = (
            list(self._ended_lanes),
            list(self._new_work),
            list(self._finished),
            list(self._released),
        )
        try:
            with self._conn.begin_nested():
                yield
        except BaseException:
            self._ended_lanes, self._new_work, self._finished, self._released = kept
            raise

    def settle(self) -> None:
        """Put planned deliveries into the queue, let ended lanes go on, keep the circuits."""
        ended, rows, done = self._ended_lanes, self._new_work, self._finished
        released, self._released = self._released, []
        self._ended_lanes, self._new_work, self._finished = [], [], []
        if ended or rows or done or released:
            self._ready = None
        if ended or rows:
            lanes.settle(self._conn, ended, rows)
        verdicts.release(self._conn, released)
        self._untold.update(released)
        if done:
            finishes.record_failures(self._conn, done)
        self._untold.update(row["ref"] for row in rows)
        self._planned_for.update(row["destination"] for row in rows)

    def end(self) -> None:
        """The last thing in every turn."""
        self.settle()
        if self._untold:
            portable.notify(self._conn, self._sender)
        if self._claims_plans and not self._must_last:
            portable.commit_ahead(self._conn)  # a claim that is lost is made again; planning is fenced by it
        self._untold.clear()

    def _record(self, planned: Sequence[tuple[Claim, Planned]], now: datetime) -> frozenset[int]:
        """The ids of the claims that still held; only their plans are recorded."""
        with self.savepoint() if self._is_careful else nullcontext():
            ours = finishes.give_up(self._conn, [claim for claim, _ in planned])
            kept = [(claim, plan) for claim, plan in planned if claim.id in ours]
            if kept:
                recorded = plans.record(self._conn, kept, now)
                self._new_work.extend(recorded.rows)
                self._released.extend(recorded.released)
        return ours

    def _record_alone(
        self, planned: Sequence[tuple[Claim, Planned]], now: datetime
    ) -> tuple[bool | StoreError, ...]:
        return tuple(self._record_one(claim, plan, now) for claim, plan in planned)

    def _record_one(self, claim: Claim, plan: Planned, now: datetime) -> bool | StoreError:
        try:
            return claim.id in self._record([(claim, plan)], now)
        except Exception as error:
            if _may_pass(error):
                raise
            return _refusal(error)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, exc.DBAPIError) and may_pass(error)


def _refusal(error: Exception) -> StoreError:
    if isinstance(error, exc.DBAPIError):
        return as_store_error(error)
    return StoreError(f"{type(error).__name__}: {error}")


def _lease(now: datetime, worker: str, lease_s: float) -> Lease:
    return Lease(worker=worker, now=now.timestamp(), length_s=lease_s)


def _lost_attempt(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {
        "ref": row["ref"],
        "number": row["attempt"],
        "worker": row["worker"],
        "started_at": now,
        "ended_at": now,
        "outcome": AttemptOutcome.TEMPORARY.value,
        "error": LOST,
    }


_NOW: BindParameter[float] = bindparam("now", type_=Double())
_LATE: BindParameter[float] = bindparam("late", type_=Double())
_REPAIRS = (
    update(work).where(work.c.due_at > _LATE + work.c.wait_s, ~IS_LEASED).values(due_at=_NOW + work.c.wait_s),
    update(work)
    .where(work.c.lease_until > _LATE + work.c.wait_s, IS_LEASED)
    .values(lease_until=_NOW + work.c.wait_s),
    update(deliveries).where(deliveries.c.open, deliveries.c.created_at > _LATE).values(due_at=_NOW),
    update(destinations)
    .where(destinations.c.paused_until > _LATE + destinations.c.pause_s)
    .values(paused_until=_NOW + destinations.c.pause_s),
)
