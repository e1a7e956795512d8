"""The webhook that CircleCI sends when an attempt has ended."""

import json
from datetime import datetime

from benchmarks.retrying.ci import Attempt
from relay.ids import id_at, new_id
from relay.payloads import peek
from relay.store import Arrival

CONTENT_TYPE = "application/json"


def arrival_of(attempt: Attempt) -> Arrival:
    """As it comes at the time of its end."""
    body = json.dumps(_hook(attempt)).encode()
    seen = peek(body, CONTENT_TYPE)
    return Arrival(
        id=id_at(attempt.ended.timestamp())[:10] + new_id()[10:],
        dedupe_key=seen.dedupe_key,
        received_at=attempt.ended,
        kind=seen.kind,
        generation=seen.generation,
        type=seen.type,
        source_id=seen.source_id,
        content_type=CONTENT_TYPE,
        body=body,
    )


def _hook(attempt: Attempt) -> dict[str, object]:
    commit = attempt.commit
    name = commit.project.rpartition("/")[2]
    return {
        "id": f"end-of-{attempt.id}",
        "type": "workflow-completed",
        "happened_at": _stamp(attempt.ended),
        "webhook": {"id": "hook", "name": "relay"},
        "project": {"id": f"id-of-{name}", "name": name, "slug": f"github/acme/{name}"},
        "organization": {"id": "acme-id", "name": "acme"},
        "workflow": {
            "id": attempt.id,
            "name": "build",
            "status": "failed" if attempt.failed else "success",
            "created_at": _stamp(attempt.began),
            "stopped_at": _stamp(attempt.ended),
            "url": f"https://app.circleci.com/pipelines/github/acme/{name}/{commit.number}/workflows/{attempt.id}",
        },
        "pipeline": {
            "id": f"pipeline-{commit.sha}",
            "number": commit.number,
            "created_at": _stamp(commit.at),
            "trigger": {"type": "webhook"},
            "vcs": _vcs(attempt, f"https://github.com/acme/{name}"),
        },
    }


def _vcs(attempt: Attempt, repository: str) -> dict[str, object]:
    author = "alice" if int(attempt.commit.sha, 16) % 2 else "bob"
    return {
        "provider_name": "github",
        "origin_repository_url": repository,
        "target_repository_url": repository,
        "revision": attempt.commit.sha,
        "branch": attempt.commit.branch,
        "commit": {
            "subject": "Add a door",
            "body": "",
            "author": {"name": author, "email": f"{author}@example.com"},
        },
    }


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
