"""What people see of a retry that was judged, in chat and on the pager: over HTTP, on both databases."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.pipeline import Relay
from relay.store import Store
from tests.end_to_end.test_judged_retry import AT_ONCE, BROKEN, FLAKY, RESET, child_of, workflow_with
from tests.fakes.circleci_server import says
from tests.fakes.circleci_world import Json
from tests.fakes.sink import Play, Request
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import until, working

ROUTES = """\
  - name: red
    match: { event: workflow, status: failed }
    act: again
    notify: TARGET
  - name: came-back
    match: { change: [fixed, passed_on_retry] }
    notify: TARGET
"""
CARD = '  card: {{ type: slack, token: "xoxb-1-secret", channel: C1, style: update, {private} }}'
PAGER = "  pager: {{ type: pagerduty, routing_key: R0, {private} }}"


def answer(request: Request) -> Play:
    """Slack's and PagerDuty's."""
    if request.path.endswith("/enqueue"):
        return Play(status=202, body=b'{"status": "success", "message": "Event processed"}')
    return Play(body=b'{"ok": true, "ts": "1.5", "channel": "C1"}')


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with open_stage(store, tmp_path, chat=answer) as stage:
        yield stage


def telling(stage: Stage, notifier: str, *, hold: bool = False, again: str = FLAKY) -> Relay:
    """A relay that tells this notifier of failures, and of what came of them."""
    name = notifier.partition(":")[0].strip()
    private = f'api_url: "{stage.sink.url}/api", allow_private: true'
    routes = ROUTES.replace("TARGET", name)
    held = routes.replace("    act: again\n", "    act: again\n    hold: 20m\n") if hold else routes
    return stage.relay(held + AT_ONCE, again=again, notifiers=notifier.format(private=private))


def said(stage: Stage) -> list[tuple[str, str]]:
    """Method and text of every call."""
    return [
        (request.path.rpartition("/")[2], json.dumps(request.json(), ensure_ascii=False))
        for request in stage.sink.requests
    ]


def pages(stage: Stage) -> list[str]:
    return [request.json()["event_action"] for request in stage.sink.requests]


def until_said(stage: Stage, count: int) -> None:
    until(lambda: len(stage.sink.requests) >= count)


def until_planned(stage: Stage, count: int) -> None:
    until(lambda: sum(row.change is not None for row in stage.store.events()) == count)


def failed_again(stage: Stage, workflow: Json, log: str) -> dict[str, Any]:
    child = child_of(stage, workflow)
    build = stage.circleci.world.add_build_in_workflow(stage.project, child, 42, job="test")
    stage.circleci.world.add_log(build, "npm test", [{"message": log, "type": "out"}])
    child["status"] = "failed"
    return stage.completed(child)


def test_a_card_goes_from_failing_to_retrying_to_the_verdict(stage: Stage) -> None:
    workflow = workflow_with(stage, RESET)
    with working(stage.store, telling(stage, CARD)):
        stage.post(stage.completed(workflow))
        until_said(stage, 1)
        stage.finished("again")
        stage.post(stage.completed(child_of(stage, workflow), "success"))
        until_said(stage, 2)

    (first, failing), (second, passed) = said(stage)
    assert (first, second) == ("chat.postMessage", "chat.update")
    assert "again: is being run again by rule network" in failing
    assert "passed on retry" in passed
    assert "recovered; not your change" in passed
    assert "fixed" not in passed


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (RESET, "failed 2 times with package registry errors; perhaps an outage"),
        (BROKEN, "Argument of type 'string' is not assignable"),
    ],
    ids=["in the same way", "in another way"],
)
def test_a_card_tells_that_it_failed_again(stage: Stage, log: str, words: str) -> None:
    workflow = workflow_with(stage, RESET)
    with working(stage.store, telling(stage, CARD)):
        stage.post(stage.completed(workflow))
        until_said(stage, 1)
        stage.finished("again")
        stage.post(failed_again(stage, workflow, log))
        until_said(stage, 2)

    (first, _), (second, verdict) = said(stage)
    assert (first, second) == ("chat.postMessage", "chat.update")
    assert words in verdict
    assert "is being run again" not in verdict


def test_what_was_held_begins_no_card_of_a_failure_that_was_none(stage: Stage) -> None:
    """Nobody was told of the failure: one message says what it was."""
    workflow = workflow_with(stage, RESET)
    with working(stage.store, telling(stage, CARD, hold=True)):
        stage.post(stage.completed(workflow))
        stage.finished("again")
        stage.post(stage.completed(child_of(stage, workflow), "success"))
        until_said(stage, 1)

    ((method, text),) = said(stage)
    assert method == "chat.postMessage"
    assert "passed on retry" in text


def test_a_retry_that_was_refused_says_so_where_the_message_waited(stage: Stage) -> None:
    stage.circleci.script("POST", "/rerun$", says(400, {"message": "workflow is too old"}))
    with working(stage.store, telling(stage, CARD, hold=True)):
        stage.post(stage.completed(workflow_with(stage, RESET)))
        until_said(stage, 1)

    ((_, text),) = said(stage)
    assert "workflow is too old" in text
    assert "is being run again" not in text


def test_a_retry_that_passes_resolves_no_page(stage: Stage) -> None:
    workflow = workflow_with(stage, RESET)
    with working(stage.store, telling(stage, PAGER)):
        stage.post(stage.completed(workflow))
        until_said(stage, 1)
        stage.finished("again")
        stage.post(stage.completed(child_of(stage, workflow), "success"))
        until_planned(stage, 2)
        until(lambda: stage.store.counts()["ready"] + stage.store.counts()["leased"] == 0)

    assert pages(stage) == ["trigger"]
    assert stage.store.events()[0].change == "passed_on_retry"


def test_a_run_of_its_own_that_passes_resolves_it(stage: Stage) -> None:
    workflow = workflow_with(stage, RESET)
    with working(stage.store, telling(stage, PAGER)):
        stage.post(stage.completed(workflow))
        until_said(stage, 1)
        stage.finished("again")
        stage.post(stage.completed(child_of(stage, workflow), "success"))
        until_planned(stage, 2)
        other = stage.failed_workflow(51)
        stage.post(stage.completed(other, "success"))
        until_said(stage, 2)

    assert pages(stage) == ["trigger", "resolve"]
    assert stage.store.events()[0].change == "fixed"


def test_a_retry_that_is_always_made_is_made_whatever_failed(stage: Stage) -> None:
    with working(stage.store, telling(stage, CARD, again="{ type: retry }")):
        stage.post(stage.completed(workflow_with(stage, BROKEN)))
        stage.finished("again")
        until_said(stage, 1)

    assert stage.reruns() == 1
    assert "is being run again" not in said(stage)[0][1]
