"""The noise controls in a real worker, on both databases, with messages at a real HTTP server."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.clock import SteadyClock
from relay.model import AttemptOutcome, DeliveryState
from relay.store import DeliveryFilter, Store
from tests.factories import MINUTE, NOON, stamp, uuid_of, workflow_completed
from tests.fakes.sink import Play, Sink
from tests.relays import (
    TO_SINK,
    accept,
    all_are,
    deliveries_of,
    hooks,
    make_relay,
    on_branch,
    until,
    until_delivered,
    working,
)

ONCE = '    once_per: "{{{{ branch }}}}"\n'
ACTING = """\
actions:
  clean: {{ type: http, method: DELETE, url: "{url}/x", allow_private: true }}
routes:
  - {{ act: clean, shadow: true }}
"""
THROTTLE = "    throttle: 1s\n"
LATER = NOON + 10 * MINUTE
WITH_SHADOW = {DeliveryState.SHADOW, DeliveryState.DELIVERED}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def quiet_of(store: Store, event_id: str) -> list[tuple[str, str]]:
    detail = store.event(event_id)
    assert detail is not None
    assert detail.decision is not None
    return [(each["control"], each["reason"]) for each in detail.decision["quiet"]]


def until_planned(store: Store) -> None:
    until(lambda: store.counts()["planning"] == 0)


def test_a_throttled_branch_is_told_once_and_then_how_often_more(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    with working(store, make_relay(tmp_path, (TO_SINK + THROTTLE).format(url=sink.url))):
        until_delivered(store, accept(store, on_branch("main", 1)))
        more = accept(store, *(on_branch("main", number) for number in (2, 3, 4)))
        until_planned(store)
        time.sleep(1.1)
        last = accept(store, on_branch("main", 5))
        until_delivered(store, last)

    assert {tuple(quiet_of(store, id)) for id in more} == {(("throttle", "at most one message in 1s"),)}
    assert len(sink.requests) == 2
    told = sink.requests[1].json()["data"]["message"]["body"].splitlines()[-1]
    assert told.startswith("and 3 more since ")


def test_branches_do_not_throttle_each_other(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, (TO_SINK + THROTTLE).format(url=sink.url))):
        until_delivered(store, accept(store, on_branch("main", 1), on_branch("topic", 2)))

    assert len(sink.requests) == 2


def test_of_many_events_with_one_key_planned_by_two_workers_one_is_told(
    database_url: str, store: Store, sink: Sink, tmp_path: Path
) -> None:
    text = (TO_SINK + ONCE).format(url=sink.url)
    ids = accept(store, *hooks(150))
    with (
        Store.open(database_url) as other,
        working(other, make_relay(tmp_path / "two", text)),
        working(store, make_relay(tmp_path / "one", text)),
    ):
        until_planned(store)
        until(lambda: store.counts()["leased"] + store.counts()["ready"] == 0)

    assert len(sink.requests) == 1
    assert sum(1 for id in ids if quiet_of(store, id)) == 149


def test_a_message_that_failed_for_good_uses_nothing_up(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(Play(status=404))
    with working(store, make_relay(tmp_path, (TO_SINK + ONCE).format(url=sink.url))):
        first = accept(store, on_branch("main", 1))
        until(lambda: all_are(store, first, DeliveryState.DEAD))
        store.revive([row.destination for row in deliveries_of(store, first)])
        second = accept(store, on_branch("main", 2))
        until_delivered(store, second)
        third = accept(store, on_branch("main", 3))
        until_planned(store)

    assert len(sink.requests) == 2
    assert quiet_of(store, third[0]) == [("once_per", "a message with this key was sent before")]


def test_while_a_message_is_tried_again_no_other_goes_in_its_place(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    sink.plays.append(Play(status=503))
    text = (TO_SINK + ONCE).format(url=sink.url).replace("200ms", "1s")
    with working(store, make_relay(tmp_path, text)):
        first = accept(store, on_branch("main", 1))
        until(lambda: sink.requests)
        second = accept(store, on_branch("main", 2))
        until_planned(store)
        until_delivered(store, first)

    assert quiet_of(store, second[0]) == [("once_per", "a message is under way")]
    assert len(sink.requests) == 2


def test_a_throttle_is_remembered_over_a_restart(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = (TO_SINK + THROTTLE.replace("1s", "1h")).format(url=sink.url)
    with working(store, make_relay(tmp_path, text)):
        until_delivered(store, accept(store, on_branch("main", 1)))
    with working(store, make_relay(tmp_path, text)):
        (second,) = accept(store, on_branch("main", 2))
        until_planned(store)

    assert quiet_of(store, second) == [("throttle", "at most one message in 1h")]
    assert len(sink.requests) == 1


def test_a_silence_is_heeded_by_a_running_worker(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url))):
        until_delivered(store, accept(store, workflow_completed(number=1)))
        id = store.add_silence({"branch": ["main"]}, store.now(), store.now().replace(year=2999))
        time.sleep(2.5)  # a worker looks with each beat
        (second,) = accept(store, workflow_completed(number=2))
        until_planned(store)

    assert quiet_of(store, second) == [("silence", id[-8:])]
    assert len(sink.requests) == 1


SHUT = """\
    during: then
    outside: {outside}
schedules: {{ then: {{ days: {day}, from: "09:00", to: "10:00", timezone: UTC }} }}
"""


def shut(sink: Sink, outside: str) -> str:
    """A configuration whose hours begin the day after tomorrow."""
    text = TO_SINK.format(url=sink.url)
    return text + SHUT.format(outside=outside, day=f"{datetime.now(UTC) + timedelta(days=2):%a}".lower())


def test_what_is_held_waits_as_one_message(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, shut(sink, "hold"))):
        ids = accept(store, on_branch("main", 1), on_branch("topic", 2))
        until_planned(store)

    (row,) = {row.id: row for row in deliveries_of(store, ids)}.values()
    assert (row.state, f"{row.due_at:%H:%M}") == (DeliveryState.OPEN, "09:00")
    assert quiet_of(store, ids[0]) == [("during", "outside then: held for a summary")]
    assert sink.requests == []


def test_what_is_dropped_outside_the_hours_makes_no_delivery(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    with working(store, make_relay(tmp_path, shut(sink, "drop"))):
        ids = accept(store, on_branch("main", 1))
        until_planned(store)

    assert deliveries_of(store, ids) == []
    assert quiet_of(store, ids[0]) == [("during", "outside then: dropped")]


def test_what_is_silent_outside_the_hours_goes_out(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, shut(sink, "silent"))):
        ids = accept(store, on_branch("main", 1))
        until_delivered(store, ids)

    assert quiet_of(store, ids[0]) == [("during", "outside then: sent without mentions")]


def test_a_route_in_shadow_does_everything_but_sending_and_takes_nothing_from_others(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    text = TO_SINK.format(url=sink.url)
    shadow = "  - { name: trial, notify: sink, shadow: true, throttle: 1h }\n"
    relay = make_relay(tmp_path, text.replace("  - notify: sink\n", shadow + "  - notify: sink\n"))
    with working(store, relay):
        first = accept(store, on_branch("main", 1))
        until(lambda: {row.state for row in deliveries_of(store, first)} == WITH_SHADOW)
        second = accept(store, on_branch("main", 2))
        until(lambda: all_are(store, second, DeliveryState.DELIVERED))

    titles = {row.route: row.title for row in deliveries_of(store, first)}
    assert titles == {
        "trial": "shadow, not sent: 🟢 api / main passed on main",
        "route-2": "🟢 api / main passed on main",
    }
    assert [request.json()["data"]["reason"]["route"] for request in sink.requests] == ["route-2"] * 2
    assert quiet_of(store, first[0]) == [("shadow", "recorded, and not sent")]
    assert quiet_of(store, second[0]) == [("throttle", "at most one message in 1h")]


def test_a_notifier_in_shadow_is_sent_nothing(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = TO_SINK.format(url=sink.url).replace("allow_private: true", "allow_private: true, shadow: true")
    with working(store, make_relay(tmp_path, text)):
        ids = accept(store, on_branch("main", 1))
        until(lambda: all_are(store, ids, DeliveryState.SHADOW))

    (row,) = deliveries_of(store, ids)
    assert (row.title or "").startswith("shadow, not sent: ")
    assert [row.id for row in store.deliveries(wanted=DeliveryFilter(state=DeliveryState.SHADOW))] == [row.id]
    assert store.deliveries(wanted=DeliveryFilter(state=DeliveryState.DELIVERED)) == ()
    assert [attempt.outcome for attempt in store.attempts(row.id)] == [AttemptOutcome.SHADOW]
    assert sink.requests == []


def test_an_action_in_shadow_is_not_done(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = TO_SINK.format(url=sink.url).replace("routes:\n  - notify: sink", ACTING.format(url=sink.url))
    with working(store, make_relay(tmp_path, text)):
        ids = accept(store, on_branch("main", 1))
        until(lambda: all_are(store, ids, DeliveryState.SHADOW))

    (row,) = deliveries_of(store, ids)
    assert (row.target, row.title) == ("clean", "shadow, not done")
    assert sink.requests == []


def failing(branch: str, number: int) -> dict[str, Any]:
    """The webhook of one workflow that failed on this branch."""
    hook = workflow_completed(number=number, status="failed")
    hook["pipeline"]["vcs"]["branch"] = branch
    return hook


def test_a_branch_is_quiet_while_trunk_fails_the_same_way(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = TO_SINK.format(url=sink.url).replace("defaults:", "defaults:\n  trunk: main")
    with working(store, make_relay(tmp_path, text)):
        until_delivered(store, accept(store, failing("main", 1)))
        (topic,) = accept(store, failing("topic", 2))
        until_planned(store)

    assert [control for control, _ in quiet_of(store, topic)] == ["inhibition"]
    assert quiet_of(store, topic)[0][1].endswith(" (#1)")
    assert len(sink.requests) == 1


def test_trunk_inhibits_what_is_planned_together_with_it(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = TO_SINK.format(url=sink.url).replace("defaults:", "defaults:\n  trunk: main")
    ids = accept(store, failing("main", 1), failing("topic", 2))
    with working(store, make_relay(tmp_path, text)):
        until_planned(store)
        until_delivered(store, ids[:1])

    assert [len(quiet_of(store, id)) for id in ids] == [0, 1]
    assert len(sink.requests) == 1


HOLD = "  - {{ match: {{ change: [first_failure, broke] }}, hold: {length}, notify: sink }}\n"


def holding(sink: Sink, length: str, *more: str) -> str:
    """A configuration whose one route holds failures so long."""
    text = TO_SINK.format(url=sink.url).replace("  - notify: sink\n", "")
    return text + HOLD.format(length=length) + "".join(more)


def rerun_of(hook: dict[str, Any]) -> dict[str, Any]:
    """The webhook of the same pipeline's second attempt, which passed."""
    again = {**hook["workflow"], "id": uuid_of("rerun"), "status": "success", "created_at": stamp(LATER)}
    return {**hook, "id": uuid_of("event", "rerun"), "workflow": again}


def titles_of(store: Store, ids: Sequence[str]) -> list[str | None]:
    return [row.title for row in {row.id: row for row in deliveries_of(store, ids)}.values()]


def test_a_held_failure_goes_out_at_the_end(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, holding(sink, "1s"))):
        ids = accept(store, failing("main", 1))
        until_planned(store)
        assert sink.requests == []
        until_delivered(store, ids)

    assert quiet_of(store, ids[0]) == [("hold", "held for a verdict, at most 1s")]
    assert len(sink.requests) == 1


def test_a_held_failure_that_passes_on_retry_is_not_told(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, holding(sink, "1s"))):
        ids = accept(store, failing("main", 1))
        until_planned(store)
        accept(store, rerun_of(failing("main", 1)))
        until_delivered(store, ids)

    assert sink.requests == []
    assert titles_of(store, ids) == ["nothing was sent: what was held is fixed by now"]


def test_a_fix_ends_the_wait_at_once_and_nothing_is_told(store: Store, sink: Sink, tmp_path: Path) -> None:
    fixed = "  - { match: { change: fixed }, notify: sink }\n"
    with working(store, make_relay(tmp_path, holding(sink, "1h", fixed))):
        ids = accept(store, failing("main", 1))
        until_planned(store)
        ids += accept(store, workflow_completed(number=2))
        until_delivered(store, ids)

    assert sink.requests == []
    assert titles_of(store, ids) == ["nothing was sent: what was held is fixed by now"]


def test_a_second_failure_tells_both_at_once(store: Store, sink: Sink, tmp_path: Path) -> None:
    red = "  - { match: { change: still_failing }, notify: sink }\n"
    with working(store, make_relay(tmp_path, holding(sink, "1h", red))):
        ids = accept(store, failing("main", 1))
        until_planned(store)
        ids += accept(store, failing("main", 2))
        until_delivered(store, ids)

    (request,) = sink.requests
    told = request.json()["data"]
    assert [event["pipeline"]["number"] for event in told["events"]] == [1, 2]
    assert told["reason"]["change"] == "still_failing"


def test_a_held_failure_is_remembered_over_a_restart(store: Store, sink: Sink, tmp_path: Path) -> None:
    text = holding(sink, "2s")
    with working(store, make_relay(tmp_path, text)):
        ids = accept(store, failing("main", 1))
        until_planned(store)
    with working(store, make_relay(tmp_path, text)):
        until_delivered(store, ids)

    assert len(sink.requests) == 1


DIGEST = '    digest: { at: "09:00", timezone: UTC }\n'


def days_ago(days: int, hour: int = 12) -> SteadyClock:
    """A worker's clock that shows this hour of an earlier day."""
    then = (datetime.now(UTC) - timedelta(days=days)).replace(hour=hour)
    late_s = (datetime.now(UTC) - then).total_seconds()
    return SteadyClock(wall=lambda: time.time() - late_s)


def test_a_digest_that_is_overdue_after_an_outage_goes_out_at_once_and_once(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    text = TO_SINK.format(url=sink.url) + DIGEST
    with working(store, make_relay(tmp_path, text), clock=days_ago(4)):
        ids = accept(store, on_branch("main", 1), on_branch("topic", 2))
        until_planned(store)
    assert sink.requests == []

    with working(store, make_relay(tmp_path, text)):
        until(lambda: [row.state for row in deliveries_of(store, ids)] == [DeliveryState.DELIVERED] * 2)
        (later,) = accept(store, on_branch("main", 3))
        until_planned(store)

    (request,) = sink.requests
    data = request.json()["data"]
    assert data["message"]["title"].startswith("🟢 2 results since ")
    assert data["message"]["title"].endswith(" 09:00: 2 passing")
    assert [event["branch"] for event in data["events"]] == ["topic", "main"]
    assert quiet_of(store, later) == [("digest", "gathered for the digest of route-1")]


def test_a_digest_whose_time_has_not_come_waits(store: Store, sink: Sink, tmp_path: Path) -> None:
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%a}".lower()
    digest = f"    digest: {{ days: {tomorrow}, timezone: UTC }}\n"
    with working(store, make_relay(tmp_path, TO_SINK.format(url=sink.url) + digest)):
        (event_id,) = accept(store, on_branch("main", 1))
        until_planned(store)

    (row,) = deliveries_of(store, [event_id])
    assert (row.state, f"{row.due_at:%a %H:%M}".lower()) == (DeliveryState.OPEN, f"{tomorrow} 09:00")
    assert sink.requests == []


def limited(sink: Sink, budget: str) -> str:
    """A configuration whose notifier has this budget."""
    return TO_SINK.format(url=sink.url).replace(
        "allow_private: true }", f"allow_private: true, budget: {budget} }}"
    )


def test_a_budget_holds_with_two_workers_that_plan_at_once(
    database_url: str, store: Store, sink: Sink, tmp_path: Path
) -> None:
    ids = accept(store, *hooks(150))
    with (
        Store.open(database_url) as other,
        working(other, make_relay(tmp_path / "two", limited(sink, "5 per 1h"))),
        working(store, make_relay(tmp_path / "one", limited(sink, "5 per 1h"))),
    ):
        until_planned(store)
        until(lambda: len(sink.requests) >= 5)
        until(lambda: store.counts()["ready"] == 1 and store.counts()["leased"] == 0)

    rows = {row.id: row.state for row in deliveries_of(store, ids)}
    assert sorted(rows.values()) == [DeliveryState.DELIVERED] * 5 + [DeliveryState.OPEN]
    assert sum(1 for id in ids if quiet_of(store, id)) == 145
    assert len(sink.requests) == 5


def test_what_goes_beyond_a_budget_arrives_as_one_message_that_says_so(
    store: Store, sink: Sink, tmp_path: Path
) -> None:
    failed = {**on_branch("main", 3), "workflow": {**on_branch("main", 3)["workflow"], "status": "failed"}}
    with working(store, make_relay(tmp_path, limited(sink, "2 per 2s"))):
        ids = accept(store, on_branch("main", 1), on_branch("a", 2), failed, on_branch("b", 4))
        until(lambda: [row.state for row in deliveries_of(store, ids)] == [DeliveryState.DELIVERED] * 4)

    (*_, request) = sink.requests
    message = request.json()["data"]["message"]
    first, *lines = message["body"].splitlines()
    assert len(sink.requests) == 3
    assert first.startswith("budget of 2 messages in 2 s used up; 2 more since ")
    assert [line.split(" (")[0] for line in lines] == ["🔴 api on main", "🟢 api on b"]
    assert message["level"] == "bad"
    assert quiet_of(store, ids[2]) == [("budget", "budget of 2 messages in 2s used up")]


def test_a_message_that_failed_for_good_costs_nothing(store: Store, sink: Sink, tmp_path: Path) -> None:
    sink.plays.append(Play(status=404))
    with working(store, make_relay(tmp_path, limited(sink, "1 per 1h"))):
        first = accept(store, on_branch("main", 1))
        until(lambda: all_are(store, first, DeliveryState.DEAD))
        store.revive([row.destination for row in deliveries_of(store, first)])
        until_delivered(store, accept(store, on_branch("main", 2)))
        (third,) = accept(store, on_branch("main", 3))
        until_planned(store)

    assert quiet_of(store, third) == [("budget", "budget of 1 message in 1h used up")]


def test_a_budget_is_remembered_over_a_restart(store: Store, sink: Sink, tmp_path: Path) -> None:
    with working(store, make_relay(tmp_path, limited(sink, "1 per 1h"))):
        until_delivered(store, accept(store, on_branch("main", 1)))
    with working(store, make_relay(tmp_path, limited(sink, "1 per 1h"))):
        accept(store, on_branch("main", 2))
        until_planned(store)

    assert len(sink.requests) == 1
