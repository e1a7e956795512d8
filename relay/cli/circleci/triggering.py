"""Starts pipelines and builds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from relay.circleci.errors import NotABuild
from relay.circleci.slugs import Slug
from relay.circleci.started import Kind, Started, no_build, started_build, started_pipeline
from relay.cli.circleci import named
from relay.cli.circleci.command import AUTO, V1, V1_1, V2, call, of_project
from relay.cli.circleci.failing import looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.started import show_started
from relay.cli.output import Mistake

ENDPOINTS = ("run", "pipeline", "tree", "build")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to start, as the command line says it."""

    project: Slug
    branch: str | None
    tag: str | None
    revision: str | None
    parameters: Mapping[str, Any]
    build_parameters: Mapping[str, str]
    definition: str | None
    parallel: int | None


@call(AUTO, V1, V1_1, V2)
@of_project
@click.option("--branch", "-b", metavar="NAME", help="Of this branch; else of the default branch.")
@click.option("--tag", metavar="NAME", help="Of this tag.")
@click.option("--revision", metavar="SHA", help="Of this commit. Only v1 and v1.1.")
@click.option("--parameter", "-P", "parameters", multiple=True, metavar="NAME=VALUE", help="Of the pipeline.")
@click.option(
    "--build-parameter",
    "build_parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable of the build's environment. Only v1 and v1.1.",
)
@click.option("--definition", metavar="ID", help="The pipeline definition; `definitions` lists them.")
@click.option("--parallel", type=click.IntRange(1), help="So many containers. Only v1 and v1.1.")
@click.option(
    "--endpoint",
    type=click.Choice(ENDPOINTS),
    help="Exactly this call and no other: run and pipeline of v2, tree (one build) of v1 and v1.1, build"
    " (whole workflows) of v1.1.",
)
def trigger(
    session: Session,
    project: str | None,
    parameters: Sequence[str],
    build_parameters: Sequence[str],
    endpoint: str | None,
    **given: Any,
) -> None:
    """Start a pipeline.

    \b
      relay circleci trigger --branch main
      relay circleci trigger acme/api --tag v7 --parameter deploy=true
      relay circleci trigger --branch main --build-parameter SUITE=slow      one build, through v1.1

    Values true and false and whole numbers of --parameter are sent as such; --parameter 'name="7"' sends a
    text. --branch may be pull/42/head. v1 and v1.1 take no --parameter and end on 1 February 2027.
    """
    wanted = Wanted(
        project=named.project(project),
        parameters={name: _typed(value) for name, value in _pairs(parameters)},
        build_parameters=dict(_pairs(build_parameters)),
        **given,
    )
    endpoint = endpoint or ("tree" if wanted.parallel else None)
    where = f" --branch {wanted.branch}" if wanted.branch else ""
    look = "builds" if _is_classic(session, wanted, endpoint) else "pipelines"
    with looking_with(f"{look} {wanted.project}{where}"):
        show_started(session, _started(session, wanted, endpoint), wanted.project)


def _is_classic(session: Session, wanted: Wanted, endpoint: str | None) -> bool:
    """Whether a build is started rather than a pipeline."""
    if endpoint is not None:
        return endpoint == "tree"
    return session.version in {V1, V1_1} or bool(wanted.revision or wanted.build_parameters)


def _started(session: Session, wanted: Wanted, endpoint: str | None) -> Started:
    match endpoint:
        case None:
            return _chosen(session, wanted)
        case "tree":
            return _tree(session, wanted)
        case "build":
            return _whole(session, wanted)
    return _pipeline(session, wanted, endpoint)


def _chosen(session: Session, wanted: Wanted) -> Started:
    """By the facade."""
    return session.circle.trigger(
        wanted.project,
        branch=wanted.branch,
        tag=wanted.tag,
        revision=wanted.revision,
        parameters=wanted.parameters,
        build_parameters=wanted.build_parameters,
        definition=wanted.definition,
        version=session.version,
    )


def _pipeline(session: Session, wanted: Wanted, endpoint: str) -> Started:
    _refuse(endpoint, {"--revision": wanted.revision, "--build-parameter": wanted.build_parameters})
    v2, what = session.circle.v2, {"branch": wanted.branch, "tag": wanted.tag}
    if endpoint == "run":
        start = v2.run_pipeline(
            wanted.project, **what, definition=wanted.definition, parameters=wanted.parameters
        )
        return started_pipeline(start, "v2 pipeline/run")
    _refuse(endpoint, {"--definition": wanted.definition})
    start = v2.trigger_pipeline(wanted.project, **what, parameters=wanted.parameters)
    return started_pipeline(start, "v2 pipeline")


def _tree(session: Session, wanted: Wanted) -> Started:
    """One build of v1 or v1.1."""
    _refuse("tree", {"--parameter": wanted.parameters, "--definition": wanted.definition})
    if wanted.branch and wanted.tag:
        raise Mistake("a build is of a branch or of a tag, not of both")
    api = session.classic
    how = f"{api.prefix.rpartition('/')[2]} trigger"
    given = wanted.build_parameters or None
    try:
        if wanted.branch:
            build = api.trigger_branch(
                wanted.project,
                wanted.branch,
                revision=wanted.revision,
                parallel=wanted.parallel,
                build_parameters=given,
            )
        else:
            build = api.trigger_project(
                wanted.project,
                revision=wanted.revision,
                tag=wanted.tag,
                parallel=wanted.parallel,
                build_parameters=given,
            )
    except NotABuild as error:
        return no_build(error, how)
    return started_build(build, how)


def _whole(session: Session, wanted: Wanted) -> Started:
    """Whole workflows through v1.1, which does not say what it started."""
    _refuse(
        "build",
        {
            "--parameter": wanted.parameters,
            "--build-parameter": wanted.build_parameters,
            "--definition": wanted.definition,
            "--parallel": wanted.parallel,
        },
    )
    if session.version not in {AUTO, V1_1}:
        raise Mistake("--endpoint build is of API v1.1 only")
    said = session.circle.v1_1.trigger_build(
        wanted.project, branch=wanted.branch, tag=wanted.tag, revision=wanted.revision
    )
    return Started(kind=Kind.PIPELINE, how=f"v1.1 build: {said}", raw={"body": said})


def _refuse(endpoint: str, given: Mapping[str, object]) -> None:
    unfit = [name for name, value in given.items() if value]
    if unfit:
        raise Mistake(f"--endpoint {endpoint} takes no {unfit[0]}")


def _pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [(name.strip(), value) for name, _, value in (text.partition("=") for text in texts)]
    for text, (name, _) in zip(texts, pairs, strict=True):
        if not name or "=" not in text:
            raise Mistake(f"{text!r} is no parameter; write name=value")
    return pairs


def _typed(value: str) -> str | int | bool:
    """Booleans, whole numbers and texts in double quotes as JSON has them; all else is text."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, (str, int)) else value
