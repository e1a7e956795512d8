"""Renames what scripts send into the words of a classic build.

Known senders: a curl in a CI script (five fields under `payload`), browser-test runners that keep the branch
in `build_parameters`, the eddiewebb/webhook orb (flat), the mattermost notify orb (flat, CamelCase).
"""

from collections.abc import Mapping
from typing import Any

from relay.payloads.record import Record

_CAMEL = {
    "CircleBuildNumber": "build_num",
    "CircleBuildURL": "build_url",
    "Organization": "username",
    "Repository": "reponame",
    "RepositoryURL": "vcs_url",
    "Branch": "branch",
    "Tag": "vcs_tag",
    "Commit": "vcs_revision",
}
_PARAMETERS = {"branch": "branch", "sha": "vcs_revision"}


def is_build(fields: Mapping[str, Any]) -> bool:
    """Whether something here names a build: its number, its page, or a result and a repository."""
    build = Record(as_classic(fields))
    has_result = build.line("outcome", "status") and build.line("vcs_url", "reponame")
    return bool(has_result or build.number("build_num") is not None or build.link("build_url"))


def as_classic(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same build in classic words; words that are classic already win."""
    renamed = {
        **_from_parameters(Record(fields)),
        **{ours: fields[theirs] for theirs, ours in _CAMEL.items() if theirs in fields},
        **_result(fields),
        **_workflow(Record(fields)),
        **_pull_requests(Record(fields)),
    }
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    return {**renamed, **given, **_user(fields)}


def _from_parameters(build: Record) -> dict[str, Any]:
    """Only for builds without a number: to genuine builds parameters are just parameters."""
    if build.number("build_num") is not None:
        return {}
    parameters = build.record("build_parameters").fields
    return {ours: parameters[theirs] for theirs, ours in _PARAMETERS.items() if theirs in parameters}


def _result(fields: Mapping[str, Any]) -> dict[str, Any]:
    if Record(fields).flag("IsWaitingApproval"):
        return {"status": "on_hold"}
    failed = fields.get("IsFailed")
    return {"status": "failed" if failed else "success"} if isinstance(failed, bool) else {}


def _workflow(fields: Record) -> dict[str, Any]:
    words = {
        "job_name": fields.line("JobName", "job"),
        "workflow_id": fields.line("WorkflowID", "workflow_id"),
        "workflow_url": fields.link("workflow_url"),
    }
    known = {name: value for name, value in words.items() if value}
    return {"workflows": known} if known else {}


def _pull_requests(fields: Record) -> dict[str, Any]:
    text = fields.line("AssociatedPullRequests", "pull_request") or ""
    links = [part.strip() for part in text.split(",") if part.strip()]
    return {"pull_requests": links} if links else {}


def _user(fields: Mapping[str, Any]) -> dict[str, Any]:
    login = Record(fields).line("Username", "user")
    return {"user": {"login": login}} if login else {}
