"""Runs a workflow, or a build, again: through v2 where a workflow is known, else the old way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from relay.circleci.errors import Forbidden, Gone, NotABuild, NotFound, Unclear
from relay.circleci.slugs import Slug
from relay.circleci.started import Apis, Kind, RetryFrom, Started, Version, no_build, started_build
from relay.errors import UsageError

_BAD_JOBS = {"failed", "infrastructure_fail", "timedout", "terminated-unknown"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """What is to run again: a workflow, or a build (a job) by its number; `jobs` are UUIDs."""

    project: Slug
    workflow: str | None
    number: int | None
    start: RetryFrom
    jobs: tuple[str, ...]
    ssh: bool
    version: Version
    notes: tuple[str, ...] = ()

    def with_note(self, note: str) -> "Again":
        return replace(self, notes=(*self.notes, note))


def retry(apis: Apis, again: Again) -> Started:
    """Exactly one call that starts something can succeed; each way out is taken only after a clear no."""
    if again.version in {Version.V1, Version.V1_1}:
        return _classic_else_rerun(apis, again)
    found = _with_workflow(apis, again)
    if again.version is Version.V2:
        return _rerun(apis, found)
    return _rerun_else_classic(apis, found)


def _classic_else_rerun(apis: Apis, again: Again) -> Started:
    try:
        return _classic(apis, again)
    except Gone as error:
        found = _with_workflow(apis, again)
        if not found.workflow:
            raise
        return _rerun(
            apis, found.with_note(f"{error.request} answered 410 Gone; ran it again through API v2")
        )


def _rerun_else_classic(apis: Apis, again: Again) -> Started:
    if not again.workflow:
        return _classic(apis, again.with_note("no workflow is known; ran the one build again through v1.1"))
    try:
        return _rerun(apis, again)
    except NotFound as error:
        if again.number is None or again.jobs:
            raise
        note = f"{error}; ran the one build again through v1.1"
        return _classic(apis, again.with_note(note))


def _rerun(apis: Apis, again: Again) -> Started:
    if not again.workflow:
        raise UsageError("API v2 runs workflows again, and none is known for this build")
    jobs = again.jobs or (_jobs_for_ssh(apis, again.workflow, again.number) if again.ssh else ())
    from_failed = again.start is RetryFrom.FAILED and not jobs
    workflow = apis.v2.rerun(again.workflow, from_failed=from_failed, jobs=jobs, enable_ssh=again.ssh)
    if workflow is None:
        request = f"POST /api/v2/workflow/{again.workflow}/rerun"
        raise Unclear("accepted, but the new workflow was not named", request=request, status=202)
    return Started(kind=Kind.WORKFLOW, id=workflow, how="v2 rerun", notes=again.notes)


def _jobs_for_ssh(apis: Apis, workflow: str, number: int | None) -> Sequence[str]:
    """The job of that number, else those that failed: with SSH, CircleCI wants to know which."""
    jobs = list(apis.v2.workflow_jobs(workflow))
    wanted = [job for job in jobs if number is not None and job.number == number]
    wanted = wanted or [job for job in jobs if job.status in _BAD_JOBS]
    if not wanted:
        raise UsageError("there is no failed job to run again with SSH; name one")
    return tuple(job.id for job in wanted if job.id)


def _classic(apis: Apis, again: Again) -> Started:
    if again.number is None:
        raise UsageError("API v1 and v1.1 run builds again, and need a build's number")
    if again.jobs:
        raise UsageError("API v1 and v1.1 run one build again, and take no ids of jobs")
    api, how = apis.classic(again.version), "ssh" if again.ssh else "retry"
    name = f"{api.prefix.rpartition('/')[2]} {how}"
    call = api.retry_with_ssh if again.ssh else api.retry
    try:
        build = call(again.project, again.number)
    except NotABuild as error:
        return no_build(error, name, again.notes)
    return started_build(build, name, notes=again.notes, root=again.number)


def _with_workflow(apis: Apis, again: Again) -> Again:
    """With the workflow of its build filled in, if it can be found."""
    if again.workflow or again.number is None:
        return again
    return replace(again, workflow=_workflow_of(apis, again.project, again.number))


def _workflow_of(apis: Apis, project: Slug, number: int) -> str | None:
    """By the v1.1 build, else by the v2 job."""
    try:
        build = apis.v1_1.build(project, number)
        if build.workflow_id or build.platform == "1.0":
            return build.workflow_id
    except (NotFound, Forbidden, Gone, NotABuild):
        pass  # v2 may know it
    try:
        return apis.v2.job(project, number).workflow_id
    except (NotFound, Forbidden):
        return None
