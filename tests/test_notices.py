"""The relay's own events: what is in them, and which routes they reach."""

from pathlib import Path

import pytest

from relay import pipeline
from relay.model import Event, EventKind, Generation, Level
from relay.notices import Notice, What, body_of, event_of, subject_of
from relay.pipeline import Relay
from relay.render.wording import headline, level_of
from relay.routing import Result
from tests.factories import NOON, make_event
from tests.own_events import make_notice_event
from tests.relays import make_relay

NOTICE = Notice(
    key="watch:nightly:1",
    what=What.RUN_MISSING,
    level=Level.BAD,
    text="misses nightly",
    about="nightly",
    project="gh/acme/api",
    branch="main",
    workflow="nightly",
    avoid=("webhook:sink",),
    more={"due": "2026-11-23T03:30:00+00:00"},
)
FILE = """\
version: 1
notifiers:
  chat: {{ type: console }}
  ops: {{ type: webhook, url: "https://ops.example.com/x" }}
unmatched: {{ notify: chat }}
routes:
{routes}
"""


def relay_with(folder: Path, *routes: str) -> Relay:
    return make_relay(folder, FILE.format(routes="\n".join(f"  - {route}" for route in routes)))


def reached(event: Event, relay: Relay) -> list[str]:
    return [each.target for each in pipeline.decide(event, (), relay, NOON).deliveries]


def test_a_notice_becomes_an_event_with_fields_to_match() -> None:
    event = event_of(body_of(NOTICE), id="x", received_at=NOON)

    assert (event.kind, event.generation, event.project.slug, event.branch) == (
        EventKind.RELAY,
        Generation.OURS,
        "gh/acme/api",
        "main",
    )
    assert event.workflow.name == "nightly"
    assert event.notes == {
        "what": "run_missing",
        "level": "bad",
        "text": "misses nightly",
        "about": "nightly",
        "avoid": ["webhook:sink"],
        "due": "2026-11-23T03:30:00+00:00",
    }


def test_a_notice_is_as_loud_as_it_says_and_reads_as_one_line() -> None:
    event = event_of(body_of(NOTICE), id="x", received_at=NOON)

    assert level_of(event) is Level.BAD
    assert headline(event) == "relay misses nightly"


def test_a_missing_run_and_its_late_arrival_are_one_incident() -> None:
    missing = make_notice_event(what="run_missing")
    arrived = make_notice_event(what="run_arrived")

    assert subject_of(missing) == subject_of(arrived) == "relay | run | nightly"


@pytest.mark.parametrize(
    "route",
    [
        "{ notify: chat }",
        "{ match: { branch: main }, notify: chat }",
        '{ match: { event: "!ping" }, notify: chat }',
        '{ match: { notes.what: "*" }, notify: chat }',
        "{ match: { event: [workflow, job] }, notify: chat }",
        "{ match: { not: [{ event: relay }] }, notify: chat }",
    ],
)
def test_a_route_that_does_not_ask_for_them_gets_none(route: str, tmp_path: Path) -> None:
    assert reached(make_notice_event(), relay_with(tmp_path, route)) == []


@pytest.mark.parametrize(
    "route",
    [
        "{ match: { event: relay }, notify: chat }",
        '{ match: { event: "*" }, notify: chat }',
        "{ match: { event: [relay, ping], notes.what: run_missing, notes.level: bad }, notify: chat }",
        "{ match: { any: [{ event: relay }, { change: broke }] }, notify: chat }",
        "{ match: { event: relay }, routes: [{ match: { branch: main }, notify: chat }] }",
        "{ notify: ops, routes: [{ match: { event: relay }, notify: chat }] }",
    ],
)
def test_a_route_that_asks_for_them_gets_them(route: str, tmp_path: Path) -> None:
    assert reached(make_notice_event(), relay_with(tmp_path, route)) == ["chat"]


def test_webhooks_go_on_reaching_routes_that_name_no_event(tmp_path: Path) -> None:
    assert reached(make_event(), relay_with(tmp_path, "{ notify: chat }")) == ["chat"]


def test_a_route_that_does_not_ask_for_them_does_not_stop_them(tmp_path: Path) -> None:
    relay = relay_with(tmp_path, "{ notify: chat, stop: true }", "{ match: { event: relay }, notify: ops }")

    assert reached(make_notice_event(), relay) == ["ops"]


def test_explain_says_why_such_a_route_does_not_fire(tmp_path: Path) -> None:
    (line,) = relay_with(tmp_path, "{ notify: chat }").router.explain(make_notice_event())

    assert line.result is Result.NO
    assert line.because == "match does not name `event`, and the relay's own events go only where it does"


def test_whom_it_is_about_is_not_told(tmp_path: Path) -> None:
    relay = relay_with(tmp_path, "{ match: { event: relay }, notify: [chat, ops] }")

    event = make_notice_event(avoid=[relay.notifiers["ops"].destination()])

    assert reached(event, relay) == ["chat"]
