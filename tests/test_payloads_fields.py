"""What each scenario's webhook becomes, field by field, for the fields the scenario is about."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from relay.fields import lookup
from relay.model import Event, EventKind, FailedStep, Generation, PullRequest, Status
from relay.payloads import parse
from tests.factories import NOON, OTHER_SHA, SHA, uuid_of

WEBHOOKS = Path(__file__).parent / "fixtures" / "webhooks"

WANTED: dict[str, dict[str, Any]] = {
    "classic_1_0_success": {
        "event": EventKind.BUILD,
        "generation": Generation.CLASSIC,
        "type": None,
        "status": Status.SUCCESS,
        "project.slug": "gh/acme/api",
        "project.org": "acme",
        "project.name": "api",
        "project.vcs": "github",
        "project.url": "https://github.com/acme/api",
        "branch": "main",
        "tag": None,
        "fork": False,
        "number": 42,
        "url": "https://circleci.com/gh/acme/api/42",
        "duration": 61.5,
        "started_at": datetime(2026, 11, 23, 11, 55, tzinfo=UTC),
        "finished_at": datetime(2026, 11, 23, 11, 56, 1, 500_000, tzinfo=UTC),
        "commit.sha": SHA,
        "commit.short_sha": "a1b2c3d",
        "commit.subject": "Cache the price list",
        "commit.body": None,
        "commit.url": f"https://github.com/acme/api/commit/{SHA}",
        "author.name": "Alice Archer",
        "author.email": "alice@example.com",
        "author.login": "alice",
        "author.bot": False,
        "trigger": "push",
        "build.platform": "1.0",
        "build.lifecycle": "finished",
        "job.name": None,
        "workflow.id": None,
        "previous.status": None,
        "failed_steps": (),
        "received_at": NOON,
    },
    "classic_1_0_fixed": {"status": Status.SUCCESS, "build.status": "fixed", "previous.status": None},
    "classic_2_0_failed": {
        "status": Status.FAILED,
        "duration": 200.25,
        "job.name": None,
        "failed_steps": (
            FailedStep(name="Test", status="failed", exit_code=1, containers=(1, 2), step=104),
            FailedStep(
                name="Upload", status="infrastructure_fail", exit_code=None, containers=(0,), step=105
            ),
        ),
    },
    "classic_2_0_job_of_workflow_failed": {
        "event": EventKind.BUILD,
        "status": Status.FAILED,
        "number": 5012,
        "job.name": "test",
        "job.number": 5012,
        "job.id": uuid_of("job", "test", 5012),
        "job.url": "https://circleci.com/gh/acme/api/5012",
        "workflow.name": "build-and-deploy",
        "workflow.id": uuid_of("workflow", "build-and-deploy", 7812),
        "commit.sha": OTHER_SHA,
        "commit.body": "Largest item first.\n\nCloses #31",
        "commit.committer.name": "Alice Archer",
        "author.name": "Bob Baker",
        "author.login": "bob",
        "build.parameters": {"CIRCLE_JOB": "test"},
        "failed_steps.name": ("run tests",),
    },
    "classic_canceled": {
        "status": Status.CANCELED,
        "duration": 30.807,
        "failed_steps.name": ("Error executing build steps",),
    },
    "classic_timedout": {
        "status": Status.TIMEDOUT,
        "duration": 770.258,
        "failed_steps.status": ("timedout",),
    },
    "classic_infrastructure_fail_retried": {
        "status": Status.INFRASTRUCTURE_FAIL,
        "build.status": "retried",
        "build.retries": (62,),
        "duration": None,
    },
    "classic_no_tests": {"status": Status.NO_TESTS, "trigger": "api"},
    "classic_not_run": {"status": Status.NOT_RUN, "started_at": None, "duration": None},
    "classic_tag_build": {"branch": None, "tag": "v1.4.0", "trigger": "edit"},
    "classic_bitbucket_pull_request": {
        "status": Status.FAILED,
        "project.slug": "bb/acme/shop",
        "project.vcs": "bitbucket",
        "branch": "sort-basket",
        "fork": False,
        "pull_requests": (PullRequest(url="https://bitbucket.org/acme/shop/pull-requests/12", number=12),),
        "commit.url": f"https://bitbucket.org/acme/shop/commits/{SHA}",
        "commit.committer.name": None,
        "author.login": "alice",
    },
    "classic_github_enterprise": {
        "project.slug": "gh/acme/api",
        "project.vcs": "github",
        "project.url": "https://git.acme.example/acme/api",
        "branch": "main",
        "url": "https://ci.acme.example/gh/acme/api/7",
        "commit.url": f"https://git.acme.example/acme/api/commit/{SHA}",
        "author.login": "alice",
        "trigger": "first-build",
    },
    "classic_retry": {
        "trigger": "retry",
        "build.why": "retry",
        "build.retry_of": 43,
        "branch": "pull/17",
        "fork": True,
        "pull_requests": (PullRequest(url="https://github.com/acme/api/pull/17", number=17),),
        "commit.author.name": None,
        "author.name": "Bob Baker",
        "author.login": "bob",
    },
    "github_workflow_success": {
        "event": EventKind.WORKFLOW,
        "generation": Generation.MODERN,
        "type": "workflow-completed",
        "status": Status.SUCCESS,
        "project.slug": "gh/acme/api",
        "project.org": "acme",
        "project.name": "api",
        "project.vcs": "github",
        "project.id": uuid_of("project", "api"),
        "branch": "main",
        "number": 7812,
        "url": "https://app.circleci.com/pipelines/github/acme/api/7812/workflows/"
        + uuid_of("workflow", "build-and-deploy", 7812),
        "duration": 252.5,
        "started_at": datetime(2026, 11, 23, 11, 55, 47, 500_000, tzinfo=UTC),
        "finished_at": NOON,
        "commit.subject": "Cache the price list",
        "commit.body": "It is read on each request.",
        "commit.url": f"https://github.com/acme/api/commit/{SHA}",
        "author.name": "Alice Archer",
        "author.email": "alice@example.com",
        "author.login": None,
        "trigger": "push",
        "job.name": None,
        "workflow.name": "build-and-deploy",
        "workflow.created_at": datetime(2026, 11, 23, 11, 55, 47, 500_000, tzinfo=UTC),
        "pipeline.id": uuid_of("pipeline", 7812),
        "pipeline.number": 7812,
        "pipeline.created_at": datetime(2026, 11, 23, 11, 55, 46, 500_000, tzinfo=UTC),
    },
    "github_workflow_failed": {"status": Status.FAILED, "number": 7813},
    "github_workflow_failed_fork": {
        "branch": "pull/42",
        "fork": True,
        "project.url": "https://github.com/acme/api",
        "pull_requests": (PullRequest(url="https://github.com/acme/api/pull/42", number=42),),
        "commit.url": f"https://github.com/acme/api/commit/{OTHER_SHA}",
        "author.login": "dave",
    },
    "github_job_failed": {
        "event": EventKind.JOB,
        "status": Status.FAILED,
        "number": 9301,
        "duration": 84.25,
        "job.name": "test",
        "job.number": 9301,
        "job.url": "https://app.circleci.com/pipelines/github/acme/api/7813/workflows/"
        + uuid_of("workflow", "build-and-deploy", 7813)
        + "/jobs/9301",
        "url": "https://app.circleci.com/pipelines/github/acme/api/7813/workflows/"
        + uuid_of("workflow", "build-and-deploy", 7813)
        + "/jobs/9301",
        "workflow.name": "build-and-deploy",
        "pipeline.number": 7813,
    },
    "github_tag_workflow": {"branch": None, "tag": "v2.0.0", "commit.sha": SHA, "commit.subject": None},
    "github_tag_workflow_without_tag": {"branch": None, "tag": None, "fork": False, "author.name": None},
    "github_workflow_dependabot": {
        "author.name": "dependabot[bot]",
        "author.login": "dependabot[bot]",
        "author.bot": True,
    },
    "github_app_workflow_failed": {
        "status": Status.FAILED,
        "project.slug": "circleci/Tg3xCkVdJ9mRzq1wYbN5hs/Kd5rHy9cJm3gWp7oVuZ2ie",
        "project.org": "acme",
        "project.name": "mobile",
        "project.vcs": "github",
        "project.url": "https://github.com/acme/mobile",
        "branch": "main",
        "tag": None,
        "commit.subject": "Draw the splash screen once",
        "commit.url": f"https://github.com/acme/mobile/commit/{SHA}",
        "author.name": "Bob Baker",
        "author.login": "bob",
        "trigger": "push",
    },
    "github_app_job_success": {
        "event": EventKind.JOB,
        "project.org": None,
        "project.name": None,
        "project.vcs": "github",
        "project.url": None,
        "branch": "setup",
        "number": 12,
        "commit.subject": "CircleCI Commit",
        "commit.url": None,
        "author.name": None,
        "trigger": "api",
    },
    "bitbucket_workflow_success": {
        "project.slug": "bb/acme/shop",
        "project.vcs": "bitbucket",
        "commit.url": f"https://bitbucket.org/acme/shop/commits/{SHA}",
        "commit.committer.name": None,
        "author.name": "Alice Archer",
    },
    "bitbucket_api_trigger": {
        "status": Status.SUCCESS,
        "branch": "main",
        "commit.subject": None,
        "author.name": None,
        "trigger": "api",
    },
    "gitlab_workflow_failed": {
        "status": Status.FAILED,
        "project.slug": "circleci/Tg3xCkVdJ9mRzq1wYbN5hs/Pw8sLu2nEf6vBt4aQzX7ky",
        "project.org": "acme",
        "project.name": "web",
        "project.vcs": "gitlab",
        "project.url": "https://gitlab.com/acme/shop/web",
        "branch": "main",
        "tag": None,
        "fork": False,
        "commit.subject": "Round prices up",
        "commit.body": "As the shop asked for.",
        "commit.url": f"https://gitlab.com/acme/shop/web/-/commit/{SHA}",
        "author.name": "Carol Cook",
        "author.login": "carol",
        "trigger": "push",
    },
    "gitlab_job_without_workflow": {
        "event": EventKind.JOB,
        "branch": "round-up",
        "fork": True,
        "trigger": "pr",
        "number": 64,
        "workflow.id": None,
        "url": None,
        "duration": None,
        "finished_at": datetime(2026, 11, 23, 12, 0, 0, 127, tzinfo=UTC),
    },
    "workflow_canceled": {"status": Status.CANCELED, "duration": 0.0},
    "workflow_unauthorized": {"status": Status.UNAUTHORIZED, "trigger": "schedule"},
    "ping": {
        "event": EventKind.PING,
        "status": Status.UNKNOWN,
        "project.slug": "unknown",
        "number": None,
        "finished_at": None,
    },
    "unknown_type": {
        "event": EventKind.UNKNOWN,
        "type": "workflow-started",
        "status": Status.UNKNOWN,
        "project.slug": "gh/acme/api",
        "branch": "main",
        "finished_at": None,
    },
    "lookalike_curl": {
        "generation": Generation.LOOKALIKE,
        "event": EventKind.BUILD,
        "status": Status.FAILED,
        "project.slug": "gh/acme/api",
        "number": 48056,
        "branch": "main",
    },
    "lookalike_build_parameters": {
        "generation": Generation.LOOKALIKE,
        "status": Status.FAILED,
        "project.slug": "gh/acme/api-e2e",
        "number": 12345,
        "branch": "dark-theme",
        "commit.sha": SHA,
    },
    "lookalike_flat": {
        "generation": Generation.LOOKALIKE,
        "status": Status.SUCCESS,
        "number": 907,
        "job.name": "deploy",
        "workflow.id": uuid_of("workflow", "flat"),
        "workflow.url": "https://circleci.com/workflow-run/" + uuid_of("workflow", "flat"),
        "pull_requests.number": (88,),
        "author.login": "bob",
    },
    "lookalike_camel_case": {
        "generation": Generation.LOOKALIKE,
        "status": Status.FAILED,
        "project.slug": "gh/acme/api",
        "project.url": "https://github.com/acme/api",
        "number": 42,
        "branch": "main",
        "tag": None,
        "job.name": "build",
        "pull_requests.number": (7, 8),
        "author.login": "carol",
        "commit.url": f"https://github.com/acme/api/commit/{SHA}",
    },
    "lookalike_payload_is_text": {
        "generation": Generation.LOOKALIKE,
        "status": Status.FAILED,
        "project.slug": "gh/acme/api",
        "number": 43,
        "author.login": "alice",
    },
}


def parse_file(name: str) -> Event:
    return parse((WEBHOOKS / f"{name}.json").read_bytes(), "application/json", id="ours", received_at=NOON)


def test_every_webhook_has_its_expectations() -> None:
    assert {path.stem for path in WEBHOOKS.glob("*.json")} == set(WANTED)


@pytest.mark.parametrize("name", WANTED)
def test_a_webhook_becomes_the_event_it_tells_of(name: str) -> None:
    event = parse_file(name)

    assert {field: lookup(event, field) for field in WANTED[name]} == WANTED[name]


def test_the_event_has_our_id_and_theirs() -> None:
    event = parse_file("ping")

    assert (event.id, event.source_id) == ("ours", uuid_of("ping"))


def test_nothing_secret_of_a_build_is_carried_over() -> None:
    texts = repr([parse_file(name) for name in WANTED if name.startswith("classic")])

    assert not [
        word for word in ("k3y-in-the-config", "203.0.113.7", "10.0.0.7", "pipefail") if word in texts
    ]
