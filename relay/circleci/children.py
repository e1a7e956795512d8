"""Looks for what a call with a lost answer may have started."""

from collections.abc import Collection
from datetime import datetime

from relay.circleci.slugs import Slug
from relay.circleci.started import Apis, Kind, Started, started_build
from relay.circleci.types.pipelines import Workflow

LOOKED_AT = 100  # newest builds of the project


def child_workflow(apis: Apis, workflow: str, known: Collection[str]) -> Started | None:
    """The oldest workflow of the same name and pipeline that is newer and not known. GETs only."""
    root = apis.v2.workflow(workflow)
    if root.pipeline_id is None or root.created_at is None:
        return None
    passed = {workflow, *known}
    siblings = apis.v2.pipeline_workflows(root.pipeline_id)
    newer = [
        (made, one)
        for one in siblings
        if one.name == root.name
        and one.id not in passed
        and (made := one.created_at)
        and made > root.created_at
    ]
    return _started(min(newer, key=_time)[1]) if newer else None


def child_build(apis: Apis, project: Slug, number: int, known: Collection[str]) -> Started | None:
    """The oldest build that retries this one and is not known. GETs only."""
    retries = [retry for retry in apis.v1_1.build(project, number).retries if str(retry) not in known]
    if retries:
        return started_build(apis.v1_1.build(project, min(retries)), "found by the build's retries")
    recent = apis.v1_1.project_builds(project, limit=LOOKED_AT, shallow=True)
    found = [b for b in recent if b.retry_of == number and str(b.number) not in known]
    oldest = min(found, key=lambda build: build.number, default=None)
    return started_build(oldest, "found among the recent builds") if oldest else None


def _started(workflow: Workflow) -> Started:
    return Started(kind=Kind.WORKFLOW, id=workflow.id, how="found in the same pipeline", raw=workflow.raw)


def _time(found: tuple[datetime, Workflow]) -> datetime:
    return found[0]
