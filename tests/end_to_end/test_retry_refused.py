"""CircleCI says no to a retry, or yes and means no: what ledger, `relay event` and message then say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli import main
from relay.model import DeliveryState
from relay.runs import RunState
from relay.store import DeliveryRow, Store
from tests.factories import classic
from tests.fakes.circleci_server import says
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import working

BUILD = 7
ROUTES = """\
  - match: { event: build, status: failed }
    notify: sink
    act: again
    group: { by: [project.slug], wait: 1s }
"""
GONE = (
    "POST /api/v1.1/project/github/acme/api/7/retry answered 410: This endpoint has been removed"
    " (CircleCI has ended this endpoint; use POST /api/v2/workflow/{id}/rerun)"
)


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with open_stage(store, tmp_path) as stage:
        stage.circleci.world.add_build(stage.project, BUILD, platform="1.0")
        yield stage


def played(stage: Stage, state: DeliveryState = DeliveryState.DEAD) -> tuple[DeliveryRow, str]:
    """The webhook of the failed build comes in; how its retry ends, and the message."""
    with working(stage.store, stage.relay(ROUTES)):
        stage.post(classic(build_num=BUILD, status="failed", outcome="failed", failed=True))
        (retry,) = stage.finished("again")
        message = stage.message_about("first_failure")
    assert retry.state is state
    return retry, message


def told_by_relay_event(stage: Stage, database_url: str) -> str:
    """What the command prints about the only event."""
    config = stage.folder / "config" / "relay.yaml"
    config.write_text(f'{config.read_text()}store: "{database_url}"\n')
    (event,) = stage.store.events()
    result = CliRunner().invoke(main, ["--config", str(config), "event", event.id])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_retry_that_circleci_has_ended(stage: Stage, database_url: str) -> None:
    stage.circleci.world.gone = True

    retry, message = played(stage)

    assert retry.error == GONE
    assert f"again: {GONE[:150]}" in message
    assert GONE in told_by_relay_event(stage, database_url)
    assert sorted(stage.project.builds) == [BUILD]
    assert stage.reruns() == 1


def test_an_ended_retry_of_a_build_of_a_workflow_goes_through_v2(stage: Stage, database_url: str) -> None:
    stage.circleci.world.gone = True
    workflow = stage.failed_workflow(8)
    stage.circleci.world.add_build_in_workflow(stage.project, workflow, BUILD)

    retry, message = played(stage, DeliveryState.DELIVERED)

    text = f"ran it again: workflow {stage.newest_workflow()['id']} (v2 rerun)"
    assert retry.title == text
    assert f"again: {text}" in message
    assert text in told_by_relay_event(stage, database_url)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"lifecycle": "not_run", "status": "not_run", "dont_build": "no-followers"}, "no-followers"),
        ({"lifecycle": "scheduled", "status": "not_run", "outcome": None, "dont_build": None}, "not_run"),
    ],
    ids=["dont_build", "not_run"],
)
def test_a_retry_that_is_taken_and_never_run(
    stage: Stage, database_url: str, answer: dict[str, str | None], why: str
) -> None:
    stage.circleci.script("POST", "/retry$", says(200, {"build_num": 8, "retry_of": BUILD, **answer}))

    retry, message = played(stage)

    text = f"CircleCI took the call and will run nothing: {why}"
    run = stage.store.runs.find(retry.id)
    assert retry.error == text
    assert f"again: {text}" in message
    assert text in told_by_relay_event(stage, database_url)
    assert run is not None
    assert (run.state, run.child) == (RunState.REFUSED, None)
    assert stage.reruns() == 1
