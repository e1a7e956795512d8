"""`relay lint`: rules that do nothing, on either database."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay import wiring
from relay.cli.linting import look_through
from relay.cli.seen import Seen
from tests.cli.desk import Desk
from tests.factories import NOON, ping, workflow_completed

CONFIG = """\
version: 1
store: "${DATABASE_URL}"
defaults: { timezone: Europe/Paris }
people:
  alice: { emails: [alice@example.com] }
notifiers:
  console: { type: console }
routes:
  - name: trunk
    match: { branch: [main, "release/*", "!legacy"] }
    notify: console
    routes:
      - { name: trunk-red, match: { status: failed } }
      - { name: trunk-green, match: { status: success } }
      - { name: trunk-fixed, match: { change: fixed, project.name: api } }
  - name: breaks
    when: "status + 1"
    notify: console
  - name: first
    match: { project.org: acme }
    notify: console
    stop: true
  - name: second
    match: { trigger: push }
    notify: console
    routes: [{ name: second-child, match: { tag: "v*" } }]
  - name: third
    match: { project.org: acme, tag: "*" }
    notify: console
"""
BOB = {"name": "Bob Baker", "email": "Bob@Example.com"}
QUIET = """\
version: 1
notifiers: { console: { type: console } }
routes: [{ name: all, match: { branch: "*" }, notify: console }]
"""


def by(author: dict[str, str], number: int, **fields: Any) -> dict[str, Any]:
    """A workflow of its own commit."""
    hook = workflow_completed(number=number, **fields)
    hook["pipeline"]["vcs"]["commit"]["author"] = author
    hook["pipeline"]["vcs"]["revision"] = f"{number:040d}"
    return hook


@pytest.fixture
def seen(desk: Desk, database_url: str) -> Desk:
    """Three commits of bob, the last of which failed, and a ping, planned with other rules."""
    desk.url = desk.environ["DATABASE_URL"] = database_url
    desk.write(QUIET.replace("version: 1", 'version: 1\nstore: "${DATABASE_URL}"'))
    desk.arrive(by(BOB, 7801), by(BOB, 7802), ping(), at=NOON - timedelta(days=7))
    desk.arrive(by(BOB, 7803, status="failed"))
    desk.work()
    desk.write(CONFIG)
    return desk


def without_ids(text: str) -> str:
    return re.sub(r"nearest, [0-9a-z]{8}", "nearest, EVENT-ID", text)


def test_everything_that_does_nothing_is_told(seen: Desk) -> None:
    result = seen.run("lint")

    assert (
        without_ids(result.output)
        == """\
3 events looked at (2026-11-16 .. 2026-11-23), 9 routes

routes that cannot fire
  third            first matches whenever it would, and ends the list before it

routes that never fired
  trunk-fixed      0 of 3 events; the nearest, EVENT-ID: change = broke, wanted fixed

routes that were always stopped
  second           3 of 3 events would have matched: stopped by first

routes whose children always spoke for them
  trunk            3 of 3 events matched, each taken by its children

conditions that broke down
  breaks           3 of 3 events: when "status + 1": can only concatenate str (not "int") to str

patterns that never matched
  trunk            branch release/*: matched none of 3 that have the field
  trunk            branch !legacy: excluded none of 3 that have the field
  second-child     tag v*: the field was missing in all 3 events
  third            tag *: the field was missing in all 3 events

authors who are not under people
  bob@example.com  Bob Baker, 3 commits in 3 events

10 findings
"""
    )
    assert result.exit_code == 1


def test_a_time_narrows_what_is_looked_at(seen: Desk) -> None:
    result = seen.run("lint", "--since", "2026-11-20")

    assert result.output.startswith("1 event looked at (2026-11-23 .. 2026-11-23), 9 routes\n")
    assert "authors who" not in result.output


def test_the_newest_events_are_looked_at_up_to_the_limit(seen: Desk) -> None:
    found = seen.json("lint", "--limit", "1")

    assert (found["events"], found["from"], found["to"]) == (
        1,
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00:00Z",
    )


def test_scripts_get_the_same_as_json(seen: Desk) -> None:
    found = seen.json("lint")

    assert (found["events"], found["routes"], found["history"]) == (3, 9, "read")
    assert found["from"] == "2026-11-16T12:00:00Z"
    assert found["findings"][2] == {
        "kind": "always_stopped",
        "subject": "second",
        "problem": "3 of 3 events would have matched: stopped by first",
        "count": 3,
    }


def test_events_are_read_by_pages_and_progress_is_told(seen: Desk) -> None:
    relay = wiring.build(wiring.load_config("relay.yaml", seen.environ))
    read: list[int] = []
    with seen.store() as store:
        tally = Seen(relay)
        look_through(store, tally, None, 100, read.append, page=3)

    assert read == [3, 4]
    assert tally.events == 3  # the fourth is the ping


def test_reading_ends_where_the_time_begins(seen: Desk) -> None:
    relay = wiring.build(wiring.load_config("relay.yaml", seen.environ))
    read: list[int] = []
    with seen.store() as store:
        look_through(store, Seen(relay), NOON - timedelta(days=1), 100, read.append, page=1)

    assert read == [1]


def test_progress_is_shown_on_a_terminal(desk: Desk) -> None:
    desk.write(QUIET)
    desk.arrive(workflow_completed())
    desk.work()
    ours, terminal = os.openpty()
    try:
        command = [sys.executable, "-m", "relay", "lint"]
        done = subprocess.run(command, cwd=desk.folder, stderr=terminal, stdout=subprocess.PIPE, check=True)
        shown = os.read(ours, 1000)
    finally:
        os.close(ours)
        os.close(terminal)

    assert shown == b"\r1 event read\r\n"
    assert done.stdout.startswith(b"1 event looked at (2026-11-23 .. 2026-11-23), 1 route\n")


def test_nothing_found_is_said(desk: Desk) -> None:
    desk.write(QUIET)
    desk.arrive(workflow_completed())
    desk.work()

    result = desk.run("lint")

    assert result.output == "1 event looked at (2026-11-23 .. 2026-11-23), 1 route\n\nnothing was found\n"
    assert result.exit_code == 0


def test_without_a_database_the_configuration_alone_is_looked_at(desk: Desk) -> None:
    desk.write(CONFIG.replace("${DATABASE_URL}", "sqlite:///relay.db"))

    result = desk.run("lint")

    assert (
        result.output
        == """\
no events looked at (no history yet), 9 routes

routes that cannot fire
  third  first matches whenever it would, and ends the list before it

1 finding
"""
    )
    assert result.exit_code == 1
    assert not desk.database.exists()


def test_a_period_without_events_is_said(desk: Desk) -> None:
    desk.write(QUIET)
    desk.arrive(workflow_completed())
    desk.work()

    result = desk.run("lint", "--since", "2026-11-24")

    assert result.output.startswith("no events looked at (there are none in this time), 1 route\n")


def test_since_takes_how_far_back(desk: Desk) -> None:
    desk.write(QUIET)
    desk.arrive(workflow_completed(), at=datetime.now(UTC) - timedelta(hours=2))
    desk.work()

    assert desk.json("lint", "--since", "3h")["events"] == 1
    assert desk.json("lint", "--since", "1h")["events"] == 0


@pytest.mark.parametrize("text", ["7", "yesterday", "-3d", ""])
def test_a_time_that_is_none_is_refused(desk: Desk, text: str) -> None:
    result = desk.run("lint", "--since", text)

    assert result.stderr == f'--since: "{text}" is no time; write 7d, 12h or 2026-11-16\n'
    assert result.exit_code == 2


DEAD = {
    "a list that has ended": (
        "[{ name: a, stop: true }, { name: b, match: { branch: main } }]",
        ["b: a matches whenever it would, and ends the list before it"],
    ),
    "a branch and a tag": (
        '[{ name: a, match: { branch: main }, routes: [{ name: b, match: { tag: "v*" } }] }]',
        ["b: it wants a branch and a tag, and no build has both"],
    ),
    "words that differ": (
        "[{ name: a, match: { change: [broke, fixed] }, routes: [{ name: b, match: { change: none } }] }]",
        ["b: change cannot match [broke, fixed] and none"],
    ),
    "a word that is excluded": (
        '[{ name: a, match: { branch: ["*", "!main"] }, routes: [{ name: b, match: { branch: main } }] }]',
        ["b: branch cannot match [*, !main] and main"],
    ),
    "a word that a pattern takes": (
        '[{ name: a, match: { branch: "ma*" }, routes: [{ name: b, match: { branch: main } }] }]',
        [],
    ),
    "a stop with a condition of its own": (
        '[{ name: a, when: "fork", stop: true }, { name: b, match: { branch: main } }]',
        [],
    ),
    "two names in a list": (
        "[{ name: a, match: { failed_steps.name: x },"
        " routes: [{ name: b, match: { failed_steps.name: y } }] }]",
        [],
    ),
    "what is below a dead route": (
        "[{ name: a, stop: true }, { name: b, routes: [{ name: c, match: { branch: x, tag: y } }] }]",
        ["b: a matches whenever it would, and ends the list before it"],
    ),
}


@pytest.mark.parametrize(("routes", "told"), DEAD.values(), ids=DEAD)
def test_only_what_is_certain_is_said_of_a_configuration(desk: Desk, routes: str, told: list[str]) -> None:
    routes = f"[{{ name: top, notify: console, routes: {routes} }}]"
    desk.write(f"version: 1\nnotifiers: {{ console: {{ type: console }} }}\nroutes: {routes}\n")

    found = desk.json("lint")["findings"]

    assert [f"{each['subject']}: {each['problem']}" for each in found] == told
