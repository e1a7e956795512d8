"""Builds: lists of them, and one with its steps; API v2 calls one a job."""

from collections.abc import Iterable

import click
from rich.text import Text

from relay.circleci.types.builds import Action, Build, BuildSummary, Step
from relay.cli.circleci import named
from relay.cli.circleci.command import (
    V1,
    V1_1,
    build_argument,
    call,
    limit_option,
    of_project,
    project_option,
)
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import (
    Cell,
    ref,
    short,
    show_facts,
    show_json,
    show_list,
    show_one,
    show_table,
    status,
    took,
)
from relay.cli.output import ago

FILTERS = ("completed", "successful", "failed", "running")

offset_option = click.option(
    "--offset", type=click.IntRange(0), default=0, help="Leave out so many of the newest."
)
shallow_option = click.option("--shallow", is_flag=True, help="A shorter answer for --json.")


@call(V1_1, V1)
@of_project
@click.option("--branch", "-b", metavar="NAME", help="Only of this branch.")
@click.option("--filter", "wanted", type=click.Choice(FILTERS), help="Only these.")
@limit_option(20)
@offset_option
@shallow_option
def builds(
    session: Session,
    project: str | None,
    branch: str | None,
    wanted: str | None,
    limit: int,
    offset: int,
    shallow: bool,
) -> None:
    """List a project's builds, the newest first.

    \b
      relay circleci builds
      relay circleci builds acme/api --branch release/7 --filter failed
      relay circleci builds --limit 500 --json | jq '.[].build_num'
    """
    slug, api = named.project(project), session.classic
    if branch is None:
        found = api.project_builds(slug, filter=wanted, limit=limit, offset=offset, shallow=shallow or None)
    else:
        found = api.branch_builds(
            slug, branch, filter=wanted, limit=limit, offset=offset, shallow=shallow or None
        )
    _show_builds(session, found, with_project=False)


@call(V1_1, V1, name="recent-builds")
@limit_option(20)
@offset_option
@shallow_option
def recent_builds(session: Session, limit: int, offset: int, shallow: bool) -> None:
    """List the newest builds of all projects you follow."""
    found = session.classic.recent_builds(limit=limit, offset=offset, shallow=shallow or None)
    _show_builds(session, found, with_project=True)


@call(V1_1, V1, name="organization-builds")
@click.argument("organization", metavar="ORG")
@limit_option(20)
@offset_option
@shallow_option
def organization_builds(session: Session, organization: str, limit: int, offset: int, shallow: bool) -> None:
    """List the newest builds of an organisation. ORG is acme, gh/acme or bb/acme.

    CircleCI does not document this call; it may not answer everywhere.
    """
    vcs, _, org = organization.rpartition("/")
    circle, flat = session.circle, shallow or None
    found = (
        circle.v1.organization_builds(org, limit=limit, offset=offset, shallow=flat)
        if session.version is V1
        else circle.v1_1.organization_builds(vcs or "gh", org, limit=limit, offset=offset, shallow=flat)
    )
    _show_builds(session, found, with_project=True)


def _show_builds(session: Session, found: Iterable[BuildSummary], *, with_project: bool) -> None:
    def row(each: BuildSummary) -> tuple[Cell, ...]:
        where = f"{each.org}/{each.name}" if with_project and each.org else ""
        return (
            each.number,
            where,
            status(each.status),
            each.job_name,
            ref(each.branch, each.tag),
            each.subject,
            each.author or each.user,
            ago(each.started_at or each.queued_at, session.now),
            took(each.duration),
        )

    headings = ("build", "project", "status", "job", "branch", "subject", "by", "started", "took")
    show_list(session, found, headings, row, empty="no builds")


@call(V1_1, V1)
@build_argument
@project_option
def build(session: Session, number: str, project: str | None) -> None:
    """Show a build with its steps.

    \b
      relay circleci build 123
      relay circleci build https://app.circleci.com/jobs/github/acme/api/123
    """
    place = named.build(number, project)
    found = session.classic.build(place.project, place.number)
    if session.as_json:
        show_json(session, found.raw)
        return
    show_facts(session, _build_facts(session, found, place))
    rows = [_step_row(step, action) for step in found.steps for action in step.actions]
    if rows:
        click.echo()
        show_table(session, ("step", "container", "status", "exit", "took"), rows)


def _build_facts(session: Session, found: Build, place: named.BuildName) -> dict[str, Cell]:
    names = " / ".join(name for name in (found.workflow_name, found.job_name) if name)
    commit = " ".join(part for part in (short(found.revision), found.subject) if part)
    return {
        "build": str(place),
        "status": status(found.status),
        "workflow": names,
        "branch": ref(found.branch, found.tag),
        "commit": commit,
        "author": found.author,
        "started by": " ".join(part for part in (found.user, found.why and f"({found.why})") if part),
        "started": ago(found.started_at, session.now),
        "took": took(found.duration),
        "not run": found.why_never_run(),
        "retry of": found.retry_of,
        "retried by": ", ".join(map(str, found.retries)),
        "said": "; ".join(found.messages),
        "workflow id": found.workflow_id,
        "page": found.url,
    }


def _step_row(step: Step, action: Action) -> tuple[Cell, ...]:
    container = str(action.index) if len(step.actions) > 1 else ""
    code = str(action.exit_code) if action.exit_code else ""
    mark = Text(action.status or "", style="red") if action.is_to_blame else status(action.status)
    return step.name or action.name, container, mark, code, took(action.duration)


@call()
@build_argument
@project_option
def job(session: Session, number: str, project: str | None) -> None:
    """Show a build as API v2 tells it: its workflow, pipeline and executor."""
    place = named.build(number, project)
    found = session.circle.v2.job(place.project, place.number)
    machine = " ".join(part for part in (found.executor, found.resource_class) if part)
    facts: dict[str, Cell] = {
        "job": found.name,
        "number": found.number,
        "status": status(found.status),
        "workflow": found.workflow_name,
        "workflow id": found.workflow_id,
        "pipeline id": found.pipeline_id,
        "project": found.project_slug,
        "runs on": f"{machine}, {found.parallelism} at a time" if (found.parallelism or 1) > 1 else machine,
        "queued": ago(found.queued_at, session.now),
        "started": ago(found.started_at, session.now),
        "took": took(found.duration),
        "said": "; ".join(found.messages),
        "page": found.url,
    }
    show_one(session, found, facts)
