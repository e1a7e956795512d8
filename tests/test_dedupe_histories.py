"""Any order and any duplication of webhooks, in batches of any size: each result is told once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.pipeline import Relay
from relay.store import Store
from tests.histories import Hook, Run, by_job, by_workflow, play, runs
from tests.relays import make_relay

SETTINGS = """\
version: 1
notifiers:
  console: { type: console }
routes:
  - notify: console
"""
some = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example has a project of its own
)
Told = tuple[str, str]


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = make_relay(tmp_path, SETTINGS)
    yield relay
    relay.transport.close()


def hooks_of(run: Run) -> list[Hook]:
    return [*by_workflow(run), *by_job(run)]


def again(hook: Hook) -> Hook:
    """The same result under another event id."""
    return {**hook, "id": f"{hook['id']} again"}


@some
@given(data=st.data())
def test_each_result_is_told_once_whatever_the_batches(
    store: Store, relay: Relay, data: st.DataObject
) -> None:
    history = data.draw(runs())
    hooks = [hook for run in history for hook in hooks_of(run)]
    twice = data.draw(st.lists(st.sampled_from(range(len(hooks))), max_size=4, unique=True))
    arrivals = data.draw(st.permutations([*hooks, *(again(hooks[at]) for at in twice)]))
    at_once = data.draw(st.sampled_from([1, 3, 100]))

    played = play(store, relay, [arrivals[at : at + at_once] for at in range(0, len(arrivals), at_once)])

    told = [
        (plan.event.kind.value, plan.event.workflow.id, plan.event.status.value)
        for plan in played.plans
        for _ in plan.deliveries
    ]
    assert sorted(told) == sorted(
        (kind, run.name, run.status) for run in history for kind in ("workflow", "job")
    )
