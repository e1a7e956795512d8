"""Events and webhooks with sensible defaults, of which a test names only what it is about.

The invented world: organization acme, repository api; alice, bob and carol write code.
"""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from relay.model import (
    Author,
    Commit,
    Event,
    EventKind,
    Generation,
    Person,
    Pipeline,
    Project,
    Status,
    Workflow,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
OTHER_SHA = "b2c3d4e5f60718293a4b5c6d7e8f900112233445"
HOOK = {"id": "5b6f0a3e-2f0c-4f0e-9a57-1c8d7e6f5a4b", "name": "relay"}
ALICE = {"name": "Alice Archer", "email": "alice@example.com"}
BOB = {"name": "Bob Baker", "email": "bob@example.com"}

_NAMESPACE = uuid.UUID("0f5bc6a2-6a3e-4c38-9d4b-2b8f1f6f7a10")


def make_event(**overrides: Any) -> Event:
    """A failed workflow on main of gh/acme/api, unless told otherwise."""
    fields: dict[str, Any] = {
        "id": "01kaqz000000000000000event",
        "source_id": "3888f21b-eaa7-38e3-8f3d-75a63bba8895",
        "kind": EventKind.WORKFLOW,
        "generation": Generation.MODERN,
        "type": "workflow-completed",
        "status": Status.FAILED,
        "project": make_project(),
        "branch": "main",
        "number": 7812,
        "url": "https://app.circleci.com/pipelines/github/acme/api/7812/workflows/w-7812",
        "duration": 252.0,
        "started_at": NOON - timedelta(seconds=252),
        "finished_at": NOON,
        "commit": make_commit(),
        "author": Author(name="Alice Archer", email="alice@example.com", login="alice"),
        "trigger": "push",
        "workflow": Workflow(
            id="w-7812",
            name="build-and-deploy",
            url="https://app.circleci.com/pipelines/github/acme/api/7812/workflows/w-7812",
            created_at=NOON - timedelta(seconds=252),
        ),
        "pipeline": Pipeline(id="p-7812", number=7812, created_at=NOON - timedelta(seconds=260)),
        "received_at": NOON,
    }
    return Event(**{**fields, **overrides})


def make_project(**overrides: Any) -> Project:
    fields: dict[str, Any] = {
        "slug": "gh/acme/api",
        "org": "acme",
        "name": "api",
        "vcs": "github",
        "url": "https://github.com/acme/api",
    }
    return Project(**{**fields, **overrides})


def make_commit(**overrides: Any) -> Commit:
    fields: dict[str, Any] = {
        "sha": SHA,
        "short_sha": SHA[:7],
        "subject": "Cache the price list",
        "url": f"https://github.com/acme/api/commit/{SHA}",
        "author": Person(name="Alice Archer", email="alice@example.com"),
        "committer": Person(name="Alice Archer", email="alice@example.com"),
    }
    return Commit(**{**fields, **overrides})


def body(hook: Any) -> bytes:
    """A webhook as it comes over the wire."""
    return json.dumps(hook).encode()


def uuid_of(*parts: object) -> str:
    """The same id for the same parts, so that fixtures and tests can be compared."""
    return str(uuid.uuid5(_NAMESPACE, " ".join(map(str, parts))))


def stamp(time: datetime) -> str:
    """A time as CircleCI writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def classic(**fields: Any) -> dict[str, Any]:
    """The webhook of a successful build on platform 1.0; `fields` are the build's."""
    number = fields.get("build_num", 42)
    build: dict[str, Any] = {
        "vcs_url": "https://github.com/acme/api",
        "build_url": f"https://circleci.com/gh/acme/api/{number}",
        "build_num": number,
        "vcs_type": "github",
        "username": "acme",
        "reponame": "api",
        "branch": "main",
        "vcs_tag": None,
        "vcs_revision": SHA,
        "compare": f"https://github.com/acme/api/compare/{OTHER_SHA[:12]}...{SHA[:12]}",
        "subject": "Cache the price list",
        "body": "",
        "author_name": "Alice Archer",
        "author_email": "alice@example.com",
        "author_date": "2026-11-23T12:50:00+01:00",
        "committer_name": "Alice Archer",
        "committer_email": "alice@example.com",
        "committer_date": "2026-11-23T12:50:00+01:00",
        "all_commit_details": [commit_detail()],
        "all_commit_details_truncated": False,
        "user": {"is_user": True, "login": "alice", "name": "Alice Archer", "vcs_type": "github", "id": 101},
        "why": "github",
        "dont_build": None,
        "usage_queued_at": "2026-11-23T11:54:50.120Z",
        "queued_at": "2026-11-23T11:54:51.301Z",
        "start_time": "2026-11-23T11:55:00.000Z",
        "stop_time": "2026-11-23T11:56:01.500Z",
        "build_time_millis": 61_500,
        "lifecycle": "finished",
        "outcome": "success",
        "status": "success",
        "failed": None,
        "timedout": False,
        "infrastructure_fail": False,
        "canceled": False,
        "canceler": None,
        "retry_of": None,
        "retries": None,
        "previous": {"build_num": 41, "status": "success", "build_time_millis": 60_000},
        "previous_successful_build": {"build_num": 41, "status": "success", "build_time_millis": 60_000},
        "build_parameters": None,
        "parallel": 1,
        "platform": "1.0",
        "messages": [],
        "pull_requests": [],
        "steps": [step("Install", action("npm ci")), step("Test", action("npm test"))],
    }
    return {"payload": {**build, **fields}}


def classic_job(**fields: Any) -> dict[str, Any]:
    """The webhook of a successful job of a workflow on platform 2.0."""
    job = fields.pop("job", "test")
    workflow = fields.pop("workflow", "build-and-deploy")
    number = fields.get("build_num", 5012)
    workflow_id = uuid_of("workflow", workflow, fields.pop("pipeline", 7812))
    platform: dict[str, Any] = {
        "build_num": number,
        "platform": "2.0",
        "fleet": "picard",
        "failed": False,
        "compare": None,
        "build_parameters": {"CIRCLE_JOB": job},
        "workflows": {
            "job_name": job,
            "job_id": uuid_of("job", job, number),
            "workflow_id": workflow_id,
            "workflow_name": workflow,
            "workspace_id": workflow_id,
        },
        "previous": {"build_num": number - 1, "status": "running", "build_time_millis": None},
    }
    return classic(**{**platform, **fields})


def commit_detail(**fields: Any) -> dict[str, Any]:
    detail = {
        "commit": SHA,
        "commit_url": f"https://github.com/acme/api/commit/{SHA}",
        "subject": "Cache the price list",
        "body": "",
        "branch": "main",
        "author_name": "Alice Archer",
        "author_login": "alice",
        "author_email": "alice@example.com",
        "author_date": "2026-11-23T12:50:00+01:00",
        "committer_name": "Alice Archer",
        "committer_login": "alice",
        "committer_email": "alice@example.com",
        "committer_date": "2026-11-23T12:50:00+01:00",
    }
    return {**detail, **fields}


def step(name: str, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "actions": list(actions)}


def action(name: str, **fields: Any) -> dict[str, Any]:
    """One step in one container; it succeeded unless told otherwise."""
    told = {
        "name": name,
        "bash_command": f"#!/bin/bash -eo pipefail\n{name}",
        "type": "test",
        "step": 101,
        "index": 0,
        "parallel": True,
        "status": "success",
        "exit_code": 0,
        "failed": None,
        "timedout": None,
        "canceled": None,
        "infrastructure_fail": None,
        "background": False,
        "insignificant": False,
        "has_output": True,
        "start_time": "2026-11-23T11:55:30.000Z",
        "end_time": "2026-11-23T11:56:00.000Z",
        "run_time_millis": 30_000,
    }
    return {**told, **fields}


def failed_action(name: str, **fields: Any) -> dict[str, Any]:
    return action(name, **{"status": "failed", "failed": True, "exit_code": 1, **fields})


def vcs(
    *,
    provider: str = "github",
    repository: str = "https://github.com/acme/api",
    branch: str | None = "main",
    **fields: Any,
) -> dict[str, Any]:
    """`pipeline.vcs`, as GitHub OAuth and Bitbucket Cloud have it."""
    told = {
        "provider_name": provider,
        "origin_repository_url": repository,
        "target_repository_url": repository,
        "revision": SHA,
        "commit": {
            "subject": "Cache the price list",
            "body": "It is read on each request.",
            "author": ALICE,
            "authored_at": "2026-11-23T11:50:00Z",
            "committer": ALICE,
            "committed_at": "2026-11-23T11:50:00Z",
        },
        "branch": branch,
    }
    return {**told, **fields}


def vcs_commit(subject: str | None, author: dict[str, Any], text: str | None = "") -> dict[str, Any]:
    time = "2026-11-23T11:50:00Z" if subject else None
    return {
        "subject": subject,
        "body": text,
        "author": author,
        "authored_at": time,
        "committer": author,
        "committed_at": time,
    }


def workflow_completed(
    *,
    status: str = "success",
    number: int = 7812,
    name: str = "build-and-deploy",
    pipeline: dict[str, Any] | None = None,
    finished_at: datetime = NOON,
    seconds: float = 252.5,
    **top: Any,
) -> dict[str, Any]:
    """A workflow-completed webhook of gh/acme/api. `pipeline` replaces keys of it, `top` of the event."""
    workflow = _workflow(name, number, finished_at, seconds)
    slug = top.get("project", {}).get("slug", "github/acme/api")
    workflow["url"] = f"https://app.circleci.com/pipelines/{slug}/{number}/workflows/{workflow['id']}"
    return {
        "id": uuid_of("event", slug, name, number, status),
        "type": "workflow-completed",
        **_common(number, finished_at, seconds, pipeline),
        "workflow": {**workflow, "status": status},
        **top,
    }


def job_completed(
    *,
    status: str = "success",
    number: int = 7812,
    name: str = "build-and-deploy",
    job: str = "test",
    job_number: int = 9301,
    pipeline: dict[str, Any] | None = None,
    finished_at: datetime = NOON,
    seconds: float = 84.25,
    **top: Any,
) -> dict[str, Any]:
    """A job-completed webhook; `number` is the pipeline's and `name` the workflow's."""
    hook = workflow_completed(
        status=status, number=number, name=name, pipeline=pipeline, finished_at=finished_at, **top
    )
    slug = hook["project"]["slug"]
    hook["workflow"].pop("status", None)
    own = {
        "id": uuid_of("event", slug, name, number, job, status),
        "type": "job-completed",
        "job": {
            "id": uuid_of("job", job, job_number),
            "name": job,
            "number": job_number,
            "status": status,
            "started_at": stamp(finished_at - timedelta(seconds=seconds)),
            "stopped_at": stamp(finished_at),
        },
    }
    return {**hook, **own, **top}


def ping(**top: Any) -> dict[str, Any]:
    hook = {"id": uuid_of("ping"), "type": "ping", "happened_at": stamp(NOON), "webhook": HOOK}
    return {**hook, **top}


def _workflow(name: str, number: int, finished_at: datetime, seconds: float) -> dict[str, Any]:
    return {
        "id": uuid_of("workflow", name, number),
        "name": name,
        "created_at": stamp(finished_at - timedelta(seconds=seconds)),
        "stopped_at": stamp(finished_at),
    }


def _common(
    number: int, finished_at: datetime, seconds: float, pipeline: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "happened_at": stamp(finished_at)[:-1] + "127Z",
        "webhook": HOOK,
        "project": {"id": uuid_of("project", "api"), "name": "api", "slug": "github/acme/api"},
        "organization": {"id": uuid_of("organization", "acme"), "name": "acme"},
        "pipeline": {
            "id": uuid_of("pipeline", number),
            "number": number,
            "created_at": stamp(finished_at - timedelta(seconds=seconds + 1)),
            "trigger": {"type": "webhook"},
            **(pipeline if pipeline is not None else {"vcs": vcs()}),
        },
    }


def gitlab_parameters(**own: Any) -> dict[str, Any]:
    """`pipeline` keys of a GitLab push to shop/web."""
    gitlab = {
        "type": "push",
        "project_id": "40718",
        "ref": "refs/heads/main",
        "branch": "main",
        "tag": "",
        "checkout_sha": SHA,
        "commit_sha": SHA,
        "commit_title": "Round prices up",
        "commit_message": "Round prices up\n\nAs the shop asked for.",
        "commit_timestamp": "2026-11-23T11:50:00+00:00",
        "commit_author_name": "Carol Cook",
        "commit_author_email": "carol@example.com",
        "user_id": "881",
        "user_name": "Carol Cook",
        "user_username": "carol",
        "user_avatar": "https://avatars.example.com/u/881",
        "web_url": "https://gitlab.com/acme/shop/web",
        "repo_url": "git@gitlab.com:acme/shop/web.git",
        "repo_name": "web",
        "default_branch": "",
        "total_commits_count": "1",
        "x_gitlab_event_id": "",
        "is_fork_merge_request": False,
        **own,
    }
    git = {
        "tag": "",
        "checkout_sha": SHA,
        "ref": "refs/heads/main",
        "branch": "main",
        "checkout_url": "git@gitlab.com:acme/shop/web.git",
    }
    told = {"event_time": stamp(NOON), "event_type": "push", "trigger_type": "gitlab"}
    blocks = {"gitlab": gitlab, "git": {**git, **_shared(own, git)}, "circleci": told}
    return {"trigger": {"type": "gitlab"}, "trigger_parameters": blocks}


def github_app_parameters(**own: Any) -> dict[str, Any]:
    """`pipeline` keys of a push to acme/mobile, seen through the GitHub App."""
    app = {
        "owner": "acme",
        "repo_name": "mobile",
        "repo_url": "https://github.com/acme/mobile",
        "branch": "main",
        "ref": "main",
        "full_ref": "refs/heads/main",
        "commit_sha": SHA,
        "commit_title": "Draw the splash screen once",
        "commit_author_name": "Bob Baker",
        "commit_author_email": "bob@example.com",
        "user_username": "bob",
        "forced": "false",
        **own,
    }
    git = {
        "branch": "main",
        "tag": "",
        "ref": "refs/heads/main",
        "checkout_sha": SHA,
        "checkout_url": "https://github.com/acme/mobile.git",
        "repo_owner": "acme",
        "repo_name": "mobile",
        "repo_url": "https://github.com/acme/mobile",
        "commit_message": app["commit_title"],
        "commit_author_name": app["commit_author_name"],
        "commit_author_email": app["commit_author_email"],
        "author_login": "bob",
        "author_avatar_url": "",
        "default_branch": "main",
    }
    told = {
        "event_time": "2026-11-23 11:50:01.361740256 +0000 UTC",
        "event_type": "push",
        "trigger_type": "github_app",
    }
    blocks = {
        "github_app": app,
        "git": {**git, **_shared(own, git)},
        "circleci": told,
        "webhook": {"body": "{}"},
    }
    return {"trigger": {"type": "webhook"}, "trigger_parameters": blocks}


def _shared(own: dict[str, Any], git: dict[str, Any]) -> dict[str, Any]:
    """What the provider's block and `git` both tell must agree."""
    return {name: value for name, value in own.items() if name in git}


GITLAB_PROJECT = {
    "id": uuid_of("project", "web"),
    "name": "web",
    "slug": "circleci/Tg3xCkVdJ9mRzq1wYbN5hs/Pw8sLu2nEf6vBt4aQzX7ky",
}
GITHUB_APP_PROJECT = {
    "id": uuid_of("project", "mobile"),
    "name": "mobile",
    "slug": "circleci/Tg3xCkVdJ9mRzq1wYbN5hs/Kd5rHy9cJm3gWp7oVuZ2ie",
}
