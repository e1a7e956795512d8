"""A retry picks the API that works, says what it did, and never starts two."""

from typing import Any

import pytest

from relay.circleci.errors import Gone, NotFound, Refused, ServerError, Unclear
from relay.circleci.facade import CircleCI
from relay.circleci.started import Kind, RetryFrom, Started, Version
from relay.errors import UsageError
from tests.circleci.conftest import Connect
from tests.fakes.circleci_server import PROJECT, CircleCIServer, cut, lost, page, says
from tests.fakes.circleci_world import FakeProject, Json


@pytest.fixture
def workflow(server: CircleCIServer, project: FakeProject) -> Json:
    return server.world.add_workflow(server.world.add_pipeline(project))


@pytest.fixture
def build(server: CircleCIServer, project: FakeProject, workflow: Json) -> Json:
    return server.world.add_build_in_workflow(project, workflow, 7)


def posts(server: CircleCIServer) -> list[str]:
    return [ask.path for ask in server.asked("POST")]


def test_a_known_workflow_is_run_again_from_its_failed_jobs(
    circle: CircleCI, server: CircleCIServer, workflow: Json
) -> None:
    started = circle.retry("acme/api", workflow=workflow["id"])

    new = list(server.world.workflows)[-1]
    assert started == Started(kind=Kind.WORKFLOW, id=new, how="v2 rerun")
    assert server.requests[0].json == {"from_failed": True}
    assert len(server.requests) == 1


def test_a_workflow_is_run_again_from_the_start(
    circle: CircleCI, server: CircleCIServer, workflow: Json
) -> None:
    circle.retry("acme/api", workflow=workflow["id"], start=RetryFrom.START)

    assert server.requests[0].json == {}


def test_given_jobs_are_run_again(circle: CircleCI, server: CircleCIServer, workflow: Json) -> None:
    circle.retry("acme/api", workflow=workflow["id"], jobs=["j-1", "j-2"])

    assert server.requests[0].json == {"jobs": ["j-1", "j-2"]}


def test_the_workflow_of_a_build_is_found_by_v1_1(
    circle: CircleCI, server: CircleCIServer, workflow: Json, build: Json
) -> None:
    started = circle.retry("acme/api", number=7)

    assert (started.kind, started.how, started.notes) == (Kind.WORKFLOW, "v2 rerun", ())
    assert posts(server) == [f"/api/v2/workflow/{workflow['id']}/rerun"]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_else_by_the_v2_job(
    status: int, circle: CircleCI, server: CircleCIServer, workflow: Json, build: Json
) -> None:
    server.script("GET", "^/api/v1.1/", says(status, b""))

    circle.retry("acme/api", number=7)

    assert [ask.path for ask in server.requests] == [
        "/api/v1.1/project/github/acme/api/7",
        "/api/v2/project/gh/acme/api/job/7",
        f"/api/v2/workflow/{workflow['id']}/rerun",
    ]


def test_trouble_while_looking_starts_nothing(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.script("GET", "", page(500), times=9)

    with pytest.raises(ServerError):
        circle.retry("acme/api", number=7)
    assert posts(server) == []


def test_a_build_without_workflow_is_retried_through_v1_1(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_build(project, 7, platform="1.0")

    started = circle.retry("acme/api", number=7)

    assert (started.kind, started.number, started.how) == (Kind.BUILD, 8, "v1.1 retry")
    assert started.notes == ("no workflow is known; ran the one build again through v1.1",)
    assert posts(server) == ["/api/v1.1/project/github/acme/api/7/retry"]


def test_an_install_without_v2_is_asked_the_old_way(
    circle: CircleCI, server: CircleCIServer, build: Json
) -> None:
    server.world.no_v2 = True

    started = circle.retry("acme/api", number=7)

    assert (started.kind, started.number, started.started) == (Kind.BUILD, 8, True)
    assert "answered 404" in started.notes[0]
    assert len(posts(server)) == 2


def test_a_project_token_that_v2_does_not_take_retries_the_old_way(
    connect: Connect, server: CircleCIServer, build: Json
) -> None:
    started = connect(PROJECT).retry("acme/api", number=7)

    assert started.how == "v1.1 retry"


@pytest.mark.parametrize(("version", "how"), [(Version.V1, "v1 retry"), (Version.V1_1, "v1.1 retry")])
def test_the_old_api_is_used_where_asked_for(
    version: Version, how: str, circle: CircleCI, server: CircleCIServer, build: Json
) -> None:
    started = circle.retry("acme/api", number=7, version=version)

    assert (started.how, started.number, started.notes) == (how, 8, ())
    assert len(server.requests) == 1


@pytest.mark.parametrize("version", [Version.V1, Version.V1_1])
def test_an_ended_endpoint_makes_it_move_to_v2_and_say_so(
    version: Version, circle: CircleCI, server: CircleCIServer, project: FakeProject, build: Json
) -> None:
    server.world.gone = True

    started = circle.retry("acme/api", number=7, version=version)

    assert (started.kind, started.how) == (Kind.WORKFLOW, "v2 rerun")
    assert started.notes[0].endswith("/7/retry answered 410 Gone; ran it again through API v2")
    assert sorted(project.builds) == [7]


def test_what_has_ended_and_has_no_workflow_is_an_error(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_build(project, 7, platform="1.0")
    server.world.gone = True

    with pytest.raises(Gone, match="CircleCI has ended this endpoint; use POST /api/v2/workflow/"):
        circle.retry("acme/api", number=7)


def test_a_server_of_ones_own_uses_v2(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    server.world.self_hosted = True

    assert circle.retry("acme/api", number=7).how == "v2 rerun"


def test_with_ssh_the_job_of_the_build_is_run_again(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, workflow: Json, build: Json
) -> None:
    server.world.add_build_in_workflow(project, workflow, 8, job="lint")

    circle.retry("acme/api", number=7, ssh=True)

    job = build["workflows"]["job_id"]
    assert server.requests[-1].json == {"enable_ssh": True, "jobs": [job]}


def test_with_ssh_the_failed_jobs_of_a_workflow_are_run_again(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, workflow: Json, build: Json
) -> None:
    server.world.add_build_in_workflow(project, workflow, 8, job="lint", status="success")

    circle.retry("acme/api", workflow=workflow["id"], ssh=True)

    assert server.requests[-1].json == {"enable_ssh": True, "jobs": [build["workflows"]["job_id"]]}


def test_ssh_without_a_failed_job_is_a_question_back(circle: CircleCI, workflow: Json) -> None:
    with pytest.raises(UsageError, match="no failed job"):
        circle.retry("acme/api", workflow=workflow["id"], ssh=True)


def test_ssh_on_the_old_api(circle: CircleCI, server: CircleCIServer, build: Json) -> None:
    started = circle.retry("acme/api", number=7, ssh=True, version=Version.V1_1)

    assert started.how == "v1.1 ssh"
    assert posts(server) == ["/api/v1.1/project/github/acme/api/7/ssh"]


def test_a_retry_that_will_not_run_is_not_started(
    circle: CircleCI, project: FakeProject, build: Json
) -> None:
    project.dont_build = "no-followers"

    started = circle.retry("acme/api", number=7, version=Version.V1_1)

    assert (started.started, started.why_not, started.number) == (False, "no-followers", 8)


@pytest.mark.parametrize(
    ("body", "why_not"),
    [
        ({"message": "come later"}, "CircleCI answered with no build: come later"),
        ({"build_num": 7, "status": "failed"}, "CircleCI answered with the same build and started no other"),
        ({"body": "Build not created"}, "CircleCI answered with no build: Build not created"),
    ],
)
def test_an_answer_without_a_new_build_is_not_started(
    body: Any, why_not: str, circle: CircleCI, server: CircleCIServer
) -> None:
    server.script("POST", "/retry$", says(200, body))

    started = circle.retry("acme/api", number=7, version=Version.V1_1)

    assert (started.started, started.why_not) == (False, why_not)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}"])
def test_an_answer_that_says_nothing_is_unclear(
    body: bytes, circle: CircleCI, server: CircleCIServer, build: Json
) -> None:
    server.script("POST", "/retry$", says(200, body))

    with pytest.raises(Unclear, match="may have been started all the same"):
        circle.retry("acme/api", number=7, version=Version.V1_1)


@pytest.mark.parametrize(
    "fault", [lost(), cut(), page(502), says(202, {})], ids=["lost", "cut", "502", "no id"]
)
def test_a_lost_answer_is_unclear_and_nothing_else_is_tried(
    fault: Any, circle: CircleCI, server: CircleCIServer, build: Json
) -> None:
    server.script("POST", "/rerun$", fault)

    with pytest.raises(Unclear):
        circle.retry("acme/api", number=7)
    assert len(posts(server)) == 1


def test_a_lost_answer_of_the_old_api_does_not_move_to_v2(
    circle: CircleCI, server: CircleCIServer, build: Json
) -> None:
    server.script("POST", "/retry$", lost())

    with pytest.raises(Unclear):
        circle.retry("acme/api", number=7, version=Version.V1_1)
    assert len(posts(server)) == 1


def test_a_refused_rerun_does_not_fall_back(
    circle: CircleCI, server: CircleCIServer, workflow: Json, build: Json
) -> None:
    workflow["status"] = "success"

    with pytest.raises(Refused, match="workflow has no failed jobs"):
        circle.retry("acme/api", number=7)
    assert len(posts(server)) == 1


def test_a_workflow_that_is_not_there_is_an_error(circle: CircleCI) -> None:
    with pytest.raises(NotFound, match="Workflow not found"):
        circle.retry("acme/api", workflow="w-1")


def test_v2_alone_does_not_fall_back(circle: CircleCI, server: CircleCIServer, project: FakeProject) -> None:
    server.world.add_build(project, 7, platform="1.0")

    with pytest.raises(UsageError, match="none is known for this build"):
        circle.retry("acme/api", number=7, version=Version.V2)
    assert posts(server) == []


@pytest.mark.parametrize("version", Version, ids=str)
def test_something_must_be_named(version: Version, circle: CircleCI) -> None:
    with pytest.raises(UsageError, match="name a workflow or a build"):
        circle.retry("acme/api", version=version)


def test_the_old_api_needs_a_number(circle: CircleCI) -> None:
    with pytest.raises(UsageError, match="need a build's number"):
        circle.retry("acme/api", workflow="w-1", version=Version.V1)


def test_the_old_api_takes_no_jobs(circle: CircleCI, server: CircleCIServer) -> None:
    with pytest.raises(UsageError, match="take no ids of jobs"):
        circle.retry("acme/api", number=7, jobs=["j-1"], version=Version.V1_1)
    assert server.requests == []


def test_given_jobs_are_not_replaced_by_the_build(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_build(project, 7)

    with pytest.raises(NotFound):
        circle.retry("acme/api", number=7, workflow="w-1", jobs=["j-1"])
    assert sorted(project.builds) == [7]
