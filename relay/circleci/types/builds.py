"""Builds of API v1 and v1.1, with their steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from relay.circleci.errors import NotABuild
from relay.circleci.reading import Raw, at, flag, from_millis, mapping, moment, number, objects, text, texts

_BAD_ACTIONS = {"failed", "timedout", "infrastructure_fail", "canceled", "signaled"}
_NOBODY = "none"  # CircleCI's login for an unknown user
_NEVER_RUNS = {"not_run", "canceled"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What one container did in a step. `output` is a log that came inline (2013)."""

    raw: Raw = field(repr=False, compare=False)
    name: str | None
    step: int | None
    index: int  # the container
    status: str | None
    exit_code: int | None
    type: str | None
    background: bool
    insignificant: bool
    failed: bool
    has_output: bool
    output_url: str | None = field(repr=False)  # presigned: whoever has it can read the log
    output: str | None = field(repr=False)
    started_at: datetime | None
    stopped_at: datetime | None
    duration: float | None  # seconds

    @classmethod
    def read(cls, raw: Raw) -> Self:
        return cls(
            raw=raw,
            name=text(raw, "name"),
            step=number(raw, "step"),
            index=number(raw, "index") or 0,
            status=text(raw, "status"),
            exit_code=number(raw, "exit_code"),
            type=text(raw, "type"),
            background=bool(flag(raw, "background")),
            insignificant=bool(flag(raw, "insignificant")),
            failed=flag(raw, "failed") is True or text(raw, "status") in _BAD_ACTIONS,
            has_output=flag(raw, "has_output") is True,
            output_url=text(raw, "output_url"),
            output="".join(text(part, "message") or "" for part in objects(at(raw, "out"))) or None,
            started_at=moment(raw, "start_time"),
            stopped_at=moment(raw, "end_time"),
            duration=from_millis(raw, "run_time_millis"),
        )

    @property
    def is_to_blame(self) -> bool:
        """Whether its failure counts: service containers and running background steps do not."""
        return self.failed and not self.insignificant and not (self.background and self.status == "running")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    name: str | None
    actions: tuple[Action, ...]

    @classmethod
    def read(cls, raw: Raw) -> Self:
        return cls(
            name=text(raw, "name"),
            actions=tuple(Action.read(action) for action in objects(at(raw, "actions"))),
        )


@dataclass(frozen=True, kw_only=True)
class BuildSummary:
    """A build as lists and POSTs answer it: without steps."""

    raw: Raw = field(repr=False, compare=False)
    number: int
    url: str | None
    vcs_url: str | None
    vcs: str | None
    org: str | None
    name: str | None
    branch: str | None
    tag: str | None
    revision: str | None
    subject: str | None
    author: str | None
    user: str | None  # who triggered it
    why: str | None
    status: str | None
    lifecycle: str | None
    outcome: str | None
    dont_build: str | None  # why it was not run
    queued_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    duration: float | None  # seconds
    retry_of: int | None
    retries: tuple[int, ...]
    workflow_id: str | None
    workflow_name: str | None
    job_id: str | None
    job_name: str | None
    platform: str | None
    parameters: Mapping[str, Any] = field(repr=False)
    messages: tuple[str, ...]

    @classmethod
    def read(cls, raw: Any) -> Self:
        """Raises NotABuild when there is no build number."""
        found = mapping(raw)
        if number(found, "build_num") is None:
            said = text(found, "message") or text(found, "body")
            words = f"CircleCI answered with no build: {said or 'no build number in it'}"
            raise NotABuild(words, raw=found, said=said)
        return cls(**_summary(found))

    def why_never_run(self) -> str | None:
        """Why it will never run although CircleCI accepted it; None when it will, does or did."""
        if self.dont_build:
            return self.dont_build
        if _NEVER_RUNS & {self.lifecycle, self.status} and self.started_at is None:
            said = "; ".join(self.messages)
            return f"{self.status}: {said}" if said else self.status or self.lifecycle
        return None


@dataclass(frozen=True, kw_only=True)
class Build(BuildSummary):
    """A single build, with its steps."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def read(cls, raw: Any) -> Self:
        summary = BuildSummary.read(raw)
        steps = tuple(Step.read(step) for step in objects(at(summary.raw, "steps")))
        return cls(**_summary(summary.raw), steps=steps)

    @property
    def failed_actions(self) -> tuple[Action, ...]:
        return tuple(action for step in self.steps for action in step.actions if action.is_to_blame)


def _summary(raw: Raw) -> dict[str, Any]:
    return {"raw": raw, **_identity(raw), **_commit(raw), **_course(raw), **_workflow(raw)}


def _identity(raw: Raw) -> dict[str, Any]:
    return {
        "number": number(raw, "build_num"),
        "url": text(raw, "build_url"),
        "vcs_url": text(raw, "vcs_url"),
        "vcs": text(raw, "vcs_type"),
        "org": text(raw, "username"),
        "name": text(raw, "reponame"),
        "platform": text(raw, "platform"),
    }


def _commit(raw: Raw) -> dict[str, Any]:
    return {
        "branch": text(raw, "branch"),
        "tag": text(raw, "vcs_tag"),
        "revision": text(raw, "vcs_revision"),
        "subject": text(raw, "subject"),
        "author": text(raw, "author_name") or text(raw, "committer_name"),
    }


def _course(raw: Raw) -> dict[str, Any]:
    login = text(raw, "user", "login")
    numbers = at(raw, "retries")
    return {
        "user": login if login != _NOBODY else None,
        "why": text(raw, "why"),
        "status": text(raw, "status"),
        "lifecycle": text(raw, "lifecycle"),
        "outcome": text(raw, "outcome"),
        "dont_build": text(raw, "dont_build"),
        "queued_at": moment(raw, "queued_at") or moment(raw, "usage_queued_at"),
        "started_at": moment(raw, "start_time"),
        "stopped_at": moment(raw, "stop_time"),
        "duration": from_millis(raw, "build_time_millis"),
        "retry_of": number(raw, "retry_of"),
        "retries": tuple(n for n in numbers if isinstance(n, int)) if isinstance(numbers, list) else (),
        "messages": _messages(raw),
    }


def _messages(raw: Raw) -> tuple[str, ...]:
    said = (text(message, "message") for message in objects(at(raw, "messages")))
    return (*(message for message in said if message), *texts(raw, "messages"))


def _workflow(raw: Raw) -> dict[str, Any]:
    return {
        "workflow_id": text(raw, "workflows", "workflow_id"),
        "workflow_name": text(raw, "workflows", "workflow_name"),
        "job_id": text(raw, "workflows", "job_id"),
        "job_name": text(raw, "workflows", "job_name"),
        "parameters": mapping(at(raw, "build_parameters")),
    }
