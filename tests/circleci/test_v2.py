"""Every endpoint of API v2 the relay needs, by what arrives at the server and what comes back."""

from typing import Any

import pytest

from relay.circleci.errors import NotFound, Refused, Unclear
from relay.circleci.facade import CircleCI
from relay.errors import UsageError
from relay.secret import Secret
from tests.fakes.circleci_server import CircleCIServer, lost, says
from tests.fakes.circleci_world import FakeProject, Json


@pytest.fixture
def pipeline(server: CircleCIServer, project: FakeProject) -> Json:
    return server.world.add_pipeline(project)


@pytest.fixture
def workflow(server: CircleCIServer, pipeline: Json) -> Json:
    return server.world.add_workflow(pipeline)


def test_the_user_is_read(circle: CircleCI) -> None:
    user = circle.v2.me()

    assert (user.login, user.name, user.id) == (
        "alice",
        "Alice Archer",
        "00000000-0000-4000-8000-00000000a11c",
    )


def test_organizations_are_read_despite_the_hyphen(circle: CircleCI) -> None:
    (organization,) = circle.v2.collaborations()

    assert (organization.slug, organization.vcs) == ("gh/acme", "github")


@pytest.mark.parametrize("given", ["gh/acme/api", "github/acme/api", "https://github.com/acme/api"])
def test_a_project_is_found_by_any_name(
    given: str, circle: CircleCI, project: FakeProject, server: CircleCIServer
) -> None:
    found = circle.v2.project(given)

    assert (found.id, found.slug, found.default_branch) == (project.id, "gh/acme/api", "main")
    assert server.requests[0].path == "/api/v2/project/gh/acme/api"


def test_an_opaque_slug_is_sent_segment_by_segment(circle: CircleCI, server: CircleCIServer) -> None:
    server.world.add_project("circleci/3xKq/9fZ2")

    circle.v2.run_pipeline("circleci/3xKq/9fZ2", branch="main", definition="d-1")

    assert server.requests[0].path == "/api/v2/project/circleci/3xKq/9fZ2/pipeline/run"


def test_pipelines_of_a_branch_are_listed(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_pipeline(project, vcs={"branch": "fix/50%"})
    server.world.add_pipeline(project)

    (found,) = circle.v2.pipelines("acme/api", branch="fix/50%")

    assert (found.number, found.branch) == (1, "fix/50%")
    assert server.requests[0].path == "/api/v2/project/gh/acme/api/pipeline?branch=fix%2F50%25"


def test_a_pipeline_is_read(circle: CircleCI, pipeline: Json) -> None:
    found = circle.v2.pipeline(pipeline["id"])

    assert (found.id, found.subject, found.trigger, found.actor) == (
        pipeline["id"],
        "Add a door",
        "webhook",
        "alice",
    )


def test_a_pipeline_of_gitlab_is_read_by_its_trigger_parameters(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    parameters = {"git": {"branch": "main", "tag": "", "checkout_sha": "abc"}}
    pipeline = server.world.add_pipeline(project, vcs=None, trigger_parameters=parameters)

    found = circle.v2.pipeline(pipeline["id"])

    assert (found.branch, found.tag, found.revision) == ("main", None, "abc")


def test_workflows_are_listed_and_read(circle: CircleCI, pipeline: Json, workflow: Json) -> None:
    (listed,) = circle.v2.pipeline_workflows(pipeline["id"])

    assert listed == circle.v2.workflow(workflow["id"])
    assert (listed.name, listed.status, listed.has_ended) == ("build", "failed", True)


def test_a_failing_workflow_still_runs(circle: CircleCI, workflow: Json) -> None:
    workflow["status"] = "failing"

    assert circle.v2.workflow(workflow["id"]).has_ended is False


def test_jobs_are_listed(circle: CircleCI, server: CircleCIServer, pipeline: Json) -> None:
    jobs: tuple[Json, ...] = (
        {"name": "test", "status": "failed", "job_number": 7, "dependencies": ["lint"]},
        {"name": "hold", "status": "on_hold", "type": "approval", "approval_request_id": "ar-1"},
    )
    workflow = server.world.add_workflow(pipeline, jobs=jobs)

    test, hold = circle.v2.workflow_jobs(workflow["id"])

    assert (test.name, test.number, test.dependencies) == ("test", 7, ("lint",))
    assert (hold.type, hold.number, hold.approval_request_id) == ("approval", None, "ar-1")


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({}, {}),
        ({"from_failed": True}, {"from_failed": True}),
        ({"jobs": ["j-1"]}, {"jobs": ["j-1"]}),
        ({"jobs": ["j-1"], "enable_ssh": True}, {"jobs": ["j-1"], "enable_ssh": True}),
        ({"jobs": ("j-1",), "sparse_tree": True}, {"jobs": ["j-1"], "sparse_tree": True}),
    ],
)
def test_a_rerun_makes_a_new_workflow_in_the_same_pipeline(
    asked: dict[str, Any], sent: Json, circle: CircleCI, server: CircleCIServer, workflow: Json
) -> None:
    new = circle.v2.rerun(workflow["id"], **asked)

    assert new is not None
    assert server.world.workflows[new]["pipeline_id"] == workflow["pipeline_id"]
    assert server.requests[0].json == sent


@pytest.mark.parametrize(
    "asked", [{"jobs": ["j"], "from_failed": True}, {"enable_ssh": True}, {"sparse_tree": True}]
)
def test_a_rerun_that_circleci_would_refuse_is_not_sent(
    asked: dict[str, Any], circle: CircleCI, server: CircleCIServer
) -> None:
    with pytest.raises(UsageError):
        circle.v2.rerun("w-1", **asked)
    assert server.requests == []


def test_a_rerun_from_failed_without_failures_is_refused(circle: CircleCI, workflow: Json) -> None:
    workflow["status"] = "success"

    with pytest.raises(Refused, match="workflow has no failed jobs"):
        circle.v2.rerun(workflow["id"], from_failed=True)


def test_a_rerun_whose_answer_is_lost_is_unclear(
    circle: CircleCI, server: CircleCIServer, workflow: Json
) -> None:
    server.script("POST", "/rerun$", lost())

    with pytest.raises(Unclear):
        circle.v2.rerun(workflow["id"])
    assert len(server.world.workflows) == 2


def test_a_workflow_is_canceled_and_a_job_approved(
    circle: CircleCI, server: CircleCIServer, workflow: Json
) -> None:
    assert circle.v2.cancel_workflow(workflow["id"]) == "Accepted."
    assert circle.v2.approve(workflow["id"], "ar-1") == "Accepted."
    assert workflow["status"] == "canceled"
    assert server.world.approved == [(workflow["id"], "ar-1")]


def test_a_job_is_read_and_canceled(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, workflow: Json
) -> None:
    server.world.add_build_in_workflow(project, workflow, 7)

    job = circle.v2.job("acme/api", 7)

    assert (job.number, job.name, job.workflow_id, job.duration) == (7, "test", workflow["id"], 61.0)
    assert (job.executor, job.resource_class, job.project_id) == ("docker", "medium", project.id)
    assert circle.v2.cancel_job("acme/api", 7) == "Accepted."
    assert server.requests[1].path == "/api/v2/project/gh/acme/api/job/7/cancel"


def test_artifacts_and_tests_are_listed_over_pages(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.add_build(project, 7)
    for number in range(45):
        server.world.add_artifact(project, 7, f"{number}.txt", b"")
    project.tests[7] = [
        {"name": f"t{number}", "result": "success", "run_time": "0.5"} for number in range(25)
    ]

    assert len(list(circle.v2.artifacts("acme/api", 7))) == 45
    assert [test.run_time for test in circle.v2.tests("acme/api", 7)] == [0.5] * 25
    assert server.requests[0].path == "/api/v2/project/gh/acme/api/7/artifacts"
    assert server.requests[1].path == "/api/v2/project/gh/acme/api/7/artifacts?page-token=next-20"


def test_a_pipeline_is_run(circle: CircleCI, server: CircleCIServer, project: FakeProject) -> None:
    start = circle.v2.run_pipeline("acme/api", branch="main", definition="d-1", parameters={"deploy": True})

    assert (start.id in server.world.pipelines, start.number, start.state) == (True, 1, "pending")
    assert server.requests[0].json == {
        "config": {"branch": "main"},
        "checkout": {"branch": "main"},
        "definition_id": "d-1",
        "parameters": {"deploy": True},
    }


def test_a_pipeline_that_is_not_started_has_no_id_but_words(circle: CircleCI, project: FakeProject) -> None:
    start = circle.v2.run_pipeline("acme/api", branch="skip")

    assert (start.id, start.message) == (None, "Pipeline was skipped: [ci skip]")


def test_a_pipeline_is_triggered_the_older_way(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    assert circle.v2.trigger_pipeline("acme/api", tag="v1", parameters={"deploy": 1}).number == 1
    assert server.requests[0].path == "/api/v2/project/gh/acme/api/pipeline"
    assert server.requests[0].json == {"tag": "v1", "parameters": {"deploy": 1}}


def test_a_branch_and_a_tag_exclude_each_other(circle: CircleCI) -> None:
    with pytest.raises(UsageError, match="not of both"):
        circle.v2.run_pipeline("acme/api", branch="main", tag="v1")


def test_pipeline_definitions_are_listed(circle: CircleCI, project: FakeProject) -> None:
    project.definitions = [{"id": "d-1", "name": "build-and-test"}]

    (definition,) = circle.v2.pipeline_definitions(project.id)

    assert (definition.id, definition.name) == ("d-1", "build-and-test")


@pytest.mark.parametrize("mark", ["_", "-"])
def test_flaky_tests_are_read_with_either_spelling(
    mark: str, circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    test = {"test_name": "opens", "classname": "door", "file": "", "times_flaked": 3, "job_number": 7}
    body = {"flaky_tests": [{key.replace("_", mark): value for key, value in test.items()}]}
    server.script("GET", "/flaky-tests$", says(200, {k.replace("_", mark): v for k, v in body.items()}))

    (found,) = circle.v2.flaky_tests("acme/api")

    assert (found.name, found.file, found.times_flaked, found.job_number) == ("opens", None, 3, 7)
    assert server.requests[0].path == "/api/v2/insights/gh/acme/api/flaky-tests"


def test_webhooks_are_made_listed_changed_and_deleted(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    made = circle.v2.create_webhook(
        project.id,
        name="relay",
        url="https://relay.acme.example/hooks",
        signing_secret=Secret("s3cret-of-ours"),
    )

    assert server.requests[0].json == {
        "name": "relay",
        "url": "https://relay.acme.example/hooks",
        "events": ["workflow-completed", "job-completed"],
        "signing-secret": "s3cret-of-ours",
        "verify-tls": True,
        "scope": {"id": project.id, "type": "project"},
    }
    assert list(circle.v2.webhooks(project.id)) == [made]
    assert (made.project_id, made.verify_tls) == (project.id, True)
    assert made.id is not None

    changed = circle.v2.update_webhook(made.id, name="relay 2", signing_secret=Secret("new"))
    assert changed.name == circle.v2.webhook(made.id).name == "relay 2"
    assert circle.v2.delete_webhook(made.id) == "Webhook deleted."
    with pytest.raises(NotFound, match="Webhook not found"):
        circle.v2.webhook(made.id)


def test_a_webhook_prints_neither_secret_nor_address(circle: CircleCI, project: FakeProject) -> None:
    url = "https://relay.acme.example/hooks/circleci/token-in-the-path"
    made = circle.v2.create_webhook(
        project.id, name="relay", url=url, signing_secret=Secret("s3cret-of-ours")
    )

    assert made.url == url
    assert "token-in-the-path" not in repr(made)
    assert "s3cret-of-ours" not in repr(made)
