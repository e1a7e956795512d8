"""Another configuration tried on the past: what it would have sent, and why that is more or less."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.backtest import Became, Change, Comparison, Span, compare
from relay.model import AttemptOutcome
from relay.store import Store
from tests.backtest.engine import Answer, Engine
from tests.factories import MINUTE, NOON, stamp, workflow_completed
from tests.relays import make_relay

HEAD = """\
version: 1
notifiers:
  one: { type: webhook, url: "http://127.0.0.1:1/one", allow_private: true }
  two: { type: webhook, url: "http://127.0.0.1:1/two", allow_private: true }
routes:
"""
ALL = "  - { name: all, notify: one }\n"
FAILED = "  - { name: bad, match: { status: failed }, notify: one }\n"


@pytest.fixture
def store(sqlite_url: str) -> Any:
    with Store.open(sqlite_url) as store:
        yield store


def play(store: Store, folder: Path, text: str, statuses: str, minutes: int = 10, **options: Any) -> datetime:
    """A result of the branch every so many minutes, `f` failed and `s` succeeded; when all is done."""
    engine = Engine(store=store, relay=make_relay(folder / "old", HEAD + text), **options)
    now = NOON
    for number, letter in enumerate(statuses, 1):
        status = "failed" if letter == "f" else "success"
        hook = workflow_completed(number=number, status=status, finished_at=now)
        hook["workflow"]["created_at"] = stamp(now - MINUTE)
        engine.accept([hook], now)
        engine.until_idle(now)
        now += timedelta(minutes=minutes)
        engine.until_idle(now - timedelta(seconds=5))
    return now


def tried(store: Store, folder: Path, text: str, end: datetime, start: datetime = NOON) -> Comparison:
    relay = make_relay(folder / "new", HEAD + text)
    return compare(store.past, relay, Span(warm=start - timedelta(days=8), start=start, end=end))


def counts(found: Comparison) -> dict[str, tuple[int, int]]:
    return {each.target: (each.before, each.after) for each in found.targets()}


def changes(found: Comparison) -> list[tuple[int, str, str, list[int | None]]]:
    return [_short(change) for each in found.targets() for change in each.changes]


def _short(each: Change) -> tuple[int, str, str, list[int | None]]:
    return each.gain, each.change, each.why, [one.number for one in each.events]


def test_a_throttle_keeps_messages_back(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, FAILED, "sfffff")

    found = tried(store, tmp_path, FAILED.replace(" }\n", ", throttle: 25m }\n"), end)

    assert counts(found) == {"one": (5, 2)}
    assert changes(found) == [(-1, "still_failing", "throttle 25m", [3, 4, 6])]
    assert found.decisions == 3


def test_a_route_that_is_new_sends_more(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, FAILED, "sfsf")

    more = "  - { name: mended, match: { change: fixed }, notify: [one, two] }\n"
    found = tried(store, tmp_path, FAILED + more, end)

    assert counts(found) == {"one": (2, 3), "two": (0, 1)}
    assert changes(found) == [(1, "fixed", "mended", [3]), (1, "fixed", "mended", [3])]


def test_a_route_that_is_gone_sends_less(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, ALL, "sf")

    found = tried(store, tmp_path, FAILED, end)

    assert changes(found) == [(-1, "first_success", "no route", [1])]


def test_a_group_makes_one_message_of_several(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, ALL, "sffs", minutes=1)

    grouped = "  - { name: all, notify: one, group: { by: [branch], wait: 3m, max_wait: 9m } }\n"
    found = tried(store, tmp_path, grouped, end)

    assert counts(found) == {"one": (4, 1)}
    assert sorted(changes(found)) == [
        (-1, "broke", "grouped", [2]),
        (-1, "fixed", "grouped", [4]),
        (-1, "still_failing", "grouped", [3]),
        (0, "first_success", "at another time", [1]),
    ]


def test_the_other_way_round_a_group_becomes_several_messages(store: Store, tmp_path: Path) -> None:
    grouped = "  - { name: all, notify: one, group: { by: [branch], wait: 3m, max_wait: 9m } }\n"
    end = play(store, tmp_path, grouped, "sffs", minutes=1)

    found = tried(store, tmp_path, ALL, end)

    assert counts(found) == {"one": (1, 4)}


def test_another_name_of_a_route_is_no_difference(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, ALL, "sfs")

    assert not tried(store, tmp_path, ALL.replace("all", "everything"), end).has_differences


def test_a_message_that_failed_in_truth_takes_up_no_slot(store: Store, tmp_path: Path) -> None:
    answers = iter([Answer(outcome=AttemptOutcome.PERMANENT), Answer(), Answer()])
    end = play(store, tmp_path, ALL, "sff", answer=lambda _: next(answers))

    found = tried(store, tmp_path, ALL.replace(" }\n", ', once_per: "{{ branch }}" }\n'), end)

    assert counts(found) == {"one": (2, 1)}
    assert changes(found) == [(-1, "still_failing", "once_per", [3])]


def test_only_what_was_planned_since_the_start_is_counted(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, ALL, "ssssss")

    found = tried(store, tmp_path, FAILED, end, start=NOON + timedelta(minutes=25))

    assert found.replayed.events == 3
    assert counts(found) == {"one": (3, 0)}


def test_what_was_said_before_the_start_counts_for_a_throttle(store: Store, tmp_path: Path) -> None:
    throttled = FAILED.replace(" }\n", ", throttle: 3h }\n")
    end = play(store, tmp_path, throttled, "sfff")

    found = tried(store, tmp_path, throttled.replace("3h", "15m"), end, start=NOON + timedelta(minutes=15))

    assert changes(found) == [(1, "still_failing", "was throttle 3h", [4])]


def test_the_new_configuration_takes_no_slots_before_the_start(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, ALL, "ssss")

    once = ALL.replace(" }\n", ', once_per: "{{ branch }}" }\n')
    found = tried(store, tmp_path, once, end, start=NOON + timedelta(minutes=15))

    assert changes(found) == [(-1, "still_passing", "once_per", [4])]


def test_a_notifier_in_shadow_is_not_counted(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, ALL.replace(" }\n", ", shadow: true }\n"), "sf")

    found = tried(store, tmp_path, ALL, end)

    assert counts(found) == {"one": (0, 2)}
    assert found.differences[0].before is not None
    assert found.differences[0].before.became is Became.SHADOW


def test_a_condition_that_breaks_down_sends_nothing(store: Store, tmp_path: Path) -> None:
    end = play(store, tmp_path, ALL, "sf")
    told = ALL.replace("notify: one", 'notify: one, when: "notes.missing.field == 1"')

    found = tried(store, tmp_path, told, end)

    assert counts(found) == {"one": (2, 0)}


def test_nothing_is_left_behind(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    end = play(store, tmp_path, ALL, "s")

    def interrupt(read: int) -> None:
        assert list(folder.iterdir())
        raise KeyboardInterrupt

    relay = make_relay(tmp_path / "new", HEAD + ALL)
    with pytest.raises(KeyboardInterrupt):
        compare(store.past, relay, Span(warm=NOON, start=NOON, end=end), interrupt)

    assert not list(folder.iterdir())
