"""The relay at work on a real store, its clock moved from one thing that happens to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks.retrying.ci import CI, Attempt, Client
from benchmarks.retrying.draws import BEGIN, World
from benchmarks.retrying.hooks import arrival_of
from benchmarks.retrying.logs import notes_of
from relay import acting, pipeline, preparing, wiring, worker
from relay.ids import new_id
from relay.model import AttemptOutcome, Event
from relay.pipeline import Relay
from relay.policy import Ruled
from relay.store import Claim, Finish, Planned, Store

if TYPE_CHECKING:
    from relay.circleci.facade import CircleCI

LEASE_S, ROOM = 60.0, 50
PATIENCE = timedelta(hours=12)  # after the last commit
CONFIG = """\
version: 1
circleci: {{ token: never-used }}
notifiers:
  people: {{ type: console }}
defaults: {{ trunk: [main] }}
{more}
routes:
  - {{ match: {{ event: workflow, status: failed }}, notify: people, inhibit: false{route} }}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What came of a world: every attempt, ruling and message. told: when, and of which attempts."""

    world: World
    attempts: tuple[Attempt, ...]
    rulings: tuple[Ruled, ...]
    asked: tuple[tuple[datetime, Attempt], ...]  # what the relay ran again
    told: tuple[tuple[datetime, tuple[str, ...]], ...]


@dataclass(kw_only=True)
class Engine:
    """Plans what it claimed in the turn before, does what is due, and notes both."""

    store: Store
    relay: Relay
    ci: CI
    client: Client = field(init=False)
    now: datetime = BEGIN
    name: str = field(default_factory=new_id)
    plans: list[Claim] = field(default_factory=list)
    finished: list[Finish] = field(default_factory=list)
    rulings: list[Ruled] = field(default_factory=list)
    told: list[tuple[datetime, tuple[str, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Client(ci=self.ci, clock=lambda: self.now)
        self.relay = replace(self.relay, circleci=cast("CircleCI", self.client))

    def play(self) -> Course:
        """From the first commit until nothing is left to happen."""
        commits, due = list(reversed(self.ci.world.commits)), self.now
        until = self.ci.world.commits[-1].at + PATIENCE
        while True:
            pushed = commits[-1].at if commits else None
            hand = self.ci.next_hand()
            known = (pushed, hand, self.ci.next_end(), due)
            times = [each for each in known if each is not None and each < until]
            if not times:
                return self._course()
            self.now = max(self.now, min(times))
            if pushed is not None and pushed <= self.now:
                self.ci.start(commits.pop())
            elif hand is not None and hand <= self.now:
                self.ci.hand()
            else:
                due = self._work()

    def _work(self) -> datetime:
        """Take in what ended by now, and go on until only the future is left: when that begins."""
        while (end := self.ci.next_end()) is not None and end <= self.now:
            self.store.accept([arrival_of(self.ci.end())])
        while True:
            wait_s = self._turn()
            if not self.plans and not self.finished and wait_s != 0.0:
                return (
                    self.now + timedelta(seconds=wait_s)
                    if wait_s
                    else datetime.max.replace(tzinfo=BEGIN.tzinfo)
                )

    def _turn(self) -> float | None:
        events = self._events()
        with self.store.turn() as turn:
            if events:
                self._record(turn, self._decide(turn, events))
            turn.finish(self.finished, self.now)
            self.plans = list(turn.claim_plans(self.now, self.name, LEASE_S, ROOM))
            claims = turn.claim(self.now, self.name, LEASE_S, ROOM)
            wait_s = turn.next_due(self.now)
        self.finished = [self._done(claim) for claim in claims]
        return wait_s

    def _events(self) -> list[Event]:
        """What was claimed, with what the relay knows of its runs and CircleCI of its failures."""
        if not self.plans:
            return []
        loaded = self.store.load(self.plans)
        events = [pipeline.normalise(loaded.events[claim.ref], self.relay) for claim in self.plans]
        return [self._noted(event) for event in preparing.recognised(events, self.relay, self.store)]

    def _noted(self, event: Event) -> Event:
        failed = self.ci.attempts[event.workflow.id or ""].failed
        return replace(event, notes={**event.notes, **notes_of(failed)})

    def _decide(self, turn: Any, events: Sequence[Event]) -> list[Planned]:
        histories = worker.histories_of(turn, events, self.relay)
        known = pipeline.known_of(turn, events, self.relay, self.now)
        facts = partial(self._facts, turn)
        decided = pipeline.decide_all(events, histories, self.relay, self.now, facts, known)
        failed = [each for each in decided if isinstance(each, Exception)]
        if failed:
            raise failed[0]
        return [each for each in decided if isinstance(each, Planned)]

    def _record(self, turn: Any, plans: Sequence[Planned]) -> None:
        turn.record_plans(list(zip(self.plans, plans, strict=True)), self.now)
        self.rulings += [plan.ruled for plan in plans if plan.ruled]

    def _facts(self, turn: Any, wanted: Any) -> Any:
        return worker.facts_of(turn, wanted, (), self.now)

    def _done(self, claim: Claim) -> Finish:
        delivery = self.store.load([claim]).deliveries[claim.ref]
        if delivery.kind == acting.ACT:
            return acting.act_one(claim, delivery, self.relay, self.store, lambda: self.now)
        if delivery.events:
            ids = tuple(event.workflow.id or "" for event in delivery.events)
            self.told.append((self.now, ids))
            self.ci.tell(ids, self.now)
        return Finish(
            claim=claim,
            outcome=AttemptOutcome.DELIVERED,
            started_at=self.now,
            ended_at=self.now,
            is_fault=False,
            title=None if delivery.events else pipeline.NOTHING_LEFT,
            is_told=bool(delivery.events),
        )

    def _course(self) -> Course:
        return Course(
            world=self.ci.world,
            attempts=tuple(self.ci.attempts.values()),
            rulings=tuple(self.rulings),
            asked=tuple(self.client.started),
            told=tuple(self.told),
        )


def play(world: World, folder: Path, *, more: str = "", route: str = "", auto: int = 0) -> Course:
    """The world under a configuration: `more` sections, more of the `route`, CircleCI's own reruns."""
    folder.mkdir()
    file = folder / "relay.yaml"
    file.write_text(CONFIG.format(more=more, route=route))
    relay = wiring.build(wiring.load_config(str(file), {}))
    with Store.open(f"sqlite:///{folder}/relay.db") as store:
        store.upgrade()
        return Engine(store=store, relay=relay, ci=CI(world=world, auto=auto)).play()
