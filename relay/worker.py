"""The delivery worker: one engine thread owns the database, a pool of threads does the sending.

Each turn of the engine is one transaction: it plans the events claimed in the turn before, records what the
threads finished, and claims what is due next. Between turns it sleeps until a commit elsewhere, a finished
delivery or the next due time wakes it. While the database is away, results wait in memory and nothing new
is taken.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue

import structlog

from relay import acting, pipeline, preparing
from relay.clock import SteadyClock
from relay.config import Config
from relay.enriching import Line
from relay.errors import PlanRefused, StoreError
from relay.ids import new_id
from relay.lookout import Lookout
from relay.model import AttemptOutcome, Event, EventKind, Message, Outcome
from relay.pipeline import Relay
from relay.pruning import Pruning
from relay.quieting import Facts, Silence, Wanted
from relay.routing import as_record
from relay.store import (
    Claim,
    Finish,
    Limit,
    Load,
    Planned,
    Step,
    Store,
    StoredDelivery,
    Turn,
    as_stored,
)

HELD_MOST = 96  # claimed and not finished: enough to keep busy while a turn commits
THREADS = HELD_MOST  # one for each: what waits for a slow destination keeps no thread from another
PLANS_PER_TURN = 64
PLANS_BETWEEN = 12  # … while messages are under way, whose results and successors wait for the turn's end
LINE_MOST = 256  # events that are claimed and wait for what CircleCI tells about them
LEASE_S = 90.0  # beats extend it; it only matters when a worker hangs
BEAT_S = 2.0
GATHER_S = 0.004  # how long the first result waits for others
SOON_S = 0.02  # until the turn after one that claimed something, unless a result brings it on before
IDLE_S = 5.0  # the slow look for work when every wake-up was missed
STOP_S = 25.0  # how long deliveries in hand may take after a stop was asked for
FIRST_PAUSE_S = 0.1  # between tries to reach a database that is away
LONGEST_PAUSE_S = 10.0

log = structlog.get_logger()

Prepared = tuple[Claim, Event | Exception]
Histories = Mapping[str, Sequence[Outcome]]


@dataclass
class _Hand:
    """What the worker holds between two turns."""

    claimed: list[Claim] = field(default_factory=list)  # not read yet
    plans: list[Prepared] = field(default_factory=list)
    finished: list[Finish] = field(default_factory=list)
    sending: set[int] = field(default_factory=set)  # work ids the threads have
    fresh: dict[str, StoredDelivery] = field(
        default_factory=dict
    )  # planned in the last turn; no need to load

    @property
    def room(self) -> int:
        return max(0, HELD_MOST - len(self.sending))

    @property
    def is_empty(self) -> bool:
        return not (self.claimed or self.plans or self.finished or self.sending)

    def has(self, claim: Claim) -> bool:
        known = {held.id for held in self.claimed} | {held.id for held, _ in self.plans}
        return claim.id in known | {finish.claim.id for finish in self.finished} | self.sending


class Worker:
    """Plans and delivers until `stop()`. `reload(relay)` takes effect with the next turn."""

    def __init__(
        self,
        store: Store,
        relay: Relay,
        *,
        clock: SteadyClock | None = None,
        threads: int = THREADS,
        pruning: Pruning | None = None,
        lookout: Lookout | None = None,
    ) -> None:
        self._store = store
        self._relay = relay
        self._clock = clock or SteadyClock(wall=lambda: store.now().timestamp())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="deliver")
        self._done: SimpleQueue[Finish] = SimpleQueue()
        self._hand = _Hand()
        self._presence = store.enlist(new_id(), self._clock.now())
        self._watcher = store.watch()
        self._line: Line[Prepared] = Line(self._watcher.wake)
        self._stopping = False
        self._pruning = pruning or Pruning(store, time.monotonic())
        self._lookout = lookout or Lookout(store, time.monotonic())
        self._next_beat = 0.0
        self._silences: tuple[Silence, ...] = ()  # that people asked for, as of the last beat
        self._remembered = ""  # fingerprint of the configuration last recorded
        self._pause_s = FIRST_PAUSE_S
        self._has_jumped = False  # the wall clock, and due times are not repaired yet
        self._is_unsure = False  # whether the turn before was committed
        self._is_careful = False  # whether plans are recorded one by one, since one was refused

    @property
    def id(self) -> str:
        return self._presence.worker

    @property
    def config(self) -> Config:
        return self._relay.config

    def reload(self, relay: Relay) -> None:
        self._relay = relay
        self._watcher.wake()

    def stop(self) -> None:
        """Ask for the end; safe in a signal handler, so it takes no lock."""
        self._stopping = True
        self._watcher.wake()

    def run(self) -> None:
        """Work until stopped; returns when what was in hand is finished or STOP_S have passed."""
        try:
            while not self._stopping:
                self._sleep(self._try_turn())
            self._finish_up()
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._line.close()
            self._watcher.close()
            self._retire()

    def _retire(self) -> None:
        """Off the list. Who may still hold something only lets go of its lock, so that others take over."""
        if self._is_unsure or self._holds_anything():
            log.warning(
                "stopped with work in hand; it will be taken over", deliveries=len(self._hand.sending)
            )
            self._presence.let_go()
            return
        try:
            self._store.retire(self._presence)
        except StoreError as error:
            log.warning("could not sign off", error=str(error))

    def _sleep(self, wait_s: float) -> None:
        self._pruning.go_on(self._relay.config.defaults, self._clock.now(), time.monotonic())
        self._lookout.go_on(self._relay, self._clock.now, time.monotonic())
        now_s = time.monotonic()
        wait_s = min(wait_s, self._pruning.wait_s(now_s), self._lookout.wait_s(now_s))
        if wait_s > 0 and self._done.empty() and not self._hand.plans and not self._line.has_ready():
            self._watcher.wait(wait_s)
        self._gather(time.monotonic() + GATHER_S)

    def _gather(self, until_s: float) -> None:
        """Wait a moment for what is still under way: a turn costs much the same for many results."""
        while 0 < self._done.qsize() < len(self._hand.sending) and time.monotonic() < until_s:
            time.sleep(GATHER_S / 4)
        if not self._done.empty():
            self._watcher.wait(0.0)  # the turn is about what rang until now; else an empty one would follow

    def _try_turn(self, *, claiming: bool = True) -> float:
        """One turn; how long to sleep after it."""
        try:
            wait_s = self._turn(claiming=claiming)
        except PlanRefused:
            self._is_careful = True
            return 0.0
        except StoreError as error:
            return self._back_off(error)
        self._pause_s = FIRST_PAUSE_S
        return wait_s

    def _back_off(self, error: StoreError) -> float:
        """Nothing is lost: results stay in hand, claims stay leased."""
        log.warning("the database is away; trying again", error=str(error), pause_s=self._pause_s)
        self._is_unsure = True
        self._rest(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        return 0.0

    def _rest(self, seconds: float) -> None:
        """Sleep, in short pieces once a stop was asked for."""
        end = time.monotonic() + seconds
        time.sleep(min(seconds, FIRST_PAUSE_S))
        while not self._stopping and time.monotonic() < end:
            time.sleep(FIRST_PAUSE_S)

    def _turn(self, *, claiming: bool) -> float:
        self._take_up()
        self._hand.plans.extend(self._line.take())
        dead = self._beat()
        with self._store.turn(self._watcher.overlook, is_careful=self._is_careful) as turn:
            strays = self._strays(turn)
            events = [event for _, event in self._hand.plans if isinstance(event, Event)]
            histories = histories_of(turn, events, self._relay)
            now = self._clock.now()  # not before: turns that wait for each other are in order of their times
            decided = self._plan(turn, histories, now)
            self._collect()  # what came back meanwhile makes room for more
            turn.finish(self._hand.finished, now)
            self._tend(turn, now, dead)
            claims = self._claim(turn, now) if claiming else ()
            plans = turn.claim_plans(now, self.id, LEASE_S, self._room_to_plan()) if claiming else ()
            wait_s = 0.0 if plans else SOON_S if claims else turn.next_due(now, self._limit_of)
        self._has_jumped = self._is_unsure = self._is_careful = False
        self._hand.plans, self._hand.finished = [], []
        self._line.done()
        self._hand.claimed = [*strays, *plans, *claims]
        self._hand.fresh = _fresh(decided, now)
        self._note(decided)
        self._take_up()
        return self._wait_for(wait_s)

    def _strays(self, turn: Turn) -> tuple[Claim, ...]:
        """What an earlier turn claimed whose commit went through although its answer was lost."""
        if not self._is_unsure:
            return ()
        in_line = {held.id for held, _ in self._line}
        strays = (claim for claim in turn.held(self.id) if not self._hand.has(claim))
        return tuple(claim for claim in strays if claim.id not in in_line)

    def _wait_for(self, wait_s: float | None) -> float:
        """Until the next due time. A full hand is emptied by results, and they wake the engine."""
        if wait_s is None or self._hand.room == 0:
            return IDLE_S
        return min(wait_s if self._room_to_plan() else max(wait_s, FIRST_PAUSE_S), IDLE_S)

    def _room_to_plan(self) -> int:
        if any(claim.lost for (claim, _) in self._line):
            return 0  # it is planned alone; see `claims.claim_plans`
        most = PLANS_BETWEEN if self._hand.sending else PLANS_PER_TURN
        return min(most, LINE_MOST - len(self._line))

    def _collect(self) -> None:
        try:
            while True:
                finish = self._done.get_nowait()
                self._hand.finished.append(finish)
                self._hand.sending.discard(finish.claim.id)
        except Empty:
            return

    def _plan(
        self, turn: Turn, histories: Histories, now: datetime
    ) -> list[tuple[Claim, Planned | Exception]]:
        """Decide and record what the turn before claimed."""
        if not self._hand.plans:
            return []
        parsed = [(claim, event) for claim, event in self._hand.plans if isinstance(event, Event)]
        failed: list[tuple[Claim, Planned | Exception]] = [
            (claim, error) for claim, error in self._hand.plans if isinstance(error, Exception)
        ]
        events = [event for _, event in parsed]
        known = pipeline.known_of(turn, events, self._relay, now)
        answers = pipeline.decide_all(
            events, histories, self._relay, now, partial(self._facts, turn, now), known
        )
        decided = list(zip([claim for claim, _ in parsed], answers, strict=True))
        everything = failed + self._record(turn, decided, now)
        turn.finish(
            [
                pipeline.plan_failed(claim, answer, self._relay, now)
                for claim, answer in everything
                if isinstance(answer, Exception)
            ],
            now,
        )
        return everything

    def _facts(self, turn: Turn, now: datetime, wanted: Wanted) -> Facts:
        return facts_of(turn, wanted, self._silences, now)

    def _record(
        self, turn: Turn, decided: Sequence[tuple[Claim, Planned | Exception]], now: datetime
    ) -> list[tuple[Claim, Planned | Exception]]:
        """Write the decisions; one that the database refuses becomes its error."""
        plans = [(claim, answer) for claim, answer in decided if isinstance(answer, Planned)]
        results = dict(zip((claim.id for claim, _ in plans), turn.record_plans(plans, now), strict=True))
        recorded: list[tuple[Claim, Planned | Exception]] = []
        for claim, answer in decided:
            result = results.get(claim.id)
            recorded.append((claim, result if isinstance(result, StoreError) else answer))
        return recorded

    def _beat(self) -> tuple[str, ...] | None:
        """Now and then: say that this worker lives, and look which others do not and what time it is."""
        if time.monotonic() < self._next_beat:
            return None
        self._has_jumped |= self._clock.has_jumped()
        self._store.beat(self._presence, self._clock.now(), LEASE_S)
        self._remember(self._relay.config)
        self._silences = self._store.silences(self._clock.now())
        dead = self._store.dead_workers()
        self._next_beat = time.monotonic() + BEAT_S
        return tuple(worker for worker in dead if worker != self.id)

    def _remember(self, config: Config) -> None:
        """Keep the routes that decide from now on, so that their decisions can be read in full later.

        A new configuration, or a new start, may have mended what was disabled.
        """
        if config.fingerprint != self._remembered:
            self._store.record_config(config.fingerprint, as_record(config.routes), self._clock.now())
            self._store.revive(tuple(self._relay.limits))
            self._remembered = config.fingerprint

    def _tend(self, turn: Turn, now: datetime, dead: Sequence[str] | None) -> None:
        """With each beat: take over what dead workers held; follow a jump of the wall clock."""
        if self._has_jumped:
            repaired = turn.repair_clock(now)
            log.warning("the wall clock jumped; due times repaired", rows=repaired)
        if dead is None:
            return
        taken = turn.take_over(now, dead)
        if taken or dead:
            log.info("took over from a worker that is gone", workers=dead, rows=taken)

    def _claim(self, turn: Turn, now: datetime) -> tuple[Claim, ...]:
        return turn.claim(now, self.id, LEASE_S, self._hand.room, self._limit_of)

    def _limit_of(self, destination: str) -> Limit:
        return self._relay.limits.get(destination, pipeline.DEFAULT_LIMIT)

    def _take_up(self) -> None:
        """Read what was claimed, parse the webhooks, hand the deliveries to the threads."""
        claimed, relay = self._hand.claimed, self._relay
        if not claimed:
            return
        loads = self._load([claim for claim in claimed if self._is_to_be_read(claim)])
        plans = [
            (c, pipeline.given_up(c) or _prepare(c, loads[c.id], relay))
            for c in claimed
            if c.step is Step.PLAN
        ]
        plans = self._recognise(plans, relay)
        self._hand.claimed = []
        for claim, event in plans:
            self._line_up(claim, event, relay)
        for claim in claimed:
            if claim.step is Step.DELIVER:
                self._hand.sending.add(claim.id)
                delivery = self._hand.fresh.get(claim.ref) or _delivery(claim, loads[claim.id])
                message = None if claim.dead_since else _rendered(delivery, relay, self._clock.now())
                self._pool.submit(self._deliver, claim, delivery, relay, message)

    def _is_to_be_read(self, claim: Claim) -> bool:
        return claim.ref not in self._hand.fresh and not pipeline.given_up(claim)

    def _recognise(self, plans: list[Prepared], relay: Relay) -> list[Prepared]:
        """The events that an action of ours brought about, with a note about it."""
        events = [event for _, event in plans if isinstance(event, Event)]
        known = {event.id: event for event in preparing.recognised(events, relay, self._store)}
        return [(c, known.get(event.id, event) if isinstance(event, Event) else event) for c, event in plans]

    def _line_up(self, claim: Claim, event: Event | Exception, relay: Relay) -> None:
        """To be planned in the next turn, or when CircleCI has told what a rule or template needs."""
        if isinstance(event, Exception) or relay.enricher is None:
            self._hand.plans.append((claim, event))
            return
        found, key, within = event, pipeline.key_of(event, relay), relay.enricher.within
        until = time.monotonic() + within

        def enrich() -> Prepared:
            history = partial(self._store.history, key)
            return claim, preparing.enriched(found, relay, history, until - time.monotonic())

        work = enrich if preparing.may_be_enriched(found, relay) else None
        self._line.put(key, (claim, found), work, (claim, preparing.poorer(found)), within)

    def _load(self, claims: Sequence[Claim]) -> Mapping[int, Load | Exception]:
        """By claim. A row that cannot be read must not keep the others from being read."""
        if not claims:
            return {}
        try:
            load = self._store.load(claims)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - recorded as a failed attempt
            if len(claims) == 1:
                return {claims[0].id: error}
            return {claim.id: self._load([claim])[claim.id] for claim in claims}
        return {claim.id: load for claim in claims}

    def _deliver(
        self, claim: Claim, delivery: StoredDelivery | Exception, relay: Relay, message: Message | None
    ) -> None:
        """In a thread. The one broad catch: whatever a notifier does, the attempt is recorded."""
        started = self._clock.now()
        known = None if isinstance(delivery, Exception) else delivery
        try:
            if isinstance(delivery, Exception):
                raise delivery  # noqa: TRY301 recorded like any failure
            finish = self._attempt(claim, delivery, relay, message)
        except Exception as error:
            finish = pipeline.broke_down(claim, known, relay, error, started, self._clock.now())
            log.exception("a delivery broke down", delivery=claim.ref)
        _log_attempt(finish, known)
        self._done.put(finish)
        self._watcher.wake()

    def _attempt(
        self, claim: Claim, delivery: StoredDelivery, relay: Relay, message: Message | None
    ) -> Finish:
        if delivery.kind == acting.ACT:
            return acting.act_one(claim, delivery, relay, self._store, self._clock.now)
        return pipeline.deliver_one(claim, delivery, relay, self._clock.now, message)

    def _holds_anything(self) -> bool:
        return bool(len(self._line)) or not self._hand.is_empty

    def _note(self, decided: Sequence[tuple[Claim, Planned | Exception]]) -> None:
        for claim, answer in decided:
            if isinstance(answer, Exception):
                log.error("an event could not be planned", event_id=claim.ref, error=repr(answer))
            elif answer.decision["quiet"]:
                kept_back = [f"{each['target']}: {each['control']}" for each in answer.decision["quiet"]]
                log.info("kept quiet", event_id=claim.ref, targets=kept_back)
            elif (
                not answer.deliveries
                and answer.event.kind is not EventKind.RELAY
                and self._relay.config.unmatched.log
            ):
                log.info("no route", event_id=claim.ref, change=answer.event.change.value)

    def _finish_up(self) -> None:
        """Take nothing new; wait for the threads and record what they did."""
        deadline = time.monotonic() + STOP_S
        while self._holds_anything() and time.monotonic() < deadline:
            self._collect()
            if self._hand.plans or self._hand.claimed or self._hand.finished or self._line.has_ready():
                self._try_turn(claiming=False)
            else:
                self._watcher.wait(0.1)


def histories_of(turn: Turn, events: Sequence[Event], relay: Relay) -> Histories:
    """Of the states of these events, held until the turn ends; `backtest` asks the same."""
    return (
        turn.histories({key for event in events for key in pipeline.keys_of(event, relay)}) if events else {}
    )


def facts_of(turn: Turn, wanted: Wanted, silences: tuple[Silence, ...], now: datetime) -> Facts:
    """What the noise controls are told, held until the turn ends; `backtest` asks the same."""
    return Facts(
        silences=silences,
        slots={**turn.told(wanted.told), **turn.slots(wanted.slots)},
        histories=turn.histories(wanted.states) if wanted.states else {},
        waiting=turn.waiting(wanted.waiting),
        unsaid=turn.unsaid(wanted.unsaid),
        spent=turn.spent(wanted, now),
    )


def _prepare(claim: Claim, load: Load | Exception, relay: Relay) -> Event | Exception:
    if isinstance(load, Exception):
        return load
    try:
        return pipeline.normalise(load.events[claim.ref], relay)
    except Exception as error:  # noqa: BLE001 - recorded as a failed try at planning
        return error


def _fresh(decided: Sequence[tuple[Claim, Planned | Exception]], now: datetime) -> dict[str, StoredDelivery]:
    """The deliveries just planned that are about one event alone and belong to no conversation."""
    planned = [answer for _, answer in decided if isinstance(answer, Planned)]
    return {
        delivery.id: as_stored(delivery, plan.event, now)
        for plan in planned
        for delivery in plan.deliveries
        if delivery.group_key is None and delivery.lane is None
    }


def _delivery(claim: Claim, load: Load | Exception) -> StoredDelivery | Exception:
    if isinstance(load, Exception):
        return load
    return load.deliveries.get(claim.ref) or LookupError("the delivery's row is gone")


def _rendered(delivery: StoredDelivery | Exception, relay: Relay, now: datetime) -> Message | None:
    """The message ahead of the attempt, so that threads do not contend for the interpreter with the engine.

    Without one the attempt renders for itself, and records what is wrong.
    """
    if isinstance(delivery, Exception) or delivery.kind == acting.ACT:
        return None
    try:
        return pipeline.render(delivery, pipeline.notifier_of(delivery, relay), relay, now)
    except Exception:  # noqa: BLE001 - the attempt meets it again
        return None


def _log_attempt(finish: Finish, delivery: StoredDelivery | None) -> None:
    if finish.is_dead:
        log.error(
            "notifier disabled: nothing gets through until it is mended",
            target=delivery.target if delivery else None,
            error=finish.error,
        )
    is_fine = finish.outcome in (AttemptOutcome.DELIVERED, AttemptOutcome.SHADOW)
    level: Callable[..., object] = log.info if is_fine else log.warning
    level(
        finish.outcome.value,
        delivery=finish.claim.ref,
        target=delivery.target if delivery else None,
        events=[event.id for event in delivery.events] if delivery else [],
        attempt=finish.claim.attempt,
        error=finish.error,
        again_at=finish.again_at.isoformat() if finish.again_at else None,
    )
