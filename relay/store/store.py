"""The front of the store: opens the database and starts its transactions; the modules beside it know SQL."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, func, select

from relay.errors import StoreError
from relay.ids import new_id
from relay.model import DeliveryState, Outcome
from relay.policy import About, Memory, Mode, RuledBefore, Used
from relay.quieting import Silence, Slot, Spent, Wanted
from relay.store import (
    budgets,
    configs,
    groups,
    judged,
    ledger,
    liveness,
    loads,
    memory,
    migrations,
    notes,
    plans,
    portable,
    prune,
    replays,
    retried,
    rulings,
    silences,
    slots,
    switch,
    told,
    verdicts,
    wakeups,
)
from relay.store.accept import Arrival, accept
from relay.store.claims import Claim
from relay.store.engine import open_engine, reading, writing
from relay.store.groups import OpenGroup
from relay.store.judged import Judged
from relay.store.ledger import (
    PAGE,
    AttemptRow,
    DeliveryDetail,
    DeliveryFilter,
    DeliveryRow,
    EventDetail,
    EventFilter,
    EventRow,
)
from relay.store.liveness import UNLOCKED_S, Presence, Roster, Worker
from relay.store.loads import Load
from relay.store.past import Past
from relay.store.plans import HISTORY
from relay.store.prune import BATCH, Pruned
from relay.store.queue import Turn
from relay.store.retried import Counted, Flake, Hits, Tried
from relay.store.runs import Runs
from relay.store.signs import Signs
from relay.store.switch import SwitchedOff
from relay.store.wakeups import Watcher

_EVERYTHING = EventFilter()
_EVERY_DELIVERY = DeliveryFilter()


class Store:
    """One database. Open it in the process that uses it, after any fork; any thread may use it.

    Every call is a transaction of its own and raises StoreBusy when it may succeed later, StoreError when
    it will not.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._name = new_id()  # tells our own notifications from those of others
        self._after = ""
        self.past = Past(engine)
        self.runs = Runs(engine)
        self.signs = Signs(engine)
        self._roster = Roster(unlocked_s=UNLOCKED_S if self.is_shared else 0.0)

    @classmethod
    def open(cls, url: str) -> Self:
        """Takes sqlite:///file, postgresql:// and postgres://. Connects on first use."""
        return cls(open_engine(url))

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_shared(self) -> bool:
        """Whether workers on other machines may use the database too."""
        return self._engine.dialect.name == "postgresql"

    # The schema

    def upgrade(self) -> tuple[str | None, str]:
        """Run missing migrations, one process at a time; the revisions before (None: empty) and after."""
        with writing(self._engine) as conn:
            return migrations.upgrade(conn)

    def revision(self) -> str | None:
        with reading(self._engine) as conn:
            return migrations.revision(conn)

    def ping(self) -> None:
        """Raises unless the database answers and has the schema this program needs."""
        found = self.revision()
        if found != migrations.head():
            raise StoreError(f"the schema is at {found or 'nothing'}, wanted {migrations.head()}: db upgrade")

    def now(self) -> datetime:
        """The time due times are compared with: the database's on PostgreSQL, this machine's on SQLite."""
        if not self.is_shared:
            return datetime.now(UTC)
        with reading(self._engine) as conn:
            found: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
        return found.astimezone(UTC)

    # The queue

    def accept(self, arrivals: Sequence[Arrival]) -> tuple[bool | StoreError, ...]:
        """See `relay.store.accept`: True new, False there already, StoreError where that one was refused."""
        return accept(self._engine, arrivals)

    @contextmanager
    def turn(self, committed: Callable[[], object] = bool, *, is_careful: bool = True) -> Iterator[Turn]:
        """One write transaction on the queue, undone if anything raises; see `relay.store.queue`.

        committed: called after the commit, on SQLite before anyone else can write. is_careful: a plan that
        the database refuses does not undo the rest, at the price of a savepoint.
        """
        with writing(self._engine, committed) as conn:
            turn = Turn(conn, sender=self._name, after=self._after, is_careful=is_careful)
            yield turn
            turn.end()
        self._after = turn.after

    def load(self, held: Iterable[Claim]) -> Load:
        """What the claims are about: webhooks to plan and deliveries with their events."""
        with reading(self._engine) as conn:
            return loads.load(conn, held)

    def has_card(self, lane: str) -> bool:
        """Whether a conversation has a message already."""
        with reading(self._engine) as conn:
            return loads.has_card(conn, lane)

    def watch(self) -> Watcher:
        """For one thread to wait on commits of others."""
        return wakeups.watch(self._engine, sender=self._name)

    def add_notes(self, event_id: str, more: Mapping[str, Any]) -> None:
        """Things learned after an event was planned, for messages that are still to be made."""
        notes.add(self._engine, event_id, more)

    # Workers

    def enlist(self, worker: str, now: datetime) -> Presence:
        """Enter a worker and hold its lock until it retires. Its id must be new: `relay.ids.new_id()`."""
        return liveness.enlist(self._engine, worker, now)

    def beat(self, presence: Presence, now: datetime, lease_s: float) -> None:
        """Say, every few seconds, that the worker lives; its leases are good for another `lease_s`."""
        presence.renew()
        with writing(self._engine) as conn:
            liveness.beat(conn, presence.worker, now, lease_s)
            portable.commit_ahead(conn)  # the next beat makes good for one that is lost

    def retire(self, presence: Presence) -> None:
        """Take a worker that has ended off the list."""
        try:
            with writing(self._engine) as conn:
                liveness.strike(conn, [presence.worker])
        finally:
            presence.let_go()

    def dead_workers(self, monotonic_s: float | None = None) -> tuple[str, ...]:
        """Workers that are gone, for `Turn.take_over`. Ask every few seconds: calls time the silence."""
        beats = {worker.id: worker.beat for worker in self.workers()}
        unlocked = liveness.unlocked(self._engine, tuple(beats))
        return self._roster.dead(beats, unlocked, time.monotonic() if monotonic_s is None else monotonic_s)

    def workers(self) -> tuple[Worker, ...]:
        with reading(self._engine) as conn:
            return liveness.listed(conn)

    def workers_seen(self, within_s: float) -> int:
        """How many have beaten lately."""
        since = self.now() - timedelta(seconds=within_s)
        return sum(worker.seen_at >= since for worker in self.workers())

    # The ledger

    def events(
        self, limit: int = PAGE, before: str | None = None, wanted: EventFilter = _EVERYTHING
    ) -> tuple[EventRow, ...]:
        """Newest first; the next page is the one before the last id."""
        with reading(self._engine) as conn:
            return ledger.list_events(conn, wanted, limit, before)

    def event(self, text: str) -> EventDetail | None:
        """By id, or by six or more characters that only this id begins or ends with."""
        with reading(self._engine) as conn:
            return ledger.event_detail(conn, text)

    def received(self, dedupe_key: str) -> EventRow | None:
        """The event that a webhook with this key is, if it came before."""
        with reading(self._engine) as conn:
            return ledger.received(conn, dedupe_key)

    def open_group(self, target: str, group_key: str, before: str) -> OpenGroup | None:
        """The message that waits for more events of this group, with those before the event of this id."""
        with reading(self._engine) as conn:
            return groups.open_group(conn, target, group_key, before)

    def judged(self, limit: int = PAGE, before: str | None = None) -> tuple[Judged, ...]:
        """Planned events with all their fields, newest first; the next page is the one before the last id."""
        with reading(self._engine) as conn:
            return judged.page(conn, limit, before)

    def deliveries(
        self, limit: int = PAGE, before: str | None = None, wanted: DeliveryFilter = _EVERY_DELIVERY
    ) -> tuple[DeliveryRow, ...]:
        """Newest first; the next page is the one before the last id."""
        with reading(self._engine) as conn:
            return ledger.list_deliveries(conn, wanted, limit, before)

    def delivery(self, text: str) -> DeliveryDetail | None:
        """By id, or by six or more characters that only this id begins or ends with."""
        with reading(self._engine) as conn:
            return ledger.delivery_detail(conn, text)

    def attempts(self, ref: str) -> tuple[AttemptRow, ...]:
        """At a delivery, or at planning an event."""
        with reading(self._engine) as conn:
            return ledger.list_attempts(conn, ref)

    def history(self, state_key: str, limit: int = HISTORY) -> tuple[Outcome, ...]:
        """Outcomes of a state key, newest first, for people and for `explain`; holds nothing."""
        with reading(self._engine) as conn:
            return plans.histories(conn, (state_key,), limit, hold=False)[state_key]

    def counts(self) -> Mapping[str, int]:
        """Rows by state: planning, ready, blocked, leased, dead, unknown, stuck."""
        with reading(self._engine) as conn:
            return ledger.counts(conn)

    def oldest_waiting(self, now: datetime) -> float | None:
        """Seconds since the oldest row that is due and not claimed became so."""
        with reading(self._engine) as conn:
            return ledger.oldest_waiting(conn, now)

    def replay(self, texts: Iterable[str], *, force: bool = False) -> tuple[str, ...]:
        """Put failed deliveries and stuck events back into the queue; all, or UsageError and none."""
        now = self.now()
        with writing(self._engine) as conn:
            return replays.replay(conn, texts, now, force=force)

    def replay_state(self, state: DeliveryState, *, target: str | None = None) -> tuple[str, ...]:
        """Put back the oldest deliveries in a state, at most a thousand; which they were."""
        now = self.now()
        with writing(self._engine) as conn:
            return replays.replay_state(conn, state, now, target=target)

    def replay_stuck(self) -> tuple[str, ...]:
        """Plan the oldest stuck events again, at most a thousand; which they were."""
        with writing(self._engine) as conn:
            return replays.replay_stuck(conn)

    def prune(
        self, older_than: datetime, batch: int = BATCH, *, slots_before: datetime | None = None
    ) -> Pruned:
        """Forget what is older, in short transactions, except what is owed or judging needs.

        slots_before: where slots still have their effect longer than events are kept.
        """
        return prune.prune(self._engine, older_than, batch, slots_before)

    def prune_steps(self, older_than: datetime, batch: int = BATCH) -> Iterator[Pruned]:
        """As `prune`, one short transaction for each step of the iterator."""
        return prune.steps(self._engine, older_than, batch)

    # Silences

    def add_silence(
        self,
        match: Mapping[str, Sequence[str]],
        now: datetime,
        until: datetime,
        *,
        who: str | None = None,
        why: str | None = None,
    ) -> str:
        """From now on nothing is said about events that match; its id."""
        id = new_id()
        with writing(self._engine) as conn:
            silences.add(conn, id, match, now, until, who, why)
        return id

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """Those that hold at this time, the oldest first."""
        with reading(self._engine) as conn:
            return silences.active(conn, now)

    def remove_silence(self, text: str, now: datetime) -> str:
        """End one, given by its id or a unique part of it. UsageError when none such holds."""
        with writing(self._engine) as conn:
            return silences.remove(conn, text, now)

    def used(self, asked: Sequence[About], now: datetime) -> Mapping[str, Used]:
        """What was spent on retries, for `explain`; holds nothing."""
        with reading(self._engine) as conn:
            return rulings.used_by(conn, asked, now, hold=False)

    def ruled(self, ids: Collection[str]) -> Mapping[str, RuledBefore]:
        """What was ruled on these events, by their ids."""
        with reading(self._engine) as conn:
            return rulings.ruled(conn, ids)

    def remember(
        self,
        project: str,
        keys: Collection[str],
        fingerprints: Collection[str],
        classes: Collection[str],
        now: datetime,
    ) -> Memory:
        """Earlier runs of these state keys of a project, and what is known of these failures."""
        with reading(self._engine) as conn:
            return memory.remember(conn, project, keys, fingerprints, classes, now)

    def switched_off(self) -> SwitchedOff | None:
        """Who switched retries off; None while they are on."""
        with reading(self._engine) as conn:
            return switch.read(conn)

    def switch_off(self, switched: SwitchedOff) -> SwitchedOff:
        with writing(self._engine) as conn:
            return switch.off(conn, switched)

    def switch_on(self) -> bool:
        """Whether they were off."""
        with writing(self._engine) as conn:
            return switch.on(conn)

    def used_by_all(self, mode: Mode, now: datetime) -> Mapping[str, Any]:
        """What all retries took, for `relay retry status`."""
        with reading(self._engine) as conn:
            return rulings.used(conn, mode, now)

    def retried_by(self, column: str, since: datetime) -> tuple[Tried, ...]:
        """What rulings came to, by `mode`, `rule`, `stop` or `verdict`."""
        with reading(self._engine) as conn:
            return retried.by(conn, column, since)

    def retried_by_class(self, since: datetime) -> tuple[Tried, ...]:
        with reading(self._engine) as conn:
            return retried.by_class(conn, since)

    def flakes(self, since: datetime, until: datetime, most: int) -> tuple[Flake, ...]:
        """Failures that came and went, those that took most minutes first."""
        with reading(self._engine) as conn:
            return retried.flakes(conn, since, until, most)

    def hits(self) -> Mapping[str, Hits]:
        """How often each signature was the sign of a failure."""
        with reading(self._engine) as conn:
            return retried.hits(conn)

    def rulings_counted(self, since: datetime) -> tuple[Counted, ...]:
        """How many rulings of each kind and end there were, for /metrics."""
        with reading(self._engine) as conn:
            return retried.counted(conn, since)

    def undecided(self, roots: Collection[str]) -> Mapping[str, tuple[RuledBefore, ...]]:
        """Rulings of which no later attempt has ended, by root."""
        with reading(self._engine) as conn:
            return rulings.undecided(conn, roots)

    def slots(self, names: Collection[str]) -> Mapping[str, Slot]:
        """Those of these slots that were ever reserved, for `explain`; holds nothing."""
        with reading(self._engine) as conn:
            return slots.known(conn, names, hold=False)

    def waiting(self, names: Collection[str], at: datetime) -> Mapping[str, datetime]:
        """When what waited for a verdict at this time was to go out, by its slot, for `explain`."""
        with reading(self._engine) as conn:
            return verdicts.waiting(conn, names, at=at)

    def unsaid(self, event_ids: Collection[str], at: datetime) -> frozenset[str]:
        """Those of these events whose messages all waited for a verdict at this time, for `explain`."""
        with reading(self._engine) as conn:
            return verdicts.unsaid(conn, event_ids, at=at)

    def told(self, event_ids: Collection[str]) -> Mapping[str, Slot]:
        """Who was told of these events, by the slots of their results."""
        with reading(self._engine) as conn:
            return told.known(conn, event_ids)

    def spent(self, wanted: Wanted, now: datetime) -> Mapping[str, Spent]:
        """What the wanted targets had spent of their budgets by `now`, for `explain`; holds nothing."""
        with reading(self._engine) as conn:
            return budgets.known(conn, wanted, now, hold=False, made_by=now)

    # Configurations

    def record_config(self, fingerprint: str, routes: Any, now: datetime) -> None:
        """Keep what a configuration said, so that an old decision can be read beside it."""
        with writing(self._engine) as conn:
            configs.record(conn, fingerprint, routes, now)

    def revive(self, destinations: Sequence[str]) -> None:
        """Try these again though nothing got through to them before."""
        with writing(self._engine) as conn:
            replays.revive(conn, destinations)

    def config(self, fingerprint: str) -> Any:
        """The routes of a configuration by its fingerprint, or None."""
        with reading(self._engine) as conn:
            return configs.routes(conn, fingerprint)
