"""Watched runs, from stored events to the relay's own, on both databases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.lookout import look_once
from relay.model import EventKind, Job, Status, Workflow
from relay.pipeline import Relay
from relay.store import Store
from tests.own_events import finished, texts, told
from tests.relays import make_relay
from tests.store.parts import accept_one

FILE = """\
version: 1
defaults: {{ timezone: Europe/Paris }}
notifiers: {{ console: {{ type: console }} }}
watch:
  nightly: {{ project: gh/acme/api, branch: main, workflow: nightly, {when} }}
routes: [{{ match: {{ event: relay }}, notify: console }}]
"""
BY = 'by: "03:30", late_after: 30m'
EVENING = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
MISSING = "misses nightly: nightly on main of gh/acme/api has not finished by Mon 2026-11-23 03:30 CET"


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    return make_relay(tmp_path, FILE.format(when=BY))


def test_a_missing_run_is_told_once(store: Store, relay: Relay) -> None:
    for hours in (0, 6, 7, 8, 9, 12):
        look_once(store, relay, EVENING + hours * HOUR)

    assert texts(store) == [MISSING]


def test_the_event_can_be_matched_by_project_branch_and_watch(store: Store, relay: Relay) -> None:
    look_once(store, relay, EVENING)
    look_once(store, relay, DUE + HOUR)

    (event,) = told(store)
    assert (event.project.slug, event.branch, event.workflow.name) == ("gh/acme/api", "main", "nightly")
    assert (event.notes["what"], event.notes["level"], event.notes["about"]) == (
        "run_missing",
        "bad",
        "nightly",
    )


def test_a_run_in_time_is_not_told(store: Store, relay: Relay) -> None:
    look_once(store, relay, EVENING)
    finished(store, DUE)

    look_once(store, relay, DUE + HOUR)

    assert texts(store) == []


def test_a_run_that_failed_has_finished(store: Store, relay: Relay) -> None:
    look_once(store, relay, EVENING)
    finished(store, DUE, status=Status.FAILED)

    look_once(store, relay, DUE + HOUR)

    assert texts(store) == []


@pytest.mark.parametrize(
    "overrides",
    [
        {"branch": "fix-login"},
        {"workflow": Workflow(name="build")},
        {"status": Status.CANCELED},
    ],
    ids=["branch", "workflow", "canceled"],
)
def test_another_run_does_not_count(store: Store, relay: Relay, overrides: dict[str, object]) -> None:
    look_once(store, relay, EVENING)
    finished(store, DUE, **overrides)

    look_once(store, relay, DUE + HOUR)

    assert texts(store) == [MISSING]


def test_a_run_that_comes_after_all_is_told_once(store: Store, relay: Relay) -> None:
    look_once(store, relay, EVENING)
    look_once(store, relay, DUE + HOUR)
    finished(store, DUE + 2 * HOUR, DUE + 4 * HOUR, status=Status.SUCCESS)

    look_once(store, relay, DUE + 5 * HOUR)
    look_once(store, relay, DUE + 6 * HOUR)

    assert texts(store) == [
        MISSING,
        "has nightly after all: nightly on main of gh/acme/api passed at Mon 2026-11-23 05:30 CET, 2h late",
    ]


def test_the_next_night_is_watched_again(store: Store, relay: Relay) -> None:
    for days in (0, 1, 2):
        look_once(store, relay, EVENING + days * DAY)

    assert len(texts(store)) == 2


def test_a_watch_that_is_new_does_not_look_back(store: Store, relay: Relay) -> None:
    look_once(store, relay, DUE + HOUR)
    look_once(store, relay, DUE + 2 * HOUR)

    assert texts(store) == []


def test_of_many_workers_one_tells_it(store: Store, relay: Relay, database_url: str) -> None:
    look_once(store, relay, EVENING)
    with Store.open(database_url) as other:
        look_once(other, relay, DUE + HOUR)
        look_once(store, relay, DUE + HOUR)

    assert texts(store) == [MISSING]


def test_nothing_is_missed_while_what_came_waits_to_be_planned(store: Store, relay: Relay) -> None:
    look_once(store, relay, EVENING)
    accept_one(store, id="00000000000000000000000000")

    look_once(store, relay, DUE + HOUR)

    assert texts(store) == []


def test_a_rhythm_alarms_once_until_it_goes_on(store: Store, tmp_path: Path) -> None:
    relay = make_relay(tmp_path, FILE.format(when="every: 6h, late_after: 1h"))
    look_once(store, relay, EVENING - HOUR)
    finished(store, EVENING)

    for hours in (1, 6, 8, 20, 90):
        look_once(store, relay, EVENING + hours * HOUR)
    finished(store, EVENING + 91 * HOUR, status=Status.SUCCESS)
    look_once(store, relay, EVENING + 92 * HOUR)

    assert texts(store) == [
        "misses nightly: nightly on main of gh/acme/api has not finished by Mon 2026-11-23 03:00 CET",
        "has nightly after all: nightly on main of gh/acme/api passed at Thu 2026-11-26 16:00 CET,"
        " 3d 13h late",
    ]


def test_a_rhythm_without_any_run_counts_from_when_it_was_first_watched(store: Store, tmp_path: Path) -> None:
    relay = make_relay(tmp_path, FILE.format(when="every: 6h, late_after: 1h"))

    for hours in (0, 6, 8, 30, 60):
        look_once(store, relay, EVENING + hours * HOUR)

    assert len(texts(store)) == 1


def test_usual_times_are_learned_from_stored_events(store: Store, tmp_path: Path) -> None:
    relay = make_relay(tmp_path, FILE.format(when="usual: true, late_after: 1h"))
    finished(store, *(DUE - day * DAY + timedelta(minutes=day) for day in range(1, 29)))

    look_once(store, relay, EVENING)
    look_once(store, relay, DUE + 30 * timedelta(minutes=1))
    before = texts(store)
    look_once(store, relay, DUE + 2 * HOUR)
    look_once(store, relay, DUE + 3 * HOUR)

    assert before == []
    assert texts(store) == [
        "misses nightly: nightly on main of gh/acme/api has not finished by Mon 2026-11-23 03:58 CET"
    ]


def test_without_a_habit_nothing_is_usual(store: Store, tmp_path: Path) -> None:
    relay = make_relay(tmp_path, FILE.format(when="usual: true"))
    finished(store, DUE - DAY, DUE - 2 * DAY)

    look_once(store, relay, EVENING)
    look_once(store, relay, DUE + 5 * HOUR)

    assert texts(store) == []


def test_a_run_of_the_next_night_is_not_the_one_that_was_missed(store: Store, relay: Relay) -> None:
    look_once(store, relay, EVENING)
    look_once(store, relay, DUE + HOUR)
    finished(store, DUE + DAY)

    look_once(store, relay, DUE + DAY + HOUR)

    assert texts(store) == [MISSING]


def test_a_change_of_the_watch_begins_it_anew(store: Store, relay: Relay, tmp_path: Path) -> None:
    look_once(store, relay, EVENING)
    earlier = make_relay(tmp_path, FILE.format(when='by: "02:00"'))

    look_once(store, earlier, DUE)
    look_once(store, earlier, DUE + HOUR)

    assert texts(store) == []


def test_a_clock_that_is_set_back_repeats_no_alarm(store: Store, relay: Relay) -> None:
    look_once(store, relay, EVENING)
    for hours in (1, -3, 2):
        look_once(store, relay, DUE + hours * HOUR)

    assert texts(store) == [MISSING]


def test_a_job_can_be_watched(store: Store, tmp_path: Path) -> None:
    text = FILE.replace("workflow: nightly", "job: e2e").format(when=BY)
    relay = make_relay(tmp_path, text)
    look_once(store, relay, EVENING)
    finished(store, DUE, kind=EventKind.JOB, job=Job(name="e2e"))
    look_once(store, relay, DUE + HOUR)
    finished(store, DUE + DAY, kind=EventKind.WORKFLOW, job=Job(name="e2e"))
    look_once(store, relay, DUE + DAY + HOUR)

    assert texts(store) == [
        "misses nightly: e2e on main of gh/acme/api has not finished by Tue 2026-11-24 03:30 CET"
    ]


def test_marks_of_watches_that_are_gone_are_forgotten_and_those_of_others_stay(
    store: Store, relay: Relay, tmp_path: Path
) -> None:
    look_once(store, relay, EVENING)
    other = make_relay(tmp_path / "other", FILE.format(when="every: 6h"))
    look_once(store, other, EVENING)

    look_once(store, other, EVENING + 89 * DAY)
    assert len(store.signs.marks("watch")) == 2

    look_once(store, other, EVENING + 91 * DAY)
    (mark,) = store.signs.marks("watch").values()
    assert mark.text
    assert len(texts(store)) == 1
