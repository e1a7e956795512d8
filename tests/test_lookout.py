"""The relay's troubles as events of its own, on both databases."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.config import load_text
from relay.errors import ConfigError
from relay.lookout import EVERY_S, PAUSE_S, Lookout, look_once
from relay.model import DeliveryState, EventKind, Generation
from relay.pipeline import Relay
from relay.refusals import refused, tell_refused
from relay.store import Store
from relay.troubles import PROJECTS
from tests.factories import MINUTE, NOON, make_event, make_project, workflow_completed
from tests.fakes.sink import Play, Sink
from tests.fakes.stage import stage
from tests.own_events import finished, id_of, record, texts, told
from tests.relays import accept, make_relay, until, working
from tests.store.parts import claim, done, failed, finish, make_delivery, make_planned, owe

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FILE = """\
version: 1
circleci: { token: "a-token-of-nobody" }
notifiers:
  chat: { type: console }
  ops: { type: webhook, url: "https://ops.example.com/x" }
routes:
  - { match: { event: relay }, notify: [chat, ops] }
"""
TWO_SINKS = """\
version: 1
notifiers:
  gone: {{ type: discord, url: "{gone}/api/webhooks/1/x", allow_private: true }}
  sink: {{ type: webhook, url: "{sink}/x", allow_private: true }}
routes:
  - {{ match: {{ event: workflow }}, notify: gone }}
  - {{ match: {{ event: relay, notes.what: notifier_disabled }}, notify: [gone, sink] }}
"""
RETRY = """\
  - match: { event: workflow, status: failed }
    act: again
"""


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    return make_relay(tmp_path, FILE)


def shut(store: Store, relay: Relay, at: datetime = NOON, **overrides: object) -> None:
    """A delivery to ops ends with an answer that says nothing gets through there."""
    destination = relay.notifiers["ops"].destination()
    owe(store, make_delivery(target="ops", destination=destination), now=at, **overrides)
    (held,) = claim(store, at)
    finish(store, failed(held, is_dead=True, error="HTTP 410: gone", started_at=at, ended_at=at))


def mend(store: Store, relay: Relay, at: datetime) -> None:
    owe(store, make_delivery(target="ops", destination=relay.notifiers["ops"].destination()), now=at)
    (held,) = claim(store, at)
    finish(store, done(held, started_at=at, ended_at=at))


def of_kind(store: Store, what: str) -> list[str]:
    return [str(event.notes["text"]) for event in told(store) if event.notes["what"] == what]


def test_a_disabled_notifier_is_told_once_however_often_it_is_tried_again(store: Store, relay: Relay) -> None:
    shut(store, relay)
    look_once(store, relay, NOON + MINUTE)
    shut(store, relay, NOON + HOUR)
    look_once(store, relay, NOON + HOUR + MINUTE)

    assert of_kind(store, "notifier_disabled") == ["disabled the notifier ops: HTTP 410: gone"]


def test_a_disabled_notifier_is_not_the_one_that_tells_it(store: Store, relay: Relay) -> None:
    shut(store, relay)

    look_once(store, relay, NOON + MINUTE)

    assert {tuple(event.notes["avoid"]) for event in told(store)} == {(relay.notifiers["ops"].destination(),)}


def test_a_notifier_that_is_disabled_again_is_told_again(store: Store, relay: Relay) -> None:
    shut(store, relay)
    look_once(store, relay, NOON + MINUTE)
    mend(store, relay, NOON + 2 * MINUTE)
    look_once(store, relay, NOON + 3 * MINUTE)
    shut(store, relay, NOON + 4 * MINUTE)
    look_once(store, relay, NOON + 5 * MINUTE)

    assert len(of_kind(store, "notifier_disabled")) == 2


def test_of_many_workers_one_tells_it(store: Store, relay: Relay, database_url: str) -> None:
    shut(store, relay)

    with Store.open(database_url) as other:
        look_once(store, relay, NOON + MINUTE)
        look_once(other, relay, NOON + MINUTE)

    assert len(of_kind(store, "notifier_disabled")) == 1
    assert len(of_kind(store, "dead_deliveries")) == 1


def die(store: Store, at: datetime, count: int = 1) -> None:
    owe(store, *(make_delivery(target="ops", destination="ops") for _ in range(count)), now=at)
    held = claim(store, at)
    finish(store, *(failed(each, error="HTTP 400: no", started_at=at, ended_at=at) for each in held))


def test_dead_deliveries_are_counted_and_told_once_an_hour(store: Store, relay: Relay) -> None:
    die(store, NOON, 2)
    look_once(store, relay, NOON + MINUTE)
    die(store, NOON + 2 * MINUTE)
    die(store, NOON + 50 * MINUTE)
    for minutes in (3, 30, 55, 62, 63, 100):
        look_once(store, relay, NOON + minutes * MINUTE)

    assert of_kind(store, "dead_deliveries") == [
        "gave up on 2 deliveries to ops: HTTP 400: no",
        "gave up on 2 deliveries to ops: HTTP 400: no",
    ]


def test_what_died_long_before_anybody_looked_is_not_told(store: Store, relay: Relay) -> None:
    die(store, NOON)

    look_once(store, relay, NOON + 2 * HOUR)

    assert texts(store) == []


def test_dead_deliveries_of_our_own_events_make_no_events(store: Store, relay: Relay) -> None:
    die(store, NOON)
    look_once(store, relay, NOON + MINUTE)
    with store.turn() as turn:
        (held,) = turn.claim_plans(NOON + MINUTE, "worker-one", 60, 10)
        event = make_event(id=held.ref, kind=EventKind.RELAY, generation=Generation.OURS)
        turn.record_plan(
            held, make_planned(held.ref, make_delivery(target="chat"), event=event), NOON + MINUTE
        )
    (held,) = claim(store, NOON + MINUTE)
    at = NOON + 2 * MINUTE
    finish(store, failed(held, started_at=at, ended_at=at))

    look_once(store, relay, NOON + 4 * MINUTE)

    assert len(texts(store)) == 1


def test_a_rejected_token_is_told_once_a_day(store: Store, relay: Relay) -> None:
    for hours in (0, 1, 23, 25):
        relay.rejections.note()
        look_once(store, relay, NOON + hours * HOUR)

    assert (
        of_kind(store, "token_rejected")
        == ["was refused by CircleCI: the token of `circleci.token` is not accepted (401)"] * 2
    )


def test_a_token_that_nobody_rejected_is_not_told(store: Store, relay: Relay) -> None:
    look_once(store, relay, NOON)

    assert texts(store) == []


MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WEEKDAYS = [MONDAY - day * DAY for day in range(21) if (MONDAY - day * DAY).weekday() < 5]


def test_a_project_that_went_silent_is_told_once(store: Store, relay: Relay) -> None:
    finished(store, *WEEKDAYS, project=make_project(slug="gh/acme/api"))

    look_once(store, relay, MONDAY + 5 * DAY)
    before = texts(store)
    look_once(store, relay, MONDAY + 7 * DAY)
    look_once(store, relay, MONDAY + 8 * DAY)

    assert before == []
    assert texts(store) == ["has not heard of gh/acme/api for 7d; it was never quiet for longer than 3d"]


def test_our_own_events_about_a_project_do_not_break_its_silence(store: Store, relay: Relay) -> None:
    finished(store, *WEEKDAYS)
    finished(store, MONDAY + 5 * DAY, kind=EventKind.RELAY, generation=Generation.OURS)

    look_once(store, relay, MONDAY + 7 * DAY)

    assert len(texts(store)) == 1


def test_a_project_that_never_was_regular_may_be_silent(store: Store, relay: Relay) -> None:
    finished(store, *WEEKDAYS[:4])

    look_once(store, relay, MONDAY + 20 * DAY)

    assert texts(store) == []


def test_many_projects_are_looked_at_in_steps(store: Store, relay: Relay) -> None:
    slugs = [f"gh/acme/p{number:02}" for number in range(PROJECTS + 2)]
    record(
        store,
        [
            make_event(id=id_of(at), received_at=at, project=make_project(slug=slug))
            for slug in slugs
            for at in WEEKDAYS
        ],
    )

    look_once(store, relay, MONDAY + 7 * DAY)

    assert len(texts(store)) == len(slugs)


def config_error() -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_text("version: 2\nnotfiers: {}\n", "etc/relay.yaml", {}, {}, {})
    return caught.value


def test_a_refused_configuration_is_told_with_its_faults(store: Store, relay: Relay) -> None:
    tell_refused(store, relay.config, config_error())

    (event,) = told(store)
    assert event.notes["text"].startswith("refused relay.yaml, the old configuration stays: etc/relay.yaml:")
    assert event.notes["text"].endswith(" more)")
    assert "notfiers" in event.notes["faults"]


def test_the_same_faults_within_the_hour_are_told_once(relay: Relay) -> None:
    keys = {refused(relay.config, config_error(), at).key for at in (NOON, NOON + MINUTE, NOON + HOUR)}

    assert len(keys) == 2


def test_a_round_goes_on_in_steps_and_comes_again_in_a_minute(store: Store, relay: Relay) -> None:
    lookout = Lookout(store, 0.0, first_s=0.0)

    lookout.go_on(relay, lambda: NOON, 0.0)
    first = lookout.wait_s(0.0)
    while lookout.wait_s(0.0) < 1:
        lookout.go_on(relay, lambda: NOON, lookout.wait_s(0.0))

    assert first == PAUSE_S
    assert lookout.wait_s(0.0) == EVERY_S


def test_a_database_that_is_away_is_looked_at_again_in_a_minute(relay: Relay, tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/nowhere/relay.db") as store:
        lookout = Lookout(store, 0.0, first_s=0.0)

        lookout.go_on(relay, lambda: NOON, 0.0)

        assert lookout.wait_s(0.0) == EVERY_S


def test_a_dead_notifier_is_told_through_another(store: Store, tmp_path: Path) -> None:
    with Sink(default=Play(status=410)) as gone, Sink() as sink:
        relay = make_relay(tmp_path, TWO_SINKS.format(gone=gone.url, sink=sink.url))
        with working(store, relay):
            accept(store, workflow_completed())
            until(lambda: store.signs.dead_places())
            look_once(store, relay, store.now())
            until(lambda: sink.requests)

    (heard,) = sink.requests
    data = heard.json()["data"]
    assert data["message"]["title"].startswith("🔴 relay disabled the notifier gone: HTTP 410")
    assert data["events"][0]["event"] == "relay"
    assert data["events"][0]["notes"]["what"] == "notifier_disabled"
    assert len(gone.requests) == 1


def test_a_worker_looks_out_by_itself(store: Store, tmp_path: Path) -> None:
    text = FILE + "watch: { nightly: { project: gh/acme/api, every: 1d } }\n"
    lookout = Lookout(store, time.monotonic(), first_s=0.0)

    with working(store, make_relay(tmp_path, text), lookout=lookout):
        until(lambda: store.signs.marks("watch"))


def test_an_action_that_meets_a_rejected_token_makes_it_known(store: Store, tmp_path: Path) -> None:
    with stage(store, tmp_path) as scene:
        relay = scene.relay(RETRY, token="revoked")
        with working(store, relay):
            scene.post(scene.completed(scene.failed_workflow()))
            until(lambda: [row for row in store.deliveries() if row.state is DeliveryState.DEAD])

        look_once(store, relay, store.now())

    assert of_kind(store, "token_rejected") != []
