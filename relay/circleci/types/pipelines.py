"""Pipelines, workflows and jobs of API v2."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from relay.circleci.reading import Raw, at, from_millis, mapping, moment, number, objects, text, texts

ENDED = {"success", "failed", "error", "canceled", "unauthorized", "not_run"}  # `failing` still runs


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    raw: Raw = field(repr=False, compare=False)
    id: str | None
    number: int | None
    state: str | None
    project_slug: str | None
    branch: str | None
    tag: str | None
    revision: str | None
    subject: str | None
    trigger: str | None
    actor: str | None
    errors: tuple[str, ...]
    created_at: datetime | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        said = (text(error, "message") for error in objects(at(found, "errors")))
        return cls(
            raw=found,
            id=text(found, "id"),
            number=number(found, "number"),
            state=text(found, "state"),
            project_slug=text(found, "project_slug"),
            branch=text(found, "vcs", "branch") or text(found, "trigger_parameters", "git", "branch"),
            tag=text(found, "vcs", "tag") or text(found, "trigger_parameters", "git", "tag"),
            revision=text(found, "vcs", "revision")
            or text(found, "trigger_parameters", "git", "checkout_sha"),
            subject=text(found, "vcs", "commit", "subject"),
            trigger=text(found, "trigger", "type"),
            actor=text(found, "trigger", "actor", "login"),
            errors=tuple(message for message in said if message),
            created_at=moment(found, "created_at"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineStart:
    """The answer to a trigger. Without an id nothing was started, and `message` says why."""

    raw: Raw = field(repr=False, compare=False)
    id: str | None
    number: int | None
    state: str | None
    message: str | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        return cls(
            raw=found,
            id=text(found, "id"),
            number=number(found, "number"),
            state=text(found, "state"),
            message=text(found, "message"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    raw: Raw = field(repr=False, compare=False)
    id: str | None
    name: str | None
    status: str | None
    pipeline_id: str | None
    pipeline_number: int | None
    project_slug: str | None
    tag: str | None  # "setup" for the setup workflow of dynamic configuration
    auto_rerun_number: int | None
    max_auto_reruns: int | None
    created_at: datetime | None
    stopped_at: datetime | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        return cls(
            raw=found,
            id=text(found, "id"),
            name=text(found, "name"),
            status=text(found, "status"),
            pipeline_id=text(found, "pipeline_id"),
            pipeline_number=number(found, "pipeline_number"),
            project_slug=text(found, "project_slug"),
            tag=text(found, "tag"),
            auto_rerun_number=number(found, "auto_rerun_number"),
            max_auto_reruns=number(found, "max_auto_reruns"),
            created_at=moment(found, "created_at"),
            stopped_at=moment(found, "stopped_at"),
        )

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowJob:
    """A job in a workflow. `number` is missing for approvals and for jobs that never started."""

    raw: Raw = field(repr=False, compare=False)
    id: str | None
    number: int | None
    name: str | None
    type: str | None  # build | approval
    status: str | None
    dependencies: tuple[str, ...]
    approval_request_id: str | None
    started_at: datetime | None
    stopped_at: datetime | None

    @classmethod
    def read(cls, raw: Raw) -> Self:
        return cls(
            raw=raw,
            id=text(raw, "id"),
            number=number(raw, "job_number"),
            name=text(raw, "name"),
            type=text(raw, "type"),
            status=text(raw, "status"),
            dependencies=texts(raw, "dependencies"),
            approval_request_id=text(raw, "approval_request_id"),
            started_at=moment(raw, "started_at"),
            stopped_at=moment(raw, "stopped_at"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDetails:
    raw: Raw = field(repr=False, compare=False)
    number: int | None
    name: str | None
    status: str | None
    url: str | None
    workflow_id: str | None
    workflow_name: str | None
    pipeline_id: str | None
    project_id: str | None
    project_slug: str | None
    executor: str | None
    resource_class: str | None
    parallelism: int | None
    messages: tuple[str, ...]
    queued_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    duration: float | None  # seconds

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        said = (text(message, "message") for message in objects(at(found, "messages")))
        return cls(
            raw=found,
            number=number(found, "number"),
            name=text(found, "name"),
            status=text(found, "status"),
            url=text(found, "web_url"),
            workflow_id=text(found, "latest_workflow", "id"),
            workflow_name=text(found, "latest_workflow", "name"),
            pipeline_id=text(found, "pipeline", "id"),
            project_id=text(found, "project", "id"),
            project_slug=text(found, "project", "slug"),
            executor=text(found, "executor", "type"),
            resource_class=text(found, "executor", "resource_class"),
            parallelism=number(found, "parallelism"),
            messages=tuple(message for message in said if message),
            queued_at=moment(found, "queued_at"),
            started_at=moment(found, "started_at"),
            stopped_at=moment(found, "stopped_at"),
            duration=from_millis(found, "duration"),
        )
