"""Starts a pipeline through v2, or a build through v1 where only that can do what is asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from relay.circleci.errors import Gone, NotABuild, NotFound
from relay.circleci.slugs import Slug
from relay.circleci.started import Apis, Started, Version, no_build, started_build, started_pipeline
from relay.circleci.types.builds import BuildSummary
from relay.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What to start. `parameters` are a pipeline's (v2), `build_parameters` environment variables (v1)."""

    project: Slug
    branch: str | None
    tag: str | None
    revision: str | None
    parameters: Mapping[str, Any]
    build_parameters: Mapping[str, Any]
    definition: str | None
    version: Version
    notes: tuple[str, ...] = ()

    def with_note(self, note: str) -> "Order":
        return replace(self, notes=(*self.notes, note))


def trigger(apis: Apis, order: Order) -> Started:
    """Exactly one call that starts something can succeed; each way out is taken only after a clear no."""
    if order.parameters and (order.revision or order.build_parameters):
        raise UsageError("pipeline parameters are of API v2; a revision and build parameters are of v1")
    needs_classic = bool(order.revision or order.build_parameters)
    if order.version in {Version.V1, Version.V1_1} or (needs_classic and order.version is Version.AUTO):
        return _classic_else_v2(apis, order)
    if needs_classic:
        raise UsageError("API v2 cannot start a revision nor take build parameters")
    return _v2(apis, order)


def _classic_else_v2(apis: Apis, order: Order) -> Started:
    if order.parameters:
        raise UsageError("pipeline parameters are of API v2; give build parameters instead")
    try:
        return _classic(apis, order)
    except Gone as error:
        if order.revision:
            raise
        return _v2(apis, _for_v2(order, error))


def _for_v2(order: Order, error: Gone) -> Order:
    """Undeclared parameters make v2 refuse the pipeline, so nothing runs without what was asked for."""
    note = f"{error.request} answered 410 Gone; started a pipeline through API v2"
    if order.build_parameters:
        note += ", with the build parameters as pipeline parameters"
    given = {name: _scalar(value) for name, value in order.build_parameters.items()}
    return replace(order, parameters=given, build_parameters={}, version=Version.V2).with_note(note)


def _scalar(value: Any) -> str | int | bool:
    return value if isinstance(value, (str, int, bool)) else json.dumps(value)


def _v2(apis: Apis, order: Order) -> Started:
    """By pipeline/run; by the older endpoint, and at last v1.1, where an install does not know it."""
    what = {"branch": order.branch, "tag": order.tag}
    try:
        start = apis.v2.run_pipeline(
            order.project, **what, definition=order.definition, parameters=order.parameters
        )
        return started_pipeline(start, "v2 pipeline/run", order.notes)
    except NotFound as error:
        if order.definition or order.project.is_opaque:
            raise
        noted = order.with_note(f"{error}; used the older endpoint")
    try:
        start = apis.v2.trigger_pipeline(order.project, **what, parameters=order.parameters)
        return started_pipeline(start, "v2 pipeline", noted.notes)
    except NotFound as error:
        if order.parameters or order.version is Version.V2:
            raise
        return _classic(apis, noted.with_note(f"{error}; used v1.1"))


def _classic(apis: Apis, order: Order) -> Started:
    api = apis.classic(order.version)
    name = f"{api.prefix.rpartition('/')[2]} trigger"
    try:
        return started_build(_build(apis, order), name, notes=order.notes)
    except NotABuild as error:
        return no_build(error, name, order.notes)


def _build(apis: Apis, order: Order) -> BuildSummary:
    api, given = apis.classic(order.version), order.build_parameters or None
    if order.branch and order.tag:
        raise UsageError("a build is of a branch or of a tag, not of both")
    if order.branch:
        return api.trigger_branch(
            order.project, order.branch, revision=order.revision, build_parameters=given
        )
    return api.trigger_project(order.project, revision=order.revision, tag=order.tag, build_parameters=given)
