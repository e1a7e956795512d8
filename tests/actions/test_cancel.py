"""Stopping what runs."""

from relay.actions.cancel import Cancel
from tests.actions.conftest import Bench, about, about_build
from tests.factories import make_event


def test_a_workflow_is_stopped(bench: Bench) -> None:
    workflow = bench.workflow(status="running")

    answer = bench.do(Cancel(), about(workflow))

    assert bench.server.world.workflows[workflow["id"]]["status"] == "canceled"
    assert answer.excerpt == f"stopped workflow {workflow['id']}: Accepted."


def test_a_build_is_stopped(bench: Bench) -> None:
    bench.server.world.add_build(bench.project, 7, lifecycle="running", status="running", outcome=None)

    assert bench.do(Cancel(), about_build(7)).excerpt == "stopped build #7: canceled"


def test_it_says_what_it_would_do() -> None:
    assert Cancel().would(make_event()) == "would stop workflow build-and-deploy"
