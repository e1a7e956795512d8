"""Where the past is played again: a store of its own, moved on by the times in the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from heapq import heappop, heappush
from itertools import count

from relay import pipeline, worker
from relay.backtest import recorded
from relay.backtest.follow import Kind, Step, as_it_was, from_now, has_same_times, paired
from relay.backtest.order import Batch
from relay.backtest.recorded import Circumstances
from relay.model import AttemptOutcome, DeliveryState, Event
from relay.pipeline import NOTHING_LEFT, Relay
from relay.planning import NewDelivery
from relay.quieting import Facts, Silence, Wanted
from relay.store import Claim, Finish, PastDelivery, PastEvent, Planned
from relay.store.scratch import Scene

Reals = Mapping[str, tuple[PastDelivery, ...]]  # by event
Silences = Mapping[str, tuple[Silence, datetime | None]]  # by id, with the time each was taken back
NOTIFY = "notify"  # the kind of a delivery that tells somebody


class Stage:
    """Plays batches, and what happens to deliveries between them."""

    def __init__(self, relay: Relay, begin: datetime, silences: Silences) -> None:
        self._relay, self._silences = relay, silences
        self._steps: list[tuple[datetime, Kind, int, str, Step]] = []
        self._claims: dict[str, Claim] = {}  # of the deliveries that have steps
        self._now = begin
        self._number = count()
        self._nothing_left: set[str] = set()  # held messages without news
        self._doubles: dict[
            str, tuple[PastDelivery, ...]
        ] = {}  # by delivery, what the ledger has of its event
        self._followed: dict[str, PastDelivery | None] = {}  # deliveries that are under way

    def play(self, scene: Scene, batch: Batch, *, is_real: bool) -> Mapping[str, Exception]:
        """Plan a batch; is_real: as it was decided then. The events that cannot be planned, and why."""
        self.advance(scene, batch.at)
        events, refused = self._events(batch)
        parts = [part for part in zip(batch.events, batch.known, strict=True) if part[0].id in events]
        plans = self._decide(scene, [events[past.id] for past, _ in parts], batch)
        refused |= {id: plan for id, plan in plans.items() if isinstance(plan, Exception)}
        made = [(past, known, plan) for past, known in parts if isinstance(plan := plans[past.id], Planned)]
        if is_real:
            made = [(past, known, _as_it_was(plan, past, known)) for past, known, plan in made]
        claims = scene.enter([past.hook for past, _, _ in made]) if made else ()
        kept = list(zip(claims, (plan for _, _, plan in made), strict=True))
        answers = scene.turn.record_plans(kept, batch.at)
        refused |= {c.ref: a for (c, _), a in zip(kept, answers, strict=True) if isinstance(a, Exception)}
        scene.turn.settle()
        self._follow(
            scene, [(past, plan) for past, _, plan in made if past.id not in refused], batch.deliveries
        )
        return refused

    def advance(self, scene: Scene, until: datetime) -> None:
        """What happens to deliveries before this time."""
        while True:
            for owed in scene.owed(until):
                real = self._followed.get(owed.id)
                self._schedule(scene, owed.id, from_now(max(owed.due_at, self._now), real))
            if not self._steps or self._steps[0][0] >= until:
                return
            self._take_steps(scene, until)

    def _take_steps(self, scene: Scene, until: datetime) -> None:
        """Up to this time, or to the end of one that others may have waited for."""
        ends: list[Finish] = []
        while self._steps and self._steps[0][0] < until:
            self._now, _, _, id, step = heappop(self._steps)
            if step.kind is Kind.END:
                ends.append(self._end(scene, self._claims.pop(id), step))
                if ends[-1].claim.lane or ends[-1].instead:
                    break
            elif step.kind is Kind.REQUEUE:
                self._record(scene, ends)
                ends = []
                self._claims[id] = scene.requeue(id)
            elif step.again_at is not None:
                scene.postpone(id, step.again_at)
            elif self._claims[id].grouped:
                scene.close(id, step.at)
                self._look_for_news(scene, self._claims[id])
        self._record(scene, ends)

    def _events(self, batch: Batch) -> tuple[dict[str, Event], dict[str, Exception]]:
        events: dict[str, Event] = {}
        refused: dict[str, Exception] = {}
        for past in batch.events:
            try:
                event = pipeline.normalise(past.hook, self._relay)
            except Exception as error:  # noqa: BLE001 - counted; the others go on
                refused[past.id] = error
                continue
            events[past.id] = replace(event, notes={**event.notes, **recorded.notes_of(past)})
        return events, refused

    def _decide(
        self, scene: Scene, events: Sequence[Event], batch: Batch
    ) -> Mapping[str, Planned | Exception]:
        histories = worker.histories_of(scene.turn, events, self._relay)
        look_up = partial(self._facts, scene, batch)
        known = pipeline.known_of(scene.turn, events, self._relay, batch.at)
        plans = pipeline.decide_all(events, histories, self._relay, batch.at, look_up, known)
        return {event.id: plan for event, plan in zip(events, plans, strict=True)}

    def _facts(self, scene: Scene, batch: Batch, wanted: Wanted) -> Facts:
        return worker.facts_of(scene.turn, wanted, self._heeded(batch.known[0]), batch.at)

    def _heeded(self, known: Circumstances) -> tuple[Silence, ...]:
        """The silences that the worker knew of, which it looks up only now and then."""
        if known.silences is not None:
            return tuple(self._silences[id][0] for id in known.silences if id in self._silences)
        return tuple(
            silence
            for silence, removed_at in self._silences.values()
            if silence.is_active(known.at) and (removed_at is None or removed_at > known.at)
        )

    def _follow(self, scene: Scene, plans: Sequence[tuple[PastEvent, Planned]], reals: Reals) -> None:
        """Let each new delivery fare like the one it stands for, if that was due at the same time."""
        new = scene.live([delivery.id for _, plan in plans for delivery in plan.deliveries])
        for past, plan in plans:
            real, taken = reals.get(past.id, ()), set[str]()
            told, matched = recorded.deliveries_of(past.decision), set[str]()
            for delivery in plan.deliveries:
                twin = paired(delivery, told, matched)
                double = paired(delivery, real, taken)
                if delivery.id in new:  # else it has become part of another one's message
                    self._begin_following(scene, delivery, double, twin, real)

    def _begin_following(
        self,
        scene: Scene,
        delivery: NewDelivery,
        double: PastDelivery | None,
        twin: NewDelivery | None,
        real: tuple[PastDelivery, ...],
    ) -> None:
        self._doubles[delivery.id] = real
        self._followed[delivery.id] = double
        if double is not None and twin is not None and has_same_times(delivery, twin):
            self._schedule(scene, delivery.id, as_it_was(double))

    def _schedule(self, scene: Scene, id: str, steps: Iterable[Step]) -> None:
        self._claims[id] = scene.take(id)
        for step in steps:
            heappush(self._steps, (step.at, step.kind, next(self._number), id, step))

    def _look_for_news(self, scene: Scene, claim: Claim) -> None:
        if not scene.delivery(claim).events:
            self._nothing_left.add(claim.ref)

    def _end(self, scene: Scene, claim: Claim, step: Step) -> Finish:
        ended, has_news = step.ended_at or step.at, claim.ref not in self._nothing_left
        is_sent = step.state is DeliveryState.DELIVERED or not has_news
        stored = None if is_sent else scene.delivery(claim)
        self._nothing_left.discard(claim.ref)
        return Finish(
            claim=claim,
            outcome=AttemptOutcome.DELIVERED if is_sent else AttemptOutcome.PERMANENT,
            started_at=ended,
            ended_at=ended,
            end=DeliveryState.DELIVERED if is_sent else step.state,
            is_fault=False,
            instead=pipeline.instead(stored, self._relay) if stored and stored.kind == NOTIFY else (),
            title=None if has_news else NOTHING_LEFT,
            is_told=has_news,
        )

    def _record(self, scene: Scene, ends: Sequence[Finish]) -> None:
        scene.turn.finish(ends, self._now)
        scene.turn.settle()
        for end in ends:
            self._follow_instead(scene, end.claim.ref, end.instead)

    def _follow_instead(self, scene: Scene, failed: str, instead: Sequence[NewDelivery]) -> None:
        real = self._doubles.pop(failed, ())
        self._followed.pop(failed, None)
        for delivery in instead:
            double = paired(delivery, real, set())
            self._doubles[delivery.id] = real
            self._followed[delivery.id] = double
            if double is not None:
                self._schedule(scene, delivery.id, as_it_was(double))


def _as_it_was(plan: Planned, past: PastEvent, known: Circumstances) -> Planned:
    """With what was decided then in place of what would be decided now."""
    return replace(plan, deliveries=recorded.deliveries_of(past.decision), missed=known.missed)
