"""Turns the events of outbound webhooks into an Event: ping, jobs, workflows, types to come."""

from datetime import datetime

from relay.model import Event, EventKind, Generation, Job, Pipeline, Project, Status, Workflow
from relay.payloads import authors, links, words
from relay.payloads.record import Record
from relay.payloads.sources import Source, source_of
from relay.payloads.times import seconds_between

_KINDS = {
    "ping": EventKind.PING,
    "job-completed": EventKind.JOB,
    "workflow-completed": EventKind.WORKFLOW,
}


def kind_of(type: str) -> EventKind:
    """What an event of this type tells about. Types not known yet are no mistake."""
    return _KINDS.get(type, EventKind.UNKNOWN)


def event(hook: Record, *, id: str, received_at: datetime) -> Event:
    """The event a webhook tells of."""
    source = source_of(hook.record("pipeline"))
    workflow = _workflow(hook)
    job = _job(hook, workflow)
    pipeline = _pipeline(hook)
    return Event(
        id=id,
        source_id=hook.line("id"),
        kind=kind_of(hook.line("type") or ""),
        generation=Generation.MODERN,
        type=hook.line("type"),
        status=_status(hook),
        project=_project(hook, source),
        branch=source.branch,
        tag=source.tag,
        fork=source.fork,
        pull_requests=links.pull_request_of_branch(source.branch, source.repo),
        number=pipeline.number if job.number is None else job.number,
        url=job.url or workflow.url,
        duration=seconds_between(_started_at(hook), _stopped_at(hook)),
        started_at=_started_at(hook),
        finished_at=_finished_at(hook),
        commit=source.commit,
        author=authors.author(source.commit, source.user),
        trigger=_trigger(hook, source),
        job=job,
        workflow=workflow,
        pipeline=pipeline,
        received_at=received_at,
    )


def _status(hook: Record) -> Status:
    """The job's own where there is one: beside it the workflow has none."""
    return words.status(hook.record("job").line("status"), hook.record("workflow").line("status"))


def _project(hook: Record, source: Source) -> Project:
    """Names come from the slug where it has them; opaque slugs have ids."""
    project, repo = hook.record("project"), source.repo
    slug = links.normal_slug(project.line("slug")) or (repo.slug if repo else links.NO_PROJECT)
    org, name = links.names_of_slug(slug)
    organization = hook.record("organization").line("name")
    return Project(
        slug=slug,
        org=org or organization or source.owner or (repo.org if repo else None),
        name=name or project.line("name") or source.name or (repo.name if repo else None),
        vcs=source.vcs or links.provider_of_slug(slug),
        url=repo.url if repo else None,
        id=project.line("id"),
    )


def _job(hook: Record, workflow: Workflow) -> Job:
    """A job's page is below its workflow's."""
    job = hook.record("job")
    number = job.number("number")
    url = f"{workflow.url}/jobs/{number}" if workflow.url and number is not None else None
    return Job(id=job.line("id"), name=job.line("name"), number=number, url=url)


def _workflow(hook: Record) -> Workflow:
    workflow = hook.record("workflow")
    return Workflow(
        id=workflow.line("id"),
        name=workflow.line("name"),
        url=workflow.link("url"),
        created_at=workflow.time("created_at"),
    )


def _pipeline(hook: Record) -> Pipeline:
    pipeline = hook.record("pipeline")
    return Pipeline(
        id=pipeline.line("id"),
        number=pipeline.number("number"),
        created_at=pipeline.time("created_at"),
    )


def _started_at(hook: Record) -> datetime | None:
    """A workflow starts when it is created; a job when it gets a machine."""
    job = hook.record("job")
    return job.time("started_at") if job else hook.record("workflow").time("created_at")


def _stopped_at(hook: Record) -> datetime | None:
    return (hook.record("job") or hook.record("workflow")).time("stopped_at")


def _finished_at(hook: Record) -> datetime | None:
    """The event itself happens when something finished, a ping aside."""
    is_end = kind_of(hook.line("type") or "") in (EventKind.JOB, EventKind.WORKFLOW)
    return _stopped_at(hook) or (hook.time("happened_at") if is_end else None)


def _trigger(hook: Record, source: Source) -> str | None:
    """`trigger.type` names the sender; where that is a repository's host, what happened there says more."""
    word = words.trigger(hook.record("pipeline").record("trigger").line("type", limit=100))
    told = words.trigger(source.word)
    return told if word in (None, "push") and told in words.KNOWN_TRIGGERS else word
