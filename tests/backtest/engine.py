"""A worker whose clock the test moves: the turns of `relay.worker`, with services that answer as told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from relay import payloads, pipeline, worker
from relay.ids import id_at, new_id
from relay.model import AttemptOutcome
from relay.pipeline import Relay
from relay.quieting import Silence
from relay.store import Arrival, Claim, Finish, Planned, Step, Store
from tests.factories import body

LEASE_S = 60.0
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a service answers one attempt."""

    seconds: float = 0.5
    outcome: AttemptOutcome = AttemptOutcome.DELIVERED
    again_s: float | None = None


@dataclass(kw_only=True)
class Engine:
    """Plans what it claimed in the turn before, records what was sent, claims what is due."""

    store: Store
    relay: Relay
    answer: Callable[[str], Answer] = lambda _: Answer()
    name: str = field(default_factory=new_id)
    plans: list[Claim] = field(default_factory=list)
    under_way: list[Finish] = field(default_factory=list)
    silences: tuple[Silence, ...] = ()

    def accept(self, hooks: Sequence[Mapping[str, Any]], now: datetime) -> tuple[str, ...]:
        arrivals = [_arrival(hook, now) for hook in hooks]
        self.store.accept(arrivals)
        return tuple(arrival.id for arrival in arrivals)

    def turn(self, now: datetime, room: int = 50) -> None:
        loaded = self.store.load(self.plans) if self.plans else None
        events = [pipeline.normalise(loaded.events[c.ref], self.relay) for c in self.plans] if loaded else []
        with self.store.turn() as turn:
            known = turn.histories({pipeline.key_of(event, self.relay) for event in events})
            facts = partial(self._facts, now, turn)
            decided = pipeline.decide_all(events, known, self.relay, now, facts)
            plans = [plan for plan in decided if isinstance(plan, Planned)]
            assert len(plans) == len(self.plans)
            turn.record_plans(list(zip(self.plans, plans, strict=True)), now)
            turn.finish([each for each in self.under_way if each.ended_at <= now], now)
            self.under_way = [each for each in self.under_way if each.ended_at > now]
            self.plans = list(turn.claim_plans(now, self.name, LEASE_S, room))
            claims = turn.claim(now, self.name, LEASE_S, room)
        self._send(claims, now)

    def until_idle(self, now: datetime) -> datetime:
        """Turns until nothing is in hand; what is due later stays."""
        while True:
            self.turn(now)
            if not (self.plans or self.under_way):
                return now
            now += timedelta(seconds=0.25)

    def _facts(self, now: datetime, turn: Any, wanted: Any) -> Any:
        return worker.facts_of(turn, wanted, self.silences, now)

    def _send(self, claims: Sequence[Claim], now: datetime) -> None:
        loaded = self.store.load(claims) if claims else None
        for claim in claims:
            assert loaded is not None
            assert claim.step is Step.DELIVER
            delivery = loaded.deliveries[claim.ref]
            told = self.answer(delivery.target)
            ended = now + timedelta(seconds=told.seconds)
            again = told.again_s if told.outcome is AttemptOutcome.TEMPORARY else None
            is_over = told.outcome is not AttemptOutcome.DELIVERED and again is None
            outcome = told.outcome if delivery.events else AttemptOutcome.DELIVERED
            self.under_way.append(
                Finish(
                    claim=claim,
                    outcome=outcome,
                    started_at=now,
                    ended_at=ended,
                    again_at=ended + timedelta(seconds=again) if again and delivery.events else None,
                    instead=pipeline.instead(delivery, self.relay) if is_over and delivery.events else (),
                    is_fault=False,
                    title=None if delivery.events else pipeline.NOTHING_LEFT,
                    is_told=bool(delivery.events),
                )
            )


def _arrival(hook: Mapping[str, Any], now: datetime) -> Arrival:
    written = body(hook)
    peek = payloads.peek(written, JSON)
    return Arrival(
        id=id_at(now.timestamp())[:10] + new_id()[10:],
        dedupe_key=peek.dedupe_key,
        received_at=now,
        kind=peek.kind,
        generation=peek.generation,
        type=peek.type,
        source_id=peek.source_id,
        content_type=JSON,
        body=written,
    )
