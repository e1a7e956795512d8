"""Any order and any duplication of a history's webhooks: the same state, and nothing announced twice.

Each example plays through the real store, on a project of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.changes import in_order, is_red
from relay.model import Change
from relay.pipeline import Relay
from relay.store import Store
from tests.histories import (
    RED_AFTER,
    Hook,
    Played,
    Run,
    by_build,
    by_job,
    by_workflow,
    check_follow,
    play,
    runs,
)
from tests.relays import make_relay

SETTINGS = """\
version: 1
notifiers:
  console: { type: console }
defaults:
  state: { key: [project.slug, branch, workflow.name, job.name] }
routes:
  - match: { change: [broke, fixed] }
    notify: console
"""
Tell = Callable[[Run], list[Hook]]

some = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example has a project of its own
)
few = settings(some, max_examples=6)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Store]:
    with Store.open(sqlite_url) as store:
        yield store


@pytest.fixture
def post(postgres_url: str) -> Iterator[Store]:
    with Store.open(postgres_url) as store:
        yield store


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = make_relay(tmp_path, SETTINGS)
    yield relay
    relay.transport.close()


@dataclass(frozen=True, kw_only=True)
class Story:
    """A history as it happened, and how the webhooks of its twin arrive, repeats among them."""

    history: tuple[Run, ...]
    arrivals: tuple[str, ...]  # "<place of the webhook>", with "again" under another event id
    at_once: int  # how many are planned in one transaction


@st.composite
def stories(draw: st.DrawFn, tell: Tell) -> Story:
    history = draw(runs())
    places = [str(at) for at, _ in enumerate(hooks_of(history, tell))]
    twice = draw(st.lists(st.sampled_from(places), max_size=4))
    arrivals = draw(st.permutations([*places, *twice, *(f"{place} again" for place in twice)]))
    return Story(history=history, arrivals=tuple(arrivals), at_once=draw(st.sampled_from([1, 3, 100])))


def hooks_of(history: Iterable[Run], tell: Tell) -> list[Hook]:
    """One after the other, in the order of the runs."""
    return [hook for run in sorted(history, key=lambda run: (run.pipeline, run.minute)) for hook in tell(run)]


def arriving(story: Story, hooks: Sequence[Hook]) -> list[list[Hook]]:
    arrived = [_arrival(hooks, arrival) for arrival in story.arrivals]
    return [arrived[at : at + story.at_once] for at in range(0, len(arrived), story.at_once)]


def _arrival(hooks: Sequence[Hook], arrival: str) -> Hook:
    """Said again under another event id, it is no redelivery to the accepting side."""
    hook = _of_project(hooks[int(arrival.split(maxsplit=1)[0])], "-twin")
    return {**hook, "id": f"{hook['id']} again"} if "again" in arrival and "id" in hook else hook


def _of_project(hook: Hook, name: str) -> Hook:
    if "payload" in hook:
        build = hook["payload"]
        renamed = {"vcs_url": f"{build['vcs_url']}{name}", "reponame": f"{build['reponame']}{name}"}
        return {"payload": {**build, **renamed}}
    project = {**hook["project"], "slug": f"{hook['project']['slug']}{name}"}
    return {**hook, "id": f"{hook['id']}{name}", "project": project}


def without(name: str, played: Played) -> object:
    """The states, named as if the twin were the other."""
    return {key.replace(f"{name} |", " |"): state for key, state in played.states.items()}


def check(store: Store, relay: Relay, story: Story, tell: Tell) -> Played:
    """What came of the history as it happened."""
    hooks = hooks_of(story.history, tell)

    first, second = play(store, relay, [hooks]), play(store, relay, arriving(story, hooks))

    assert without("-twin", second) == first.states
    check_well_spoken(first)
    check_well_spoken(second)
    return first


def check_well_spoken(played: Played) -> None:
    """Each word follows from the one before, and each run is told of once."""
    for changes in played.told().values():
        check_follow(changes)
    told = Counter(
        (plan.state_key, plan.event.correlation)
        for plan in played.plans
        if plan.event.change is not Change.NONE
    )
    assert not [run for run, times in told.items() if times > 1]


def either(run: Run) -> list[Hook]:
    """Told by the modern webhook of a job, by the classic one, or by both: as its number has it."""
    told = {0: by_job(run), 1: by_build(run), 2: [*by_job(run), *by_build(run)]}
    return told[run.number % 3]


def both(run: Run) -> list[Hook]:
    return [*by_job(run), *by_build(run)]


def check_told_as_it_stands(played: Played) -> None:
    for key, changes in played.told().items():
        assert RED_AFTER[changes[-1]] is is_red(in_order(played.histories[key]))


@some
@given(story=stories(by_workflow))
def test_any_order_of_workflows_ends_in_one_state_and_tells_nothing_twice(
    lite: Store, relay: Relay, story: Story
) -> None:
    check_told_as_it_stands(check(lite, relay, story, by_workflow))


@some
@given(story=stories(both))
def test_any_order_of_classic_and_modern_webhooks_ends_in_one_state_and_tells_nothing_twice(
    lite: Store, relay: Relay, story: Story
) -> None:
    check_told_as_it_stands(check(lite, relay, story, both))


@some
@given(story=stories(either))
def test_runs_told_by_this_or_that_kind_of_webhook_end_in_one_state_and_are_not_told_twice(
    lite: Store, relay: Relay, story: Story
) -> None:
    check(lite, relay, story, either)


@few
@given(data=st.data(), tell=st.sampled_from([by_workflow, both, either]))
def test_all_of_it_holds_on_postgresql(post: Store, relay: Relay, data: st.DataObject, tell: Tell) -> None:
    check(post, relay, data.draw(stories(tell)), tell)
