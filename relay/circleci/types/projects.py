"""Users, projects and what is set for them: keys, environment variables, webhooks."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from relay.circleci.reading import (
    Raw,
    flag,
    mapping,
    moment,
    number,
    objects,
    text,
    texts,
    underscored,
)
from relay.circleci.types.builds import BuildSummary


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """v1: `/me` has no id. v2: login may be the id for people without a VCS account."""

    raw: Raw = field(repr=False, compare=False)
    login: str | None
    name: str | None
    id: str | None
    email: str | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        return cls(
            raw=found,
            login=text(found, "login"),
            name=text(found, "name"),
            id=text(found, "id"),
            email=text(found, "selected_email"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Collaboration:
    """An organisation the user belongs to."""

    raw: Raw = field(repr=False, compare=False)
    id: str | None
    name: str | None
    slug: str | None
    vcs: str | None

    @classmethod
    def read(cls, raw: Raw) -> Self:
        found = underscored(raw)
        return cls(
            raw=raw,
            id=text(found, "id"),
            name=text(found, "name"),
            slug=text(found, "slug"),
            vcs=text(found, "vcs_type"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectSummary:
    """A followed project of v1. `raw` holds the tokens of its chat integrations."""

    raw: Raw = field(repr=False, compare=False)
    org: str | None
    name: str | None
    vcs: str | None
    vcs_url: str | None
    default_branch: str | None
    followed: bool

    @classmethod
    def read(cls, raw: Raw) -> Self:
        return cls(
            raw=raw,
            org=text(raw, "username"),
            name=text(raw, "reponame"),
            vcs=text(raw, "vcs_type"),
            vcs_url=text(raw, "vcs_url"),
            default_branch=text(raw, "default_branch"),
            followed=flag(raw, "followed") is True,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectDetails:
    """A project of v2. `id` is what a webhook's scope needs."""

    raw: Raw = field(repr=False, compare=False)
    id: str | None
    slug: str | None
    name: str | None
    organization: str | None
    organization_id: str | None
    vcs_url: str | None
    provider: str | None
    default_branch: str | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        return cls(
            raw=found,
            id=text(found, "id"),
            slug=text(found, "slug"),
            name=text(found, "name"),
            organization=text(found, "organization_name"),
            organization_id=text(found, "organization_id"),
            vcs_url=text(found, "vcs_info", "vcs_url"),
            provider=text(found, "vcs_info", "provider"),
            default_branch=text(found, "vcs_info", "default_branch"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """The answer to follow and unfollow, in its forms of 2016 and 2020."""

    raw: Raw = field(repr=False, compare=False)
    following: bool
    first_build: int | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        first = mapping(found.get("first_build"))
        return cls(
            raw=found,
            following=any(flag(found, key) is True for key in ("following", "followed")),
            first_build=BuildSummary.read(first).number if number(first, "build_num") else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvVar:
    """An environment variable; the value comes masked ("xxxxalue")."""

    raw: Raw = field(repr=False, compare=False)
    name: str | None
    value: str | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        return cls(raw=found, name=text(found, "name"), value=text(found, "value"))


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckoutKey:
    """A key CircleCI checks code out with; `type` is deploy-key, github-user-key or user-key."""

    raw: Raw = field(repr=False, compare=False)
    fingerprint: str | None
    type: str | None
    public_key: str | None
    preferred: bool
    created_at: datetime | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = mapping(raw)
        return cls(
            raw=found,
            fingerprint=text(found, "fingerprint"),
            type=text(found, "type"),
            public_key=text(found, "public_key"),
            preferred=flag(found, "preferred") is True,
            created_at=moment(found, "time"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """An outbound webhook of a project. Its signing secret reads as a mask and is not kept here."""

    raw: Raw = field(repr=False, compare=False)
    id: str | None
    name: str | None
    url: str | None = field(repr=False)  # may end in a secret token
    events: tuple[str, ...]
    verify_tls: bool | None
    project_id: str | None
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def read(cls, raw: Any) -> Self:
        found = underscored(mapping(raw))
        return cls(
            raw=mapping(raw),
            id=text(found, "id"),
            name=text(found, "name"),
            url=text(found, "url"),
            events=texts(found, "events"),
            verify_tls=flag(found, "verify_tls"),
            project_id=text(found, "scope", "id"),
            created_at=moment(found, "created_at"),
            updated_at=moment(found, "updated_at"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineDefinition:
    raw: Raw = field(repr=False, compare=False)
    id: str | None
    name: str | None

    @classmethod
    def read(cls, raw: Raw) -> Self:
        return cls(raw=raw, id=text(raw, "id"), name=text(raw, "name"))


@dataclass(frozen=True, kw_only=True, slots=True)
class FlakyTest:
    """A test that failed and passed on the same commit lately; not listed after two quiet weeks."""

    raw: Raw = field(repr=False, compare=False)
    name: str | None
    classname: str | None
    file: str | None
    times_flaked: int | None
    job_name: str | None
    job_number: int | None
    workflow_id: str | None
    workflow_name: str | None
    pipeline_number: int | None

    @classmethod
    def read(cls, raw: Raw) -> Self:
        found = underscored(raw)
        return cls(
            raw=raw,
            name=text(found, "test_name"),
            classname=text(found, "classname"),
            file=text(found, "file"),
            times_flaked=number(found, "times_flaked"),
            job_name=text(found, "job_name"),
            job_number=number(found, "job_number"),
            workflow_id=text(found, "workflow_id"),
            workflow_name=text(found, "workflow_name"),
            pipeline_number=number(found, "pipeline_number"),
        )


def flaky_tests(raw: Any) -> tuple[FlakyTest, ...]:
    """From the answer of the flaky-tests insight, with hyphens or underscores."""
    return tuple(FlakyTest.read(test) for test in objects(underscored(mapping(raw)).get("flaky_tests")))
