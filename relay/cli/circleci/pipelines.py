"""Pipelines, their workflows, and the jobs of those."""

import itertools
from collections.abc import Iterable

import click

from relay.circleci.types.pipelines import Pipeline, Workflow, WorkflowJob
from relay.cli.circleci import named
from relay.cli.circleci.command import call, limit_option, of_project, project_option
from relay.cli.circleci.failing import AnswerIsNo
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import (
    Cell,
    ref,
    short,
    show_facts,
    show_json,
    show_list,
    show_table,
    status,
    took,
)
from relay.cli.output import Mistake, ago

LOOKED_AT = 500  # newest pipelines, for one that is given by its number

JOB_HEADINGS = ("job", "number", "type", "status", "started", "took", "needs")
WORKFLOW_HEADINGS = ("workflow", "name", "status", "started", "took")


@call()
@of_project
@click.option("--branch", "-b", metavar="NAME", help="Only of this branch.")
@limit_option(20)
def pipelines(session: Session, project: str | None, branch: str | None, limit: int) -> None:
    """List a project's pipelines, the newest first.

    \b
      relay circleci pipelines --branch main
    """

    def row(each: Pipeline) -> tuple[Cell, ...]:
        return (
            each.id,
            each.number,
            status(each.state),
            ref(each.branch, each.tag),
            short(each.revision),
            each.subject,
            each.actor,
            ago(each.created_at, session.now),
        )

    found = session.circle.v2.pipelines(named.project(project), branch=branch)
    headings = ("pipeline", "number", "state", "branch", "commit", "subject", "by", "created")
    show_list(session, itertools.islice(found, limit), headings, row, empty="no pipelines")


@call()
@click.argument("pipeline", metavar="ID|NUMBER")
@project_option
def pipeline(session: Session, pipeline: str, project: str | None) -> None:
    """Show a pipeline with its workflows. By its id, or by its number in the project.

    \b
      relay circleci pipeline 7
    """
    found = _found(session, pipeline, project)
    if session.as_json:
        show_json(session, found.raw)
        return
    facts = {
        "pipeline": _numbered(found.number, found.id),
        "project": found.project_slug,
        "state": status(found.state),
        "branch": ref(found.branch, found.tag),
        "commit": " ".join(part for part in (short(found.revision), found.subject) if part),
        "started by": " ".join(p for p in (found.actor, found.trigger and f"({found.trigger})") if p),
        "created": ago(found.created_at, session.now),
        "errors": "; ".join(found.errors),
    }
    show_facts(session, facts)
    rows = _workflow_rows(session, session.circle.v2.pipeline_workflows(found.id or pipeline))
    click.echo()
    show_table(session, WORKFLOW_HEADINGS, rows, empty="no workflows")


def _found(session: Session, text: str, project: str | None) -> Pipeline:
    if named.is_id(text):
        return session.circle.v2.pipeline(text)
    if not (text.isascii() and text.isdigit()):
        raise Mistake(f"{text!r} names no pipeline; give its id, or its number in the project")
    slug = named.project(project)
    newest = itertools.islice(session.circle.v2.pipelines(slug), LOOKED_AT)
    found = next((each for each in newest if str(each.number) == text), None)
    if found is None:
        raise AnswerIsNo(f"pipeline {text} is not among the newest {LOOKED_AT} of {slug}; give its id")
    return found


@call()
@click.argument("pipeline", metavar="ID|NUMBER")
@project_option
def workflows(session: Session, pipeline: str, project: str | None) -> None:
    """List a pipeline's workflows, reruns included."""
    number = None if named.is_id(pipeline) else _found(session, pipeline, project).id
    found = session.circle.v2.pipeline_workflows(number or pipeline)
    if session.as_json:
        show_json(session, [each.raw for each in found])
    else:
        show_table(session, WORKFLOW_HEADINGS, _workflow_rows(session, found), empty="no workflows")


def _workflow_rows(session: Session, found: Iterable[Workflow]) -> Iterable[tuple[Cell, ...]]:
    for each in found:
        when = ago(each.created_at, session.now)
        yield each.id, each.name, status(each.status), when, _length(each)


def _numbered(number: int | None, id_: str | None) -> str:
    return f"{number} ({id_})" if number and id_ else str(number or id_ or "")


def _length(found: Workflow | WorkflowJob) -> str:
    begin = found.created_at if isinstance(found, Workflow) else found.started_at
    return took((found.stopped_at - begin).total_seconds()) if found.stopped_at and begin else ""


@call()
@click.argument("workflow", metavar="ID")
def workflow(session: Session, workflow: str) -> None:
    """Show a workflow with its jobs. By its id or the address of its page."""
    id_ = named.workflow(workflow)
    found = session.circle.v2.workflow(id_)
    if session.as_json:
        show_json(session, found.raw)
        return
    facts: dict[str, Cell] = {
        "workflow": " ".join(part for part in (found.name, found.id) if part),
        "status": status(found.status),
        "project": found.project_slug,
        "pipeline": _numbered(found.pipeline_number, found.pipeline_id),
        "started": ago(found.created_at, session.now),
        "took": _length(found),
        "rerun by itself": f"{found.auto_rerun_number} of {found.max_auto_reruns}"
        if found.auto_rerun_number
        else "",
    }
    show_facts(session, facts)
    click.echo()
    rows = _job_rows(session, session.circle.v2.workflow_jobs(id_))
    show_table(session, JOB_HEADINGS, rows, empty="no jobs")


@call()
@click.argument("workflow", metavar="ID")
def jobs(session: Session, workflow: str) -> None:
    """List a workflow's jobs. By its id or the address of its page."""
    found = session.circle.v2.workflow_jobs(named.workflow(workflow))
    if session.as_json:
        show_json(session, [each.raw for each in found])
    else:
        show_table(session, JOB_HEADINGS, _job_rows(session, found), empty="no jobs")


def _job_rows(session: Session, found: Iterable[WorkflowJob]) -> Iterable[tuple[Cell, ...]]:
    """What a job needs is told by name."""
    every = list(found)
    names = {each.id: each.name for each in every}
    for each in every:
        needs = ", ".join(names.get(need) or need for need in each.dependencies)
        kind = each.type if each.type != "build" else ""
        when = ago(each.started_at, session.now)
        yield each.name, each.number, kind, status(each.status), when, _length(each), needs
