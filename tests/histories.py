"""Histories of a branch for tests: pipelines with attempts, told by webhooks, played through a real store."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count, repeat
from typing import Any

from hypothesis import strategies as st

from relay import pipeline
from relay.changes import in_order
from relay.ids import new_id
from relay.model import Change, Event, Outcome
from relay.pipeline import Relay
from relay.quieting import Facts, Wanted
from relay.store import Planned, Store, Turn
from tests.factories import (
    MINUTE,
    NOON,
    body,
    classic_job,
    job_completed,
    stamp,
    uuid_of,
    vcs,
    workflow_completed,
)
from tests.relays import arrival_of

Hook = dict[str, Any]

STATUSES = ("success", "failed", "canceled")
JOBS = 2  # N parallel jobs of a cancelled workflow make N + 1 events
LEASE_S = 60.0
# What may be announced after what; between two words that are the same, the other must have been said.
FOLLOWERS = {
    None: {Change.FIRST_SUCCESS, Change.FIRST_FAILURE},
    False: {Change.STILL_PASSING, Change.BROKE},
    True: {Change.STILL_FAILING, Change.FIXED, Change.PASSED_ON_RETRY},
}
RED_AFTER = {
    Change.FIRST_SUCCESS: False,
    Change.FIRST_FAILURE: True,
    Change.STILL_PASSING: False,
    Change.BROKE: True,
    Change.STILL_FAILING: True,
    Change.FIXED: False,
    Change.PASSED_ON_RETRY: True,
}
_projects = count(1)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a workflow: an attempt of a pipeline."""

    project: str
    pipeline: int
    attempt: int
    status: str
    workflow: str = "build"
    minute: int  # after noon, when it was created
    number: int = 0  # of its job

    @property
    def name(self) -> str:
        return uuid_of(self.project, self.workflow, self.pipeline, self.attempt)


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a history: every plan in the order in which it was made."""

    plans: tuple[Planned, ...]
    histories: dict[str, tuple[Outcome, ...]] = field(default_factory=dict)

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(plan.event for plan in self.plans)

    @property
    def states(self) -> dict[str, list[tuple[str | None, str, int | None]]]:
        """By state key its runs in order, and how each ended."""
        return {
            key: [(one.run, one.status.value, one.number) for one in in_order(history)]
            for key, history in self.histories.items()
        }

    def told(self) -> dict[str, list[Change]]:
        """By state key the changes announced, in order."""
        changes: dict[str, list[Change]] = {}
        for plan in self.plans:
            if plan.event.change is not Change.NONE:
                changes.setdefault(plan.state_key, []).append(plan.event.change)
        return changes


def by_workflow(run: Run) -> list[Hook]:
    """The webhooks of one run; those of a cancelled one come in a storm."""
    storm = JOBS + 1 if run.status == "canceled" else 1
    return [_renamed(_workflow(run, word), f"{run.name} {word}") for word in range(storm)]


def by_job(run: Run) -> list[Hook]:
    """The webhook of the run's one job."""
    fields = {"status": run.status, "job_number": run.number, **_common(run)}
    return [_renamed(_created(job_completed(name=run.workflow, **fields), run), f"{run.name} job")]


def by_build(run: Run, *, retry_of: int | None = None) -> list[Hook]:
    """The classic webhook of the same job."""
    start = NOON + (run.minute + 1) * MINUTE
    hook = classic_job(
        build_num=run.number,
        vcs_url=f"https://github.com/acme/{run.project}",
        reponame=run.project,
        workflow=run.workflow,
        outcome=run.status,
        status=run.status,
        start_time=stamp(start),
        stop_time=stamp(start + MINUTE),
        retry_of=retry_of,
    )
    hook["payload"]["workflows"]["workflow_id"] = run.name
    return [hook]


def _workflow(run: Run, word: int) -> Hook:
    late = timedelta(seconds=word)
    return _created(workflow_completed(status=run.status, name=run.workflow, **_common(run, late)), run)


def _common(run: Run, late: timedelta = timedelta()) -> Hook:
    return {
        "number": run.pipeline,
        "finished_at": NOON + (run.minute + 2) * MINUTE + late,
        "pipeline": {"vcs": vcs(repository=f"https://github.com/acme/{run.project}")},
        "project": {"id": uuid_of(run.project), "name": run.project, "slug": f"github/acme/{run.project}"},
    }


def _created(hook: Hook, run: Run) -> Hook:
    created = stamp(NOON + run.minute * MINUTE)
    return {**hook, "workflow": {**hook["workflow"], "id": run.name, "created_at": created}}


def _renamed(hook: Hook, name: str) -> Hook:
    return {**hook, "id": uuid_of("event", name)}


@st.composite
def runs(draw: st.DrawFn, statuses: Sequence[str] = STATUSES) -> tuple[Run, ...]:
    """Pipelines of one branch, their workflows, and each run again once or twice, maybe long after."""
    project = f"p{next(_projects)}"
    found = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        for workflow in draw(st.sampled_from([("build",), ("build", "setup")])):
            ended = draw(st.lists(st.sampled_from(statuses), min_size=1, max_size=3))
            gap = draw(st.sampled_from([3, 40]))  # minutes between attempts: newer pipelines may come between
            found += [
                Run(
                    project=project,
                    pipeline=number,
                    attempt=attempt,
                    status=status,
                    workflow=workflow,
                    minute=number * 20 + attempt * gap,
                )
                for attempt, status in enumerate(ended, 1)
            ]
    times = sorted(range(len(found)), key=lambda at: found[at].minute)
    numbers = {at: 5000 + place for place, at in enumerate(times)}
    return tuple(Run(**{**vars(run), "number": numbers[at]}) for at, run in enumerate(found))


def play(
    store: Store,
    relay: Relay,
    batches: Iterable[Sequence[Hook]],
    now: Iterable[datetime] = repeat(NOON),
    after: Callable[[datetime], object] = bool,
) -> Played:
    """Accept and plan as web and worker do, each batch in one transaction; `now` is the time for each.

    after: called after each batch with its time.
    """
    plans: list[Planned] = []
    worker = new_id()
    for batch, at in zip(batches, now, strict=False):
        _accept(store, batch)
        with store.turn() as turn:
            claims = turn.claim_plans(at, worker, LEASE_S, len(batch))
        load = store.load(claims)
        events = [pipeline.normalise(load.events[claim.ref], relay) for claim in claims]
        with store.turn() as turn:
            known = turn.histories({key for event in events for key in pipeline.keys_of(event, relay)})
            decided = pipeline.decide_all(events, known, relay, at, partial(facts_of, turn))
            made = [plan for plan in decided if isinstance(plan, Planned)]
            assert len(made) == len(claims)
            assert turn.record_plans(list(zip(claims, made, strict=True)), at) == (True,) * len(made)
        plans += made
        after(at)
    keys = {plan.state_key for plan in plans}
    return Played(plans=tuple(plans), histories={key: store.history(key) for key in keys})


def facts_of(turn: Turn, wanted: Wanted) -> Facts:
    """What a worker looks up, silences aside."""
    return Facts(
        slots={**turn.told(wanted.told), **turn.slots(wanted.slots)},
        waiting=turn.waiting(wanted.waiting),
        unsaid=turn.unsaid(wanted.unsaid),
    )


def _accept(store: Store, hooks: Sequence[Hook]) -> None:
    """In this order; repeats of a webhook are refused as duplicates."""
    ids = sorted(new_id() for _ in hooks)
    store.accept([arrival_of(body(hook), its) for hook, its in zip(hooks, ids, strict=True)])


def check_follow(changes: Iterable[Change]) -> None:
    """Each word that is announced follows from the one before."""
    red: bool | None = None
    for change in changes:
        assert change in FOLLOWERS[red]
        red = RED_AFTER[change]
