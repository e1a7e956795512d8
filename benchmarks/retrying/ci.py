"""CircleCI with a clock that is moved by hand: it runs attempts, tells of their ends, and runs them again.

`Client` answers what the action `retry` asks, in this process: the facade of `relay.circleci`, without HTTP.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from benchmarks.retrying.draws import DEPLOY, MINUTES, Commit, World
from benchmarks.retrying.logs import Fault
from relay.circleci.started import Kind, Started

PUSH, BY_CIRCLECI, BY_RELAY, BY_HAND = "push", "circleci", "relay", "hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One run of a commit's workflow. cost: minutes of its jobs. by: who started it."""

    id: str
    commit: Commit
    number: int
    began: datetime
    ended: datetime
    failed: Mapping[str, Fault]
    cost: float
    by: str

    @property
    def has_passed(self) -> bool:
        return not self.failed


@dataclass(kw_only=True)
class CI:
    """auto: how often it runs a failed workflow again by itself, at once."""

    world: World
    auto: int = 0
    attempts: dict[str, Attempt] = field(default_factory=dict)
    _ends: list[tuple[datetime, int, Attempt]] = field(default_factory=list)
    _hands: list[tuple[datetime, int, str]] = field(default_factory=list)
    _order: Any = field(default_factory=count)

    def start(self, commit: Commit) -> None:
        self._run(commit, commit.jobs, None, commit.at, PUSH)

    def next_end(self) -> datetime | None:
        return self._ends[0][0] if self._ends else None

    def end(self) -> Attempt:
        """The next attempt to end."""
        _, _, attempt = heappop(self._ends)
        if attempt.failed and attempt.number <= self.auto:
            self.again(attempt.id, attempt.ended, BY_CIRCLECI)
        return attempt

    def tell(self, ids: Collection[str], now: datetime) -> None:
        """People hear of these failures; some of them they run again, after a while."""
        for attempt in (self.attempts[id] for id in ids if self.attempts[id].failed):
            after = self.world.hand(attempt.commit, attempt.number)
            if after is not None:
                heappush(self._hands, (now + after, next(self._order), attempt.id))

    def next_hand(self) -> datetime | None:
        return self._hands[0][0] if self._hands else None

    def hand(self) -> None:
        """Somebody runs a failure again, unless that was done meanwhile."""
        at, _, id = heappop(self._hands)
        if self.child_of(id) is None:
            self.again(id, at, BY_HAND)

    def again(self, id: str, now: datetime, by: str) -> Attempt:
        """From its failed jobs."""
        before = self.attempts[id]
        return self._run(before.commit, tuple(before.failed), before, now, by)

    def child_of(self, id: str) -> Attempt | None:
        before = self.attempts[id]
        later = (each for each in self.attempts.values() if each.commit.sha == before.commit.sha)
        return next((each for each in later if each.number == before.number + 1), None)

    def _run(
        self, commit: Commit, jobs: tuple[str, ...], before: Attempt | None, now: datetime, by: str
    ) -> Attempt:
        number = before.number + 1 if before else 1
        ran = [job for job in jobs if job != DEPLOY]
        failed = self._failed(commit, ran, number, now, before)
        deploys = commit.deploys and not failed
        if deploys:
            failed = self._failed(commit, [DEPLOY], number, now, before)
        length = max((MINUTES[job] for job in ran), default=0.0) + deploys * MINUTES[DEPLOY]
        attempt = Attempt(
            id=str(uuid5(NAMESPACE_URL, f"{commit.sha} {number}")),
            commit=commit,
            number=number,
            began=now,
            ended=now + timedelta(minutes=length),
            failed=failed,
            cost=sum(MINUTES[job] for job in ran) + deploys * MINUTES[DEPLOY],
            by=by,
        )
        self.attempts[attempt.id] = attempt
        heappush(self._ends, (attempt.ended, next(self._order), attempt))
        return attempt

    def _failed(
        self, commit: Commit, jobs: Collection[str], number: int, now: datetime, before: Attempt | None
    ) -> dict[str, Fault]:
        earlier = before.failed if before else {}
        told = ((job, self.world.fault(commit, job, number, now, earlier.get(job))) for job in jobs)
        return {job: fault for job, fault in told if fault is not None}


@dataclass(kw_only=True)
class Client:
    """What the action needs of the facade, about the attempts of a CI."""

    ci: CI
    clock: Callable[[], datetime]
    started: list[tuple[datetime, Attempt]] = field(default_factory=list)  # what was run again, and when

    @property
    def v2(self) -> "Client":
        return self

    def within(self, seconds: float) -> "Client":
        return self

    def workflow(self, id: str) -> Any:
        number = self.ci.attempts[id].number
        return SimpleNamespace(
            has_ended=True, status="failed", auto_rerun_number=number - 1, max_auto_reruns=self.ci.auto
        )

    def workflow_jobs(self, id: str) -> Sequence[Any]:
        """None of them waits for an approval."""
        return ()

    def find_child(
        self, project: object, *, workflow: str, number: int | None = None, known: Collection[str] = ()
    ) -> Started | None:
        child = self.ci.child_of(workflow)
        return _started(child) if child and child.id not in known else None

    def retry(self, project: object, *, workflow: str, **how: object) -> Started:
        attempt = self.ci.attempts[workflow]
        self.started.append((self.clock(), attempt))
        return _started(self.ci.again(workflow, self.clock(), BY_RELAY))


def _started(attempt: Attempt) -> Started:
    return Started(kind=Kind.WORKFLOW, id=attempt.id, how="v2 rerun")
