"""The schema of an event's fields: every name that `match`, `when` and templates may use.

One table, so that matching, the name check of templates, the documentation and the JSON Schema of the
configuration cannot disagree. Fetched fields are not in a webhook; they live in `Event.notes` once a
rule or template made the relay ask for them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DURATION = "duration"
    TIME = "time"
    FLAG = "flag"
    TEXTS = "texts"  # a list; a pattern means "any of them"
    OBJECTS = "objects"  # a list of things with fields of their own
    MAPPING = "mapping"  # open: any name below it


_T = FieldType

FIELDS: Mapping[str, FieldType] = {
    "event": _T.TEXT,
    "status": _T.TEXT,
    "change": _T.TEXT,
    "type": _T.TEXT,
    "generation": _T.TEXT,
    "project.slug": _T.TEXT,
    "project.org": _T.TEXT,
    "project.name": _T.TEXT,
    "project.vcs": _T.TEXT,
    "project.url": _T.TEXT,
    "project.id": _T.TEXT,
    "branch": _T.TEXT,
    "tag": _T.TEXT,
    "fork": _T.FLAG,
    "pull_requests": _T.OBJECTS,
    "pull_requests.url": _T.TEXTS,
    "pull_requests.number": _T.TEXTS,
    "number": _T.NUMBER,
    "url": _T.TEXT,
    "duration": _T.DURATION,
    "started_at": _T.TIME,
    "finished_at": _T.TIME,
    "received_at": _T.TIME,
    "commit.sha": _T.TEXT,
    "commit.short_sha": _T.TEXT,
    "commit.subject": _T.TEXT,
    "commit.body": _T.TEXT,
    "commit.url": _T.TEXT,
    "commit.author.name": _T.TEXT,
    "commit.author.email": _T.TEXT,
    "commit.author.login": _T.TEXT,
    "commit.committer.name": _T.TEXT,
    "commit.committer.email": _T.TEXT,
    "commit.committer.login": _T.TEXT,
    "author.name": _T.TEXT,
    "author.email": _T.TEXT,
    "author.login": _T.TEXT,
    "author.known": _T.TEXT,
    "author.bot": _T.FLAG,
    "trigger": _T.TEXT,
    "build.why": _T.TEXT,
    "build.retry_of": _T.NUMBER,
    "build.retries": _T.TEXTS,
    "build.platform": _T.TEXT,
    "build.lifecycle": _T.TEXT,
    "build.status": _T.TEXT,
    "build.parameters": _T.MAPPING,
    "job.id": _T.TEXT,
    "job.name": _T.TEXT,
    "job.number": _T.NUMBER,
    "job.url": _T.TEXT,
    "workflow.id": _T.TEXT,
    "workflow.name": _T.TEXT,
    "workflow.url": _T.TEXT,
    "workflow.attempt": _T.NUMBER,
    "workflow.created_at": _T.TIME,
    "pipeline.id": _T.TEXT,
    "pipeline.number": _T.NUMBER,
    "pipeline.created_at": _T.TIME,
    "previous.status": _T.TEXT,
    "previous.number": _T.NUMBER,
    "previous.commit": _T.TEXT,
    "previous.at": _T.TIME,
    "previous.red_since": _T.TIME,
    "previous.failures": _T.NUMBER,
    "failed_steps": _T.OBJECTS,
    "failed_steps.name": _T.TEXTS,
    "failed_steps.status": _T.TEXTS,
    "failed_steps.exit_code": _T.TEXTS,
    "failed_steps.containers": _T.TEXTS,
    "failed_steps.step": _T.TEXTS,
    "notes": _T.MAPPING,
}

FETCHED: Mapping[str, FieldType] = {
    "failed_jobs": _T.OBJECTS,
    "failed_jobs.name": _T.TEXTS,
    "failed_jobs.number": _T.TEXTS,
    "failed_jobs.status": _T.TEXTS,
    "failed_jobs.url": _T.TEXTS,
    "failed_jobs.first_error": _T.TEXTS,
    "failed_jobs.error_lines": _T.TEXTS,
    "failed_tests": _T.OBJECTS,
    "failed_tests.name": _T.TEXTS,
    "failed_tests.classname": _T.TEXTS,
    "failed_tests.file": _T.TEXTS,
    "failed_tests.message": _T.TEXTS,
    "log": _T.TEXT,
    "artifacts": _T.OBJECTS,
    "artifacts.path": _T.TEXTS,
    "artifacts.url": _T.TEXTS,
    "failure.class": _T.TEXT,
    "failure.signature": _T.TEXT,
    "failure.evidence": _T.TEXT,
    "failure.fingerprint": _T.TEXT,
    "failure.name": _T.TEXT,
    "failure.step": _T.TEXT,
    "failure.step_kind": _T.TEXT,
    "failure.exit_code": _T.NUMBER,
    "failure.p_transient": _T.NUMBER,
    "failure.known_flaky": _T.TEXT,
    "failure.test_count": _T.NUMBER,
    "failure.tests": _T.TEXTS,
    "failure.tests_wilson": _T.NUMBER,
    "failure.signatures": _T.TEXTS,
    "failure.jobs": _T.OBJECTS,
    "failure.jobs.class": _T.TEXTS,
    "failure.jobs.signature": _T.TEXTS,
    "failure.jobs.evidence": _T.TEXTS,
    "failure.jobs.fingerprint": _T.TEXTS,
    "failure.jobs.name": _T.TEXTS,
    "failure.jobs.step": _T.TEXTS,
    "failure.jobs.step_kind": _T.TEXTS,
    "failure.jobs.exit_code": _T.TEXTS,
    "verdict": _T.TEXT,
    "history.flake_rate": _T.NUMBER,
    "history.rho": _T.NUMBER,
    "history.samples": _T.NUMBER,
    "history.known_flaky": _T.FLAG,
}

ALL: Mapping[str, FieldType] = {**FIELDS, **FETCHED}

_FETCHED_ROOTS = {name.split(".", 1)[0] for name in FETCHED}


def field_type(name: str) -> FieldType | None:
    """The type of a dotted field name, or None when there is no such field."""
    if name in ALL:
        return ALL[name]
    parent, _, leaf = name.rpartition(".")
    return FieldType.TEXT if leaf and parent and _is_below_mapping(parent) else None


def is_fetched(name: str) -> bool:
    """Whether CircleCI has to be asked for it."""
    return name.split(".", 1)[0] in _FETCHED_ROOTS


def _is_below_mapping(name: str) -> bool:
    parts = name.split(".")
    prefixes = (".".join(parts[: i + 1]) for i in range(len(parts)))
    return any(ALL.get(prefix) is FieldType.MAPPING for prefix in prefixes)


def lookup(event: Any, name: str) -> Any:
    """The value of a dotted field: None when missing, a tuple for fields of a list."""
    first, _, rest = name.partition(".")
    if first in _FETCHED_ROOTS:
        return _walk(event.notes.get(first), rest)
    return _walk(getattr(event, "kind" if first == "event" else first), rest)


def _walk(value: Any, path: str) -> Any:
    if not path or value is None:
        return value
    first, _, rest = path.partition(".")
    if isinstance(value, (tuple, list)):
        return tuple(_walk(item, path) for item in value)
    if isinstance(value, Mapping):
        return _walk(value.get(first), rest)
    return _walk(getattr(value, first, None), rest)
