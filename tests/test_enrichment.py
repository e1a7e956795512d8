"""What a webhook leaves out is fetched once, when something needs it, in a bounded time, come what may."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay import preparing
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http
from relay.enriching import Enricher, Line
from relay.enriching.needs import FETCHABLE, FIRST_ERROR, names_used
from relay.failures.errorlines import first_error
from relay.model import Change, Event, EventKind, Job, Pipeline, Status, Workflow
from relay.pipeline import Relay
from relay.wiring import build, load_config
from tests.factories import make_event
from tests.fakes.circleci_server import CircleCIServer, page, says, slow
from tests.fakes.circleci_world import FakeProject, Json


@pytest.fixture
def server() -> Iterator[CircleCIServer]:
    with CircleCIServer() as running:
        yield running


@pytest.fixture
def project(server: CircleCIServer) -> FakeProject:
    return server.world.add_project("gh/acme/api")


@pytest.fixture
def workflow(server: CircleCIServer, project: FakeProject) -> Json:
    """Two failed jobs with logs, and one that passed."""
    workflow = server.world.add_workflow(server.world.add_pipeline(project))
    for number, job, log in ((7, "test", "ok\r\nError: no door\r\n"), (8, "lint", "1 problem\r\n")):
        build = server.world.add_build_in_workflow(project, workflow, number, job=job)
        server.world.add_log(build, "run", [{"message": log, "type": "out"}])
    server.world.add_build_in_workflow(project, workflow, 9, job="docs", status="success")
    project.tests[7] = [{"name": "opens", "classname": "Door", "result": "failure", "message": "shut"}]
    server.world.add_artifact(project, 9, "site/index.html", b"<html>")
    return workflow


@pytest.fixture
def enricher(server: CircleCIServer) -> Iterator[Enricher]:
    client = CircleCI(Http(server.connection()))
    yield Enricher(client, within=5.0)
    client.close()


def about(workflow: Json, **fields: Any) -> Event:
    told = {
        "workflow": Workflow(id=workflow["id"], name="build", url="https://ci.example/w"),
        "pipeline": Pipeline(id="p", number=1),
    }
    return make_event(**{**told, **fields})


def test_failed_jobs_with_their_first_errors(enricher: Enricher, workflow: Json) -> None:
    notes = enricher.fetch(about(workflow), frozenset({"failed_jobs", FIRST_ERROR}))

    assert notes == {
        "failed_jobs": [
            {
                "name": "test",
                "number": 7,
                "status": "failed",
                "url": "https://ci.example/w/jobs/7",
                "first_error": "Error: no door",
                "error_lines": ["ok", "Error: no door"],
            },
            {
                "name": "lint",
                "number": 8,
                "status": "failed",
                "url": "https://ci.example/w/jobs/8",
                "first_error": "1 problem",
                "error_lines": ["1 problem"],
            },
        ]
    }


def test_for_the_names_of_failed_jobs_no_log_is_read(
    enricher: Enricher, server: CircleCIServer, workflow: Json
) -> None:
    notes = enricher.fetch(about(workflow), frozenset({"failed_jobs"}))

    assert [(job["name"], job["first_error"]) for job in notes["failed_jobs"]] == [
        ("test", None),
        ("lint", None),
    ]
    assert [ask.path for ask in server.requests] == [f"/api/v2/workflow/{workflow['id']}/job"]


def test_failed_tests_log_and_artifacts(enricher: Enricher, server: CircleCIServer, workflow: Json) -> None:
    notes = enricher.fetch(about(workflow), FETCHABLE)

    assert notes["failed_tests"] == [{"name": "opens", "classname": "Door", "file": None, "message": "shut"}]
    assert notes["log"] == "ok\nError: no door\n1 problem"
    assert [each["path"] for each in notes["artifacts"]] == ["site/index.html"]
    asked = [ask.path for ask in server.requests]
    assert len(asked) == len(set(asked))  # nothing twice


def test_a_job_is_its_own_failed_job(enricher: Enricher, server: CircleCIServer, workflow: Json) -> None:
    event = about(workflow, kind=EventKind.JOB, job=Job(name="test", number=7, url="https://ci.example/7"))

    notes = enricher.fetch(event, frozenset({"failed_jobs", FIRST_ERROR}))

    assert [(job["name"], job["first_error"]) for job in notes["failed_jobs"]] == [("test", "Error: no door")]
    assert not server.asked("GET", "/workflow/")


def test_the_failure_of_the_worst_job_and_of_each(
    server: CircleCIServer, project: FakeProject, workflow: Json, enricher: Enricher
) -> None:
    build = server.world.add_build_in_workflow(project, workflow, 10, job="compile")
    server.world.add_log(build, "Build", [{"message": "a.ts(1,2): error TS2322: no\r\n", "type": "err"}])

    failure = enricher.fetch(about(workflow), frozenset({"failure"}))["failure"]

    assert [(job["name"], job["class"]) for job in failure["jobs"]] == [
        ("test", "genuine.test"),
        ("lint", "unknown"),
        ("compile", "genuine.compile"),
    ]
    assert (failure["name"], failure["tests"]) == ("test", ["Door::opens"])
    compiled = failure["jobs"][2]
    assert (compiled["signature"], compiled["evidence"], compiled["step"], compiled["exit_code"]) == (
        "gen.ts",
        "a.ts(1,2): error TS2322: no",
        "Build",
        1,
    )
    asked = [ask.path for ask in server.requests]
    assert len(asked) == len(set(asked))  # nothing twice


def test_a_job_without_a_failed_step_was_lost(
    server: CircleCIServer, project: FakeProject, enricher: Enricher
) -> None:
    workflow = server.world.add_workflow(server.world.add_pipeline(project))
    server.world.add_build_in_workflow(project, workflow, 7, job="test")

    assert enricher.fetch(about(workflow), frozenset({"failure"}))["failure"]["class"] == "agent"


def test_of_a_job_that_cannot_be_read_nothing_is_said(
    server: CircleCIServer, workflow: Json, enricher: Enricher
) -> None:
    server.script("GET", "/api/v1.1/", says(403, {"message": "not yours"}), times=9)

    notes = enricher.fetch(about(workflow), frozenset({"failure"}))

    assert notes == {"enrichment_problem": "CircleCI could not be asked for the log of test: not yours"}


def test_only_what_is_wanted_is_asked(enricher: Enricher, server: CircleCIServer, workflow: Json) -> None:
    assert enricher.fetch(about(workflow), frozenset()) == {}
    assert server.requests == []


def test_what_could_be_had_is_kept(enricher: Enricher, server: CircleCIServer, workflow: Json) -> None:
    server.script("GET", "/tests", says(403, {"message": "not yours"}), times=9)

    notes = enricher.fetch(about(workflow), frozenset({"failed_jobs", "failed_tests"}))

    assert [job["name"] for job in notes["failed_jobs"]] == ["test", "lint"]
    assert notes["failed_tests"] == []
    assert notes["enrichment_problem"] == "CircleCI could not be asked for the tests of test: not yours"


def test_everything_together_takes_no_longer_than_allowed(
    enricher: Enricher, server: CircleCIServer, workflow: Json
) -> None:
    server.script("GET", "", slow(0.3), times=99)
    start = time.monotonic()

    notes = enricher.fetch(about(workflow), FETCHABLE, 0.5)

    assert time.monotonic() - start < 1.5
    assert "enrichment_problem" in notes


def test_an_outage_is_not_asked_about_with_every_event(server: CircleCIServer, workflow: Json) -> None:
    now = 1000.0
    client = CircleCI(Http(server.connection()))
    enricher = Enricher(client, within=5.0, clock=lambda: now)
    server.script("GET", "", page(503), times=4)

    for _ in range(5):
        notes = enricher.fetch(about(workflow), frozenset({"failed_jobs"}), 0.1)
    asked = len(server.requests)
    now += 31.0
    recovered = enricher.fetch(about(workflow), frozenset({"failed_jobs"}))
    client.close()

    assert notes["enrichment_problem"] == "CircleCI could not be reached just now"
    assert asked <= 6
    assert recovered["failed_jobs"]


def test_no_time_left_is_told(enricher: Enricher, server: CircleCIServer, workflow: Json) -> None:
    notes = enricher.fetch(about(workflow), frozenset({"log"}), 0.0)

    assert notes == {"enrichment_problem": "there was no time left to ask CircleCI"}
    assert server.requests == []


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("a\nb\nerror: broken\nmore\n", "error: broken"),
        ("ok 1\nnot ok 2 - opens\n", "not ok 2 - opens"),
        ("Traceback\n  File x\nValueError: no\n", "ValueError: no"),
        ("0 errors\nTests: 3 passed, no failures\nExited with code exit status 1\n", None),
        ("compiling\nlinking\nExited with code exit status 2\n", "linking"),
        ("sh: npx: command not found\n", "sh: npx: command not found"),
        ("\n\n", None),
        ("Error: " + "x" * 1000, "Error: " + "x" * 293),
    ],
)
def test_the_line_that_says_what_went_wrong(log: str, line: str | None) -> None:
    assert first_error(log) == line


# Which events need what

HEAD = """\
version: 1
circleci: {{ token: personal-token-of-alice, url: "{url}" }}
notifiers: {{ console: {{ type: console, template: {template} }} }}
templates:
  bare: {{ title: "x", body: "y" }}
  tests: {{ title: "{{{{ failed_tests | length }}}}", body: "y" }}
  group: {{ title: "x", body: "{{% for each in events %}}{{{{ each.failed_jobs }}}}{{% endfor %}}" }}
routes:
{routes}
"""


def relay_with(
    folder: Path, routes: str, *, template: str = "bare", url: str = "https://ci.example"
) -> Relay:
    file = folder / "relay.yaml"
    file.write_text(HEAD.format(template=template, routes=routes, url=url))
    return build(load_config(str(file), {}))


def needs(relay: Relay, event: Event) -> frozenset[str]:
    assert relay.needs is not None
    return relay.needs.of(event)


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("standard", {"failed_jobs", "first_error", "failed_tests"}),
        ("bare", set()),
        ("tests", {"failed_tests"}),
        ("group", {"failed_jobs"}),
    ],
)
def test_a_template_needs_what_it_names(tmp_path: Path, template: str, wanted: set[str]) -> None:
    relay = relay_with(tmp_path, "  - notify: console", template=template)

    assert needs(relay, make_event()) == wanted


@pytest.mark.parametrize(
    ("routes", "wanted"),
    [
        ("  - { match: { failed_jobs.name: test }, notify: console }", {"failed_jobs"}),
        (
            '  - { match: { failed_jobs.first_error: "*x*" }, notify: console }',
            {"failed_jobs", "first_error"},
        ),
        ("  - { match: { branch: other, failed_jobs.name: test }, notify: console }", set()),
        ('  - { when: "failed_jobs | length > 3", notify: console }', {"failed_jobs"}),
        (
            """  - { when: "'x' in failed_jobs[0].first_error", notify: console }""",
            {"failed_jobs", "first_error"},
        ),
        ('  - { match: { not: [{ log: "*x*" }] }, notify: console }', {"log"}),
        ('  - { when: "artifacts | length > 3", notify: console }', {"artifacts"}),
        ('  - { match: { change: fixed }, when: "artifacts | length > 3", notify: console }', set()),
        ("  - { match: { branch: other }, template: tests, notify: console }", set()),
        ("  - { match: { branch: main }, template: tests, notify: console }", {"failed_tests"}),
        (
            "  - { match: { branch: main }, template: tests, notify: console,"
            ' routes: [{ match: { log: "*x*" }, template: bare }] }',
            {"log", "failed_tests"},
        ),
    ],
)
def test_a_rule_needs_what_it_names_if_the_rest_of_it_holds(
    tmp_path: Path, routes: str, wanted: set[str]
) -> None:
    assert needs(relay_with(tmp_path, routes), make_event(change=Change.BROKE)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{% for job in failed_jobs %}{{ job.name }}{% endfor %}", {"failed_jobs"}),
        ("{% for job in failed_jobs %}{{ job.first_error }}{% endfor %}", {"failed_jobs", FIRST_ERROR}),
        ("{{ failed_jobs | join(', ', 'first_error') }}", {"failed_jobs", FIRST_ERROR}),
        ("{{ failed_jobs[0]['first_error'] }}", {"failed_jobs", FIRST_ERROR}),
        ("{{ failed_jobs | tojson }}", {"failed_jobs", FIRST_ERROR}),
        ("{{ notes.first_error }}", set()),
        ("{{ broken", set()),
    ],
)
def test_a_text_of_an_action_needs_what_it_names(text: str, wanted: set[str]) -> None:
    assert names_used(text) == wanted


def test_without_anything_that_needs_it_nobody_is_asked(tmp_path: Path) -> None:
    assert relay_with(tmp_path, "  - notify: console").enricher is None


def test_a_rule_matches_what_was_fetched(tmp_path: Path, server: CircleCIServer, workflow: Json) -> None:
    routes = "  - { name: e2e, match: { failed_jobs.name: lint }, notify: console }"
    relay = relay_with(tmp_path, routes, url=server.url)

    event = preparing.enriched(about(workflow), relay, tuple, 5.0)

    assert [decision.route for decision in relay.router.resolve(event).decisions] == ["e2e"]


def test_of_what_passed_no_failures_are_asked(tmp_path: Path) -> None:
    relay = relay_with(tmp_path, "  - notify: console", template="standard")

    assert preparing.may_be_enriched(make_event(), relay)
    assert not preparing.may_be_enriched(make_event(status=Status.SUCCESS), relay)


def test_a_rule_matches_the_class_of_a_failure_and_secrets_are_masked(
    tmp_path: Path, server: CircleCIServer, project: FakeProject, workflow: Json
) -> None:
    build = server.world.add_build_in_workflow(project, workflow, 10, job="compile")
    log = "a.ts(1,2): error TS2322: personal-token-of-alice is no number"
    server.world.add_log(build, "Build", [{"message": log, "type": "err"}])
    routes = """
  - { name: bad luck, match: { failure.class: [net, registry] }, notify: console }
  - { name: broken, match: { failure.jobs.class: "genuine.compile" }, notify: console }
  - { name: any, when: "failure.class == 'unknown' or failure.class.startswith('genuine')", notify: console }
"""
    relay = relay_with(tmp_path, routes, url=server.url)

    event = preparing.enriched(about(workflow), relay, tuple, 5.0)

    assert [decision.route for decision in relay.router.resolve(event).decisions] == ["broken", "any"]
    assert "personal-token" not in repr(event.notes)
    assert event.notes["failure"]["jobs"][2]["evidence"] == "a.ts(1,2): error TS2322: *** is no number"


def test_own_signatures_are_used_for_events(
    tmp_path: Path, server: CircleCIServer, project: FakeProject, workflow: Json
) -> None:
    routes = """  - { match: { failure.class: door }, notify: console }
signatures: { classes: { door: { add: [{ id: door.none, re: "no door" }] } } }"""
    relay = relay_with(tmp_path, routes, url=server.url)

    event = preparing.enriched(about(workflow), relay, tuple, 5.0)

    assert event.notes["failure"]["jobs"][0]["class"] == "door"


# The line of events that wait


def wait_until_ready(line: Line[str]) -> None:
    deadline = time.monotonic() + 5
    while not line.has_ready():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def line() -> Iterator[Line[str]]:
    line: Line[str] = Line(lambda: None)
    yield line
    line.close()


def test_things_of_different_keys_do_not_wait_for_each_other(line: Line[str]) -> None:
    gate = threading.Event()
    line.put("a", "slow", lambda: (gate.wait(5) and "done") or "", "late", 10.0)
    line.put("b", "quick", None, "late", 10.0)

    assert line.take() == ["quick"]
    gate.set()
    wait_until_ready(line)
    assert line.take() == ["done"]


def test_things_of_one_key_keep_their_order(line: Line[str]) -> None:
    line.put("a", "first", lambda: "first, done", "late", 10.0)
    line.put("a", "second", None, "late", 10.0)
    wait_until_ready(line)

    assert line.take() == ["first, done", "second"]


def test_work_begins_when_what_came_before_is_done_with(line: Line[str]) -> None:
    began = threading.Event()

    def work() -> str:
        began.set()
        return "second, done"

    line.put("a", "first", None, "late", 10.0)
    line.put("a", "second", work, "late", 10.0)
    assert line.take() == ["first"]
    assert not began.wait(0.05)

    line.done()

    wait_until_ready(line)
    assert line.take() == ["second, done"]


def test_what_takes_too_long_goes_on_as_it_is() -> None:
    now = 1000.0
    gate = threading.Event()
    line: Line[str] = Line(lambda: None, clock=lambda: now)
    line.put("a", "slow", lambda: (gate.wait(5) and "done") or "", "late", 10.0)
    assert line.take() == []

    now += 13.0

    assert line.take() == ["late"]
    gate.set()
    line.close()


def test_it_knows_what_it_holds_until_that_is_done_with(line: Line[str]) -> None:
    line.put("a", "one", None, "late", 10.0)
    line.take()
    line.put("a", "two", None, "late", 10.0)

    assert (len(line), sorted(line)) == (2, ["one", "two"])
    line.done()
    assert (len(line), sorted(line)) == (1, ["two"])
