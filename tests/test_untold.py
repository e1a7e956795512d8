"""What was not told is not told: after a silence, broke and fixed go on from what people heard last.

Each example plays through the real store, on a project of its own.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay import pipeline
from relay.changes import in_order
from relay.model import Change, Event, Outcome, Pipeline, Status, Workflow
from relay.pipeline import Relay
from relay.quieting import Facts, Wanted, make_silence
from relay.store import Planned, Store
from tests.factories import NOON, make_event
from tests.histories import Played, by_workflow, play, runs
from tests.relays import make_relay

KEY = "gh/acme/api | main | build-and-deploy"
SECOND = timedelta(seconds=1)
SETTINGS = """\
version: 1
notifiers:
  console: { type: console }
silences:
  - { match: { project.slug: "*" }, from: "2026-11-23 12:00:10", until: "2026-11-23 12:00:20" }
  - { match: { project.slug: "*" }, from: "2026-11-23 12:00:30", until: "2026-11-23 12:00:40" }
defaults: { trunk: main }
routes:
  - { match: { change: [broke, first_failure, fixed] }, notify: console }
"""
SILENT = Facts(silences=(make_silence({"branch": ["*"]}, name="s"),))
TURNED_RED = {Change.BROKE, Change.FIRST_FAILURE}

some = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example has a project of its own
)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = make_relay(tmp_path, SETTINGS)
    yield relay
    relay.transport.close()


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Store]:
    with Store.open(sqlite_url) as store:
        yield store


def result(number: int, status: Status, branch: str = "main") -> Event:
    return make_event(
        id=f"event-{branch}-{number}",
        branch=branch,
        status=status,
        workflow=Workflow(id=f"w-{branch}-{number}", name="build-and-deploy"),
        pipeline=Pipeline(number=number),
    )


def told_of(plans: Sequence[Planned | Exception]) -> list[Change]:
    return [plan.event.change for plan in plans if isinstance(plan, Planned) and plan.deliveries]


def decided(relay: Relay, *steps: tuple[Status, bool]) -> list[Change]:
    """The changes of results, one planned after the other, some of them while it is silent."""
    history: tuple[Outcome, ...] = ()
    changes = []
    for number, (status, is_silent) in enumerate(steps):
        made = pipeline.decide(result(number, status), history, relay, NOON, silent if is_silent else loud)
        assert made.judgement.outcome is not None
        history = (made.judgement.outcome, *history)
        changes.append(made.event.change)
    return changes


def silent(wanted: Wanted) -> Facts:
    return SILENT


def loud(wanted: Wanted) -> Facts:
    return Facts()


GOOD, BAD = (Status.SUCCESS, False), (Status.FAILED, False)
UNHEARD_GOOD, UNHEARD_BAD = (Status.SUCCESS, True), (Status.FAILED, True)


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ((GOOD, UNHEARD_BAD, BAD), Change.BROKE),
        ((GOOD, UNHEARD_BAD, GOOD), Change.STILL_PASSING),
        ((GOOD, UNHEARD_BAD, UNHEARD_BAD, BAD), Change.BROKE),
        ((GOOD, BAD, UNHEARD_GOOD, GOOD), Change.FIXED),
        ((GOOD, BAD, UNHEARD_GOOD, BAD), Change.STILL_FAILING),
        ((UNHEARD_BAD, BAD), Change.BROKE),
        ((UNHEARD_BAD, GOOD), Change.STILL_PASSING),
    ],
    ids=[
        "breaks again",
        "passes again",
        "broke long ago",
        "was fixed",
        "was fixed and broke",
        "first of all, and again",
        "first of all, and passes",
    ],
)
def test_changes_go_on_from_what_was_heard_last(
    relay: Relay, steps: Sequence[tuple[Status, bool]], last: Change
) -> None:
    assert decided(relay, *steps)[-1] is last


def test_a_failure_that_trunk_explains_is_told_when_trunk_passes_and_it_goes_on(relay: Relay) -> None:
    events = [
        result(1, Status.FAILED),
        result(2, Status.SUCCESS, "topic"),
        result(3, Status.FAILED, "topic"),
        result(4, Status.SUCCESS),
        result(5, Status.FAILED, "topic"),
    ]

    plans = pipeline.decide_all(events, {}, relay, NOON - SECOND)

    assert [(plan.event.branch, plan.event.change) for plan in plans if plan.deliveries] == [  # type: ignore[union-attr]
        ("main", Change.FIRST_FAILURE),
        ("main", Change.FIXED),
        ("topic", Change.BROKE),
    ]


def test_a_change_that_was_taken_for_told_is_looked_up_again(tmp_path: Path) -> None:
    """In the draft the second failure goes on failing, and needs no slot; told anew, it breaks and does."""
    text = SETTINGS.replace("notify: console", "notify: console, throttle: 1h")
    relay = make_relay(
        tmp_path / "throttled", text.replace("first_failure, ", "").replace("12:00:10", "11:00")
    )
    asked: list[Wanted] = []

    def look_up(wanted: Wanted) -> Facts:
        asked.append(wanted)
        return Facts(silences=SILENT.silences) if len(asked) == 1 else Facts()

    events = [result(1, Status.SUCCESS), result(2, Status.FAILED), result(3, Status.FAILED)]
    plans = pipeline.decide_all(events, {KEY: ()}, relay, NOON, look_up)

    assert [plan.event.change for plan in plans if isinstance(plan, Planned)] == [
        Change.FIRST_SUCCESS,
        Change.BROKE,
        Change.BROKE,
    ]
    relay.transport.close()


def check(played: Played) -> None:
    """Of all that was sent about a state, what turns it red and what turns it green come in turn."""
    sent: dict[str, list[bool]] = {}
    for plan in played.plans:
        if plan.deliveries:
            sent.setdefault(plan.state_key, []).append(plan.event.change in TURNED_RED)
    for turns in sent.values():
        assert turns == [at % 2 == 0 for at in range(len(turns))]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[list[dict[str, object]]], list[datetime]]:
    """Webhooks in any order, some twice, in batches of some size, each some seconds after the other."""
    hooks = [hook for run in draw(runs()) for hook in by_workflow(run)]
    again = [
        {**hook, "id": f"{hook['id']} again"} for hook in draw(st.lists(st.sampled_from(hooks), max_size=3))
    ]
    every = draw(st.permutations([*hooks, *{str(hook["id"]): hook for hook in again}.values()]))
    size = draw(st.sampled_from([1, 3, 100]))
    batches = [list(every[at : at + size]) for at in range(0, len(every), size)]
    times = draw(st.lists(st.integers(0, 50), min_size=len(batches), max_size=len(batches)))
    return batches, [NOON + at * SECOND for at in sorted(times)]


@some
@given(arrived=arrivals())
def test_whatever_silences_come_between_broke_and_fixed_are_sent_in_turn(
    lite: Store, relay: Relay, arrived: tuple[list[list[dict[str, object]]], list[datetime]]
) -> None:
    batches, times = arrived

    check(play(lite, relay, batches, times))


@some
@given(history=runs(), size=st.sampled_from([2, 5, 100]), second=st.sampled_from([5, 15]))
def test_planned_one_by_one_or_together_comes_to_the_same(
    lite: Store, relay: Relay, history: Sequence[object], size: int, second: int
) -> None:
    def named(hook: dict[str, object], name: str) -> dict[str, object]:
        project: dict[str, str] = hook["project"]  # type: ignore[assignment]
        renamed = {**project, "slug": f"{project['slug']}-{size}-{second}-{name}"}
        return {**hook, "id": f"{hook['id']}-{size}-{second}-{name}", "project": renamed}

    hooks = [hook for run in history for hook in by_workflow(run)]  # type: ignore[arg-type]
    one = [[named(hook, "one")] for hook in hooks]
    many = [named(hook, "many") for hook in hooks]
    together = [many[at : at + size] for at in range(0, len(many), size)]
    now = NOON + second * SECOND

    alone = play(lite, relay, one, [now] * len(one))
    batched = play(lite, relay, together, [now] * len(together))

    assert told_of(batched.plans) == told_of(alone.plans)
    assert [plan.event.change for plan in batched.plans] == [plan.event.change for plan in alone.plans]
    assert reds(batched) == reds(alone)


def reds(played: Played) -> list[list[bool | None]]:
    return [[one.red for one in in_order(history)] for _, history in sorted(played.histories.items())]
