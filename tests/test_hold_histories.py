"""Any order of a history's webhooks, any times: what is held is told rightly or not at all.

Each example plays through the real store, on a project of its own, and everything due is sent after each
batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from relay.changes import failing
from relay.model import AttemptOutcome, Change, Event
from relay.pipeline import Relay
from relay.planning import NewDelivery
from relay.store import Finish, Store
from tests.factories import MINUTE, NOON
from tests.histories import Hook, Played, Run, by_workflow, play, runs
from tests.relays import make_relay

SETTINGS = """\
version: 1
notifiers:
  console: { type: console }
routes:
  - { match: { change: [broke, first_failure, fixed] }, hold: 20m, notify: console }
"""
RED = {Change.BROKE: True, Change.FIRST_FAILURE: True, Change.FIXED: False}
IN_THE_END = NOON + timedelta(days=1)

some = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example has a project of its own
)
few = settings(some, max_examples=8)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = make_relay(tmp_path, SETTINGS)
    yield relay
    relay.transport.close()


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Store]:
    with Store.open(sqlite_url) as store:
        yield store


@pytest.fixture
def post(postgres_url: str) -> Iterator[Store]:
    with Store.open(postgres_url) as store:
        yield store


@dataclass(kw_only=True)
class Sender:
    """Sends all that is due, and keeps what it told, by workflow."""

    store: Store
    told: dict[str | None, list[list[Change]]] = field(default_factory=dict)

    def send(self, now: datetime) -> None:
        with self.store.turn() as turn:
            claims = turn.claim(now, "sender", 60.0, 100)
        for delivery in self.store.load(claims).deliveries.values():
            self._hear(delivery.events)
        with self.store.turn() as turn:
            turn.finish(
                [
                    Finish(claim=each, outcome=AttemptOutcome.DELIVERED, started_at=now, ended_at=now)
                    for each in claims
                ]
            )

    def _hear(self, events: Sequence[Event]) -> None:
        if events:
            changes = [event.change for event in events]
            self.told.setdefault(events[-1].workflow.name, []).append(changes)


@dataclass(frozen=True, kw_only=True)
class Story:
    history: tuple[Run, ...]
    order: tuple[int, ...]
    minutes: tuple[int, ...]  # when each webhook comes
    at_once: bool  # those of one minute are planned together


@st.composite
def stories(draw: st.DrawFn) -> Story:
    history = draw(runs(("success", "failed")))
    places = range(sum(len(by_workflow(run)) for run in history))
    order = draw(st.one_of(st.just(list(places)), st.permutations(places)))
    minutes = draw(st.lists(st.integers(0, 30), min_size=len(order), max_size=len(order)))
    return Story(
        history=history, order=tuple(order), minutes=tuple(sorted(minutes)), at_once=draw(st.booleans())
    )


def batches_of(story: Story) -> tuple[list[list[Hook]], list[datetime]]:
    hooks = [hook for run in story.history for hook in by_workflow(run)]
    batches: list[list[Hook]] = []
    times: list[datetime] = []
    for place, minute in zip(story.order, story.minutes, strict=True):
        at = NOON + minute * MINUTE
        if story.at_once and times and times[-1] == at:
            batches[-1].append(hooks[place])
        else:
            batches += [[], [hooks[place]]]  # what is due by then is sent before it comes
            times += [at, at]
    return batches, times


def check(store: Store, relay: Relay, story: Story) -> None:
    sender = Sender(store=store)

    played = play(store, relay, *batches_of(story), after=sender.send)
    sender.send(IN_THE_END)

    for messages in sender.told.values():
        turns = [RED[changes[-1]] for changes in messages]
        assert turns == [at % 2 == 0 for at in range(len(turns))]
    for key, history in played.histories.items():
        last = sender.told.get(key.rsplit(" | ", 1)[-1], [[Change.FIXED]])[-1]
        if failing(history) and history[0].red:
            assert RED[last[-1]]


def attempt(pipeline: int, number: int, status: str) -> Run:
    return Run(
        project="flaky", pipeline=pipeline, attempt=number, status=status, minute=pipeline * 20 + number
    )


FLAKY_THEN_BROKEN = Story(
    history=(
        attempt(1, 1, "success"),
        attempt(2, 1, "failed"),
        attempt(2, 2, "success"),
        attempt(3, 1, "failed"),
    ),
    order=(0, 1, 2, 3),
    minutes=(0, 1, 2, 30),
    at_once=False,
)


@some
@example(story=FLAKY_THEN_BROKEN)
@given(story=stories())
def test_failures_and_fixes_are_told_in_turn_and_a_failure_that_lasts_is_told(
    lite: Store, relay: Relay, story: Story
) -> None:
    check(lite, relay, story)


@few
@example(story=FLAKY_THEN_BROKEN)
@given(story=stories())
def test_it_holds_on_postgresql(post: Store, relay: Relay, story: Story) -> None:
    check(post, relay, story)


@some
@given(history=runs(("success", "failed")), size=st.sampled_from([2, 5, 100]))
def test_planned_one_by_one_or_together_comes_to_the_same(
    lite: Store, relay: Relay, history: Sequence[Run], size: int
) -> None:
    alone, together = (
        [
            hook
            for run in history
            for hook in by_workflow(replace(run, project=f"{run.project}-{size}-{name}"))
        ]
        for name in ("alone", "together")
    )
    batches = [together[at : at + size] for at in range(0, len(together), size)]

    one = play(lite, relay, [[hook] for hook in alone], repeat(NOON))
    many = play(lite, relay, batches, repeat(NOON))

    assert decided_in(many) == decided_in(one)


def decided_in(played: Played) -> list[object]:
    return [
        (plan.event.change, plan.outcome and plan.outcome.red, *map(_as_said, plan.deliveries))
        for plan in played.plans
    ]


def _as_said(delivery: NewDelivery) -> tuple[object, ...]:
    return delivery.due_at, delivery.is_verdict, bool(delivery.group_key)
