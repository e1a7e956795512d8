"""What an event names at CircleCI: the workflow or build it tells of, and where the new one is seen."""

from dataclasses import dataclass
from typing import Any

from relay.circleci.started import Kind, Started
from relay.errors import DeliveryError
from relay.model import Event, EventKind
from relay.runs import build_key

NOTHING = "the event names no workflow or build"


@dataclass(frozen=True, kw_only=True, slots=True)
class Whereabouts:
    """A workflow, or a build (a job) by its number, or both."""

    project: str
    workflow: str | None
    number: int | None

    def named(self) -> dict[str, Any]:
        """As the client's methods take it."""
        return {"workflow": self.workflow, "number": self.number}


def whereabouts(event: Event) -> Whereabouts:
    """DeliveryError when there is nothing that CircleCI could be asked about."""
    number = job_number(event)
    if event.workflow.id is None and number is None:
        raise DeliveryError(NOTHING, permanent=True)
    return Whereabouts(project=event.project.slug, workflow=event.workflow.id, number=number)


def job_number(event: Event) -> int | None:
    """The number of the build or job; a workflow has none."""
    if event.kind is EventKind.BUILD:
        return event.number
    return event.job.number if event.kind is EventKind.JOB else None


def key_of(started: Started, project: str) -> str | None:
    """What its event will be known by."""
    if started.kind is not Kind.BUILD:
        return started.id
    return build_key(project, started.number) if started.number else started.id


def told(started: Started) -> str:
    """ "workflow 5f0c…" or "build #12"."""
    if started.kind is Kind.WORKFLOW:
        return f"workflow {started.id}"
    number = f" #{started.number}" if started.number else ""
    return f"{started.kind}{number}" if number else f"{started.kind} {started.id or 'without a number'}"


def page_of(started: Started, event: Event) -> str | None:
    """Its page, where the event's own tells how such pages are called."""
    if started.kind is Kind.WORKFLOW and event.workflow.url and started.id:
        before, found, _ = event.workflow.url.partition("/workflows/")
        return f"{before}{found}{started.id}" if found else None
    page = started.raw.get("build_url")
    return page if isinstance(page, str) else None
