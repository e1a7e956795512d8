"""The same result again, in a real worker, on both databases, with messages at a real HTTP server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.model import DeliveryState
from relay.store import Store
from tests.factories import classic_job, job_completed, workflow_completed
from tests.fakes.sink import Play, Sink
from tests.relays import (
    TO_SINK,
    accept,
    all_are,
    deliveries_of,
    make_relay,
    until,
    until_delivered,
    working,
)

FALLBACK = "  spare: {{ type: webhook, url: '{url}/spare', allow_private: true }}\n"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def again(hook: dict[str, Any], word: object = "again") -> dict[str, Any]:
    """The same result under another event id."""
    return {**hook, "id": f"{hook['id']} {word}"}


def storm(count: int) -> list[dict[str, Any]]:
    """What CircleCI sends for one cancelled workflow."""
    return [again(workflow_completed(status="canceled"), at) for at in range(count)]


def quiet_of(store: Store, event_id: str) -> list[tuple[str, str]]:
    detail = store.event(event_id)
    assert detail is not None
    assert detail.decision is not None
    return [(each["control"], each["reason"][:34]) for each in detail.decision["quiet"]]


def until_planned(store: Store) -> None:
    until(lambda: store.counts()["planning"] + store.counts()["ready"] + store.counts()["leased"] == 0)


def test_a_cancelled_workflow_is_told_once(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        ids = accept(store, *storm(5))
        until_planned(store)
        late = accept(store, again(workflow_completed(status="canceled"), "late"))
        until_planned(store)

    assert len(sink.requests) == 1
    assert {tuple(quiet_of(store, id)) for id in ids[1:]} == {
        (("dedupe", "the same result of this run is und"),)
    }
    assert quiet_of(store, late[0]) == [("dedupe", "the same result of this run was to")]


def test_two_workers_tell_a_storm_once(database_url: str, store: Store, sink: Sink, tmp_path: Path) -> None:
    text = TO_SINK.format(url=sink.url)
    accept(store, *storm(100))
    with (
        Store.open(database_url) as other,
        working(other, make_relay(tmp_path / "two", text)),
        working(store, make_relay(tmp_path / "one", text)),
    ):
        until_planned(store)

    assert len(sink.requests) == 1


def test_a_result_under_another_event_id_is_told_once(store: Store, sink: Sink, tmp_path: Path) -> None:
    hook = workflow_completed(status="failed")
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, accept(store, hook))
        (second,) = accept(store, again(hook))
        until_planned(store)

    assert quiet_of(store, second) == [("dedupe", "the same result of this run was to")]
    assert len(sink.requests) == 1


def test_a_job_told_by_both_kinds_of_webhooks_is_told_once(store: Store, sink: Sink, tmp_path: Path) -> None:
    classic = classic_job(build_num=9301, outcome="failed", status="failed")
    modern = job_completed(status="failed", job_number=9301)
    classic["payload"]["workflows"]["workflow_id"] = modern["workflow"]["id"]
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        accept(store, classic, modern)
        until_planned(store)

    assert len(sink.requests) == 1


def test_switched_off_each_is_told(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = TO_SINK.replace("defaults:\n", "defaults:\n  dedupe: 0s\n").format(url=sink.url)
    with working(store, make_relay(tmp_path, text)):
        accept(store, *storm(3))
        until_planned(store)

    assert len(sink.requests) == 3


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_when_the_first_message_fails_for_good_the_repeat_is_sent(
    store: Store, sink: Sink, tmp_path: Path, status: str
) -> None:
    sink.plays.append(Play(status=404))
    hook = workflow_completed(status=status)
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        first = accept(store, hook)
        until(lambda: all_are(store, first, DeliveryState.DEAD))
        store.revive([row.destination for row in deliveries_of(store, first)])
        second = accept(store, again(hook, 2))
        until_delivered(store, second)
        (third,) = accept(store, again(hook, 3))
        until_planned(store)

    assert len(sink.requests) == 2
    assert quiet_of(store, third) == [("dedupe", "the same result of this run was to")]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_what_its_fallback_told_is_not_told_again(
    store: Store, sink: Sink, tmp_path: Path, status: str
) -> None:
    sink.plays.append(Play(status=404))
    text = TO_SINK.replace("allow_private: true }}\n", "allow_private: true, fallback: spare }}\n" + FALLBACK)
    hook = workflow_completed(status=status)
    with working(store, make_relay(tmp_path, text.format(url=sink.url))):
        accept(store, hook)
        until(lambda: len(sink.requests) == 2)
        until_planned(store)
        (second,) = accept(store, again(hook))
        until_planned(store)

    assert quiet_of(store, second) == [("dedupe", "the same result of this run was to")]
    assert len(sink.requests) == 2


def test_jobs_that_share_a_state_with_their_workflow_are_told_each(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    text = TO_SINK.replace("defaults:\n", "defaults:\n  state: {{ key: [project.slug, branch] }}\n")
    jobs = [job_completed(status="failed", job=f"job-{at}", job_number=at) for at in (1, 2)]
    with working(store, make_relay(tmp_path, text.format(url=sink.url))):
        accept(store, *jobs, workflow_completed(status="failed"), *map(again, jobs))
        until_planned(store)

    assert len(sink.requests) == 3


@pytest.mark.parametrize(
    ("match", "messages"),
    [("status: canceled", 4), ("event: workflow, status: canceled", 1)],
    ids=["and each of its jobs", "once"],
)
def test_a_cancelled_workflow_with_three_jobs_is_told(
    store: Store, sink: Sink, tmp_path: Path, match: str, messages: int
) -> None:
    text = TO_SINK.replace("- notify: sink", f"- notify: sink\n    match: {{{{ {match} }}}}")
    jobs = [job_completed(status="canceled", job=f"job-{at}", job_number=at) for at in (1, 2, 3)]
    with working(store, make_relay(tmp_path, text.format(url=sink.url))):
        accept(store, *storm(4), *jobs)
        until_planned(store)

    assert len(sink.requests) == messages
