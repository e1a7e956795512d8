"""Starting, stopping and going on: what is sent, what is said, and never two of anything."""

import json

import pytest

from tests.cli_circleci.conftest import Relay
from tests.fakes.circleci_server import CircleCIServer, lost, page, says
from tests.fakes.circleci_world import FakeProject, Json


def test_retry_runs_the_workflow_of_a_build_from_its_failed_jobs(
    relay: Relay, server: CircleCIServer, build: Json
) -> None:
    result = relay("retry", "123", "-p", "acme/api")

    new = list(server.world.workflows)[-1]
    assert result.stdout == f"started workflow {new}, through v2 rerun\n"
    assert result.stderr == f"`relay circleci workflow {new}` shows it\n"
    assert server.asked("POST")[0].json == {"from_failed": True}


def test_retry_from_start_runs_everything(relay: Relay, server: CircleCIServer, build: Json) -> None:
    relay("retry", "123", "-p", "acme/api", "--from", "start")

    assert server.asked("POST")[0].json == {}


def test_retry_with_ssh_is_of_the_job_that_was_named(
    relay: Relay, server: CircleCIServer, workflow: Json
) -> None:
    relay("retry", "123", "-p", "acme/api", "--ssh")

    job = server.world.jobs[workflow["id"]][0]["id"]
    assert server.asked("POST")[0].json == {"enable_ssh": True, "jobs": [job]}


def test_retry_through_v1_tells_the_new_build_and_that_the_call_ends(
    relay: Relay, server: CircleCIServer, build: Json
) -> None:
    result = relay("retry", "123", "-p", "acme/api", "--api", "v1")

    assert result.stdout == "started build 124, through v1 retry\n"
    assert result.stderr == (
        "note: CircleCI ends POST /api/v1/project/{project}/{number}/retry "
        "(Deprecation: @1769904000; Sunset: Mon, 01 Feb 2027 00:00:00 GMT)\n"
        "`relay circleci build 124 -p gh/acme/api` shows it\n"
    )


def test_retry_through_v1_goes_on_to_v2_when_it_has_ended_and_says_so(
    relay: Relay, server: CircleCIServer, build: Json
) -> None:
    server.world.gone = True

    result = relay("retry", "123", "-p", "acme/api", "--api", "v1")

    assert result.exit_code == 0
    assert "started workflow" in result.stdout
    assert result.stderr.startswith(
        "note: POST /api/v1/project/acme/api/123/retry answered 410 Gone; ran it again through API v2\n"
    )


def test_a_retry_that_will_not_run_is_a_no(relay: Relay, project: FakeProject, build: Json) -> None:
    project.dont_build = "no-followers"

    result = relay("retry", "123", "-p", "acme/api", "--api", "v1.1")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("\nnothing was started: no-followers\n")


def test_a_lost_answer_says_how_to_look_and_the_look_finds_it(
    relay: Relay, server: CircleCIServer, workflow: Json
) -> None:
    workflow["created_at"] = server.world.now()
    server.script("POST", "/rerun$", lost())

    result = relay("retry", workflow["id"])
    look = relay("child", workflow["id"])

    new = list(server.world.workflows)[-1]
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(
        "it may have been carried out all the same, look before repeating it: "
        f"`relay circleci child {workflow['id']}` shows what came of it\n"
    )
    assert len(server.asked("POST", "/rerun$")) == 1
    assert look.stdout == f"workflow {new}, found in the same pipeline\n"


def test_child_finds_the_build_that_retries_another(relay: Relay, build: Json) -> None:
    relay("retry", "123", "-p", "acme/api", "--api", "v1.1")

    result = relay("child", "123", "-p", "acme/api")
    known = relay("child", "123", "-p", "acme/api", "--known", "124")

    assert result.stdout == "build 124, found by the build's retries\n"
    assert (known.exit_code, known.stderr) == (1, "nothing was run again from build 123 of gh/acme/api\n")


def test_rerun_takes_jobs_by_name(relay: Relay, server: CircleCIServer, workflow: Json) -> None:
    relay("rerun", workflow["id"], "--job", "test", "--ssh", "--sparse-tree")

    job = server.world.jobs[workflow["id"]][0]["id"]
    assert server.asked("POST")[0].json == {"enable_ssh": True, "sparse_tree": True, "jobs": [job]}


def test_rerun_of_an_unknown_job_suggests_one(relay: Relay, server: CircleCIServer, workflow: Json) -> None:
    result = relay("rerun", workflow["id"], "--job", "tset")

    assert (result.exit_code, result.stderr) == (
        1,
        "no job of the workflow is called tset, did you mean test?\n",
    )
    assert server.asked("POST") == []


def test_rerun_with_ssh_needs_a_job(relay: Relay, server: CircleCIServer, workflow: Json) -> None:
    result = relay("rerun", workflow["id"], "--ssh")

    assert result.exit_code == 2
    assert server.requests == []


def test_a_rerun_that_circleci_refuses_is_told_in_its_words(
    relay: Relay, server: CircleCIServer, workflow: Json
) -> None:
    workflow["status"] = "success"

    result = relay("rerun", workflow["id"])

    assert (result.exit_code, result.stderr) == (
        1,
        f"POST /api/v2/workflow/{workflow['id']}/rerun answered 400: workflow has no failed jobs\n",
    )


def test_trigger_sends_typed_parameters(relay: Relay, server: CircleCIServer, project: FakeProject) -> None:
    given = ["deploy=true", "count=3", 'name="7"', "ratio=1.5", "empty=", "text=a=b", "list=[1]"]
    server.script("POST", "/pipeline/run$", says(201, {"id": "new", "number": 9}))

    result = relay("trigger", "acme/api", "--branch", "main", *(f"-P{each}" for each in given))

    assert result.stdout == "started pipeline 9 (new), through v2 pipeline/run\n"
    assert server.asked("POST")[0].json == {
        "config": {"branch": "main"},
        "checkout": {"branch": "main"},
        "parameters": {
            "deploy": True,
            "count": 3,
            "name": "7",
            "ratio": "1.5",
            "empty": "",
            "text": "a=b",
            "list": "[1]",
        },
    }


def test_trigger_with_build_parameters_starts_a_build_through_v1_1(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    result = relay("trigger", "acme/api", "--branch", "release/7", "--build-parameter", "SUITE=slow")

    assert result.stdout == "started build 1, through v1.1 trigger\n"
    assert server.asked("POST")[0].json == {"build_parameters": {"SUITE": "slow"}}


def test_trigger_in_parallel_of_a_tag(relay: Relay, server: CircleCIServer, project: FakeProject) -> None:
    relay("trigger", "acme/api", "--tag", "v7", "--parallel", "4")

    assert server.asked("POST")[0].json == {"tag": "v7", "parallel": 4}


def test_a_pipeline_that_was_skipped_is_a_no(relay: Relay, project: FakeProject) -> None:
    result = relay("trigger", "acme/api", "--branch", "skip")

    assert (result.exit_code, result.stdout, result.stderr) == (
        1,
        "",
        "nothing was started: Pipeline was skipped: [ci skip]\n",
    )


@pytest.mark.parametrize(
    ("words", "look"),
    [
        (("--branch", "main"), "pipelines gh/acme/api --branch main"),
        (("--branch", "main", "--build-parameter", "A=b"), "builds gh/acme/api --branch main"),
        (("--api", "v1"), "builds gh/acme/api"),
    ],
)
def test_an_unclear_trigger_says_how_to_look(
    relay: Relay, server: CircleCIServer, project: FakeProject, words: tuple[str, ...], look: str
) -> None:
    server.script("POST", "", page(502))

    result = relay("trigger", "acme/api", *words)

    assert result.exit_code == 1
    assert result.stderr.endswith(f"`relay circleci {look}` shows what came of it\n")
    assert len(server.asked("POST")) == 1


@pytest.mark.parametrize(
    "words",
    [
        "--branch main --tag v7",
        "--branch main --tag v7 --endpoint tree",
        "-P deploy=true --build-parameter A=b",
        "-P deploy=true --endpoint tree",
        "-P deploy=true --endpoint build",
        "--build-parameter A=b --endpoint run",
        "--definition x --endpoint pipeline",
        "--endpoint build --api v1",
        "--build-parameter A-B=c",
        "-P deploy",
        "-P =x",
    ],
)
def test_what_cannot_be_started_is_a_usage_error(relay: Relay, server: CircleCIServer, words: str) -> None:
    result = relay("trigger", "acme/api", *words.split())

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert server.requests == []


def test_cancel_tells_how_the_build_stands(relay: Relay, build: Json) -> None:
    result = relay("cancel", "123", "-p", "acme/api")

    assert result.stdout == "build 123 of gh/acme/api: failed\n"


def test_cancel_stops_a_workflow(relay: Relay, workflow: Json) -> None:
    result = relay("cancel", workflow["id"])

    assert result.stdout == f"workflow {workflow['id']} is being stopped: Accepted.\n"
    assert workflow["status"] == "canceled"


def test_cancel_goes_to_v2_when_v1_1_has_ended(relay: Relay, server: CircleCIServer, build: Json) -> None:
    server.script("POST", "/cancel$", says(410, {"message": "This endpoint has been removed."}))

    result = relay("cancel", "123", "-p", "acme/api")

    assert result.stdout == "build 123 of gh/acme/api is being stopped: Accepted.\n"


def test_approve_takes_the_only_job_that_waits(relay: Relay, server: CircleCIServer, workflow: Json) -> None:
    result = relay("approve", workflow["id"])

    request = server.world.jobs[workflow["id"]][1]["approval_request_id"]
    assert result.stdout == f"approved hold of workflow {workflow['id']}: Accepted.\n"
    assert server.world.approved == [(workflow["id"], request)]


def test_approve_asks_which_of_several(relay: Relay, server: CircleCIServer, workflow: Json) -> None:
    jobs = server.world.jobs[workflow["id"]]
    jobs.append({**jobs[1], "id": server.world.new_id(), "name": "deploy", "approval_request_id": "r2"})

    asked, done = relay("approve", workflow["id"]), relay("approve", workflow["id"], "deploy")

    assert (asked.exit_code, asked.stderr) == (2, "several jobs wait, say which: hold, deploy\n")
    assert done.exit_code == 0
    assert server.world.approved == [(workflow["id"], "r2")]


def test_approve_says_when_nothing_waits(relay: Relay, server: CircleCIServer, workflow: Json) -> None:
    del server.world.jobs[workflow["id"]][1]

    result = relay("approve", workflow["id"])

    assert (result.exit_code, result.stderr) == (
        1,
        f"no job of workflow {workflow['id']} waits for an approval\n",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("clear-cache acme/api", "cleared the cache of gh/acme/api: build dependency caches deleted"),
        ("envvar delete OLD -p acme/api", "deleted OLD of gh/acme/api: ok"),
        ("disable acme/api", "CircleCI no longer builds gh/acme/api"),
        ("unfollow acme/api", "you no longer follow gh/acme/api"),
        ("ssh-users 123 -p acme/api", "build 123 of gh/acme/api lets in: alice"),
        (
            "ssh-key delete host.example aa:bb -p acme/api",
            "deleted SSH key aa:bb for host.example of gh/acme/api",
        ),
    ],
)
def test_what_was_done_is_said(
    relay: Relay, project: FakeProject, build: Json, words: str, said: str
) -> None:
    project.envvars["OLD"] = "value"

    assert relay(*words.split()).stdout == f"{said}\n"


def test_follow_tells_the_first_build(relay: Relay, server: CircleCIServer, project: FakeProject) -> None:
    server.script("POST", "/follow$", says(200, {"followed": True, "first_build": {"build_num": 1}}))

    assert relay("follow", "acme/api").stdout == "you follow gh/acme/api; build 1 was started\n"


def test_whole_workflows_are_started_through_the_old_endpoint(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    result = relay("trigger", "acme/api", "--endpoint", "build", "--branch", "main", "--json")

    assert json.loads(result.stdout) == {"body": "Build created"}
    assert server.asked("POST")[0].json == {"branch": "main"}
