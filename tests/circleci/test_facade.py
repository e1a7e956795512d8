"""Looking for the child of a lost call, and the calls that pick a version."""

import pytest

from relay.circleci.errors import Unclear
from relay.circleci.facade import CircleCI
from relay.circleci.started import Kind, Version
from relay.errors import UsageError
from tests.fakes.circleci_server import CircleCIServer, lost, says
from tests.fakes.circleci_world import FakeProject, Json


@pytest.fixture
def pipeline(server: CircleCIServer, project: FakeProject) -> Json:
    return server.world.add_pipeline(project)


@pytest.fixture
def workflow(server: CircleCIServer, pipeline: Json) -> Json:
    return server.world.add_workflow(pipeline)


def test_the_workflow_of_a_lost_rerun_is_found(
    circle: CircleCI, server: CircleCIServer, workflow: Json
) -> None:
    server.script("POST", "/rerun$", lost())
    with pytest.raises(Unclear):
        circle.retry("acme/api", workflow=workflow["id"])

    child = circle.find_child("acme/api", workflow=workflow["id"])

    assert child is not None
    assert (child.kind, child.id) == (Kind.WORKFLOW, list(server.world.workflows)[-1])


def test_a_rerun_that_never_arrived_has_no_child(circle: CircleCI, workflow: Json) -> None:
    assert circle.find_child("acme/api", workflow=workflow["id"]) is None


def test_known_children_others_and_older_ones_do_not_count(
    circle: CircleCI, server: CircleCIServer, pipeline: Json
) -> None:
    server.world.add_workflow(pipeline)
    root = server.world.add_workflow(pipeline)
    server.world.add_workflow(pipeline, name="deploy")
    known = server.world.add_workflow(pipeline)
    assert circle.find_child("acme/api", workflow=root["id"], known={known["id"]}) is None

    second, _third = server.world.add_workflow(pipeline), server.world.add_workflow(pipeline)
    child = circle.find_child("acme/api", workflow=root["id"], known={known["id"]})

    assert child is not None
    assert child.id == second["id"]


def test_the_build_of_a_lost_retry_is_found(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_build(project, 7)
    server.script("POST", "/retry$", lost())
    with pytest.raises(Unclear):
        circle.retry("acme/api", number=7, version=Version.V1_1)

    child = circle.find_child("acme/api", number=7)

    assert child is not None
    assert (child.kind, child.number, child.how) == (Kind.BUILD, 8, "found by the build's retries")


def test_a_retry_the_root_does_not_list_is_found_among_recent_builds(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_build(project, 7)
    server.world.add_build(project, 8, retry_of=6)
    server.world.add_build(project, 9, retry_of=7)
    server.world.add_build(project, 10, retry_of=7)

    first = circle.find_child("acme/api", number=7)
    second = circle.find_child("acme/api", number=7, known={"9"})
    third = circle.find_child("acme/api", number=7, known={"9", "10"})

    assert first is not None
    assert second is not None
    assert (first.number, second.number, third) == (9, 10, None)
    assert server.asked("POST") == []


def test_a_build_or_a_workflow_is_canceled(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, workflow: Json
) -> None:
    server.world.add_build(project, 7, lifecycle="running", status="running")

    assert circle.cancel("acme/api", number=7) == "canceled"
    assert circle.cancel("acme/api", workflow=workflow["id"]) == "Accepted."
    assert workflow["status"] == "canceled"


def test_what_v1_1_no_longer_answers_is_asked_of_v2(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_build(project, 7, lifecycle="running", status="running")
    server.world.add_artifact(project, 7, "a.txt", b"")
    project.tests[7] = [{"name": "opens", "result": "failure"}]
    server.script("GET", "^/api/v1.1/", says(410, b""), times=9)
    server.script("POST", "^/api/v1.1/", says(410, b""), times=9)

    assert [artifact.path for artifact in circle.artifacts("acme/api", 7)] == ["a.txt"]
    assert [test.name for test in circle.tests("acme/api", 7)] == ["opens"]
    assert circle.cancel("acme/api", number=7) == "Accepted."


def test_something_must_be_named(circle: CircleCI) -> None:
    with pytest.raises(UsageError):
        circle.cancel("acme/api")
    with pytest.raises(UsageError):
        circle.find_child("acme/api")
