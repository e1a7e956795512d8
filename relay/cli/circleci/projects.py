"""Projects: those followed, their facts and settings, following and building them."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from relay.circleci.reading import Raw
from relay.circleci.types.projects import PipelineDefinition, ProjectSummary
from relay.cli.circleci import named
from relay.cli.circleci.command import V1, V1_1, call, of_project
from relay.cli.circleci.discretion import discreet, secrets_option
from relay.cli.circleci.failing import AnswerIsNo, looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import (
    Cell,
    show_facts,
    show_json,
    show_list,
    show_one,
    show_table,
    show_words,
)


@call(V1_1, V1)
@click.option("--shallow", is_flag=True, help="Without branches: a much shorter answer for --json.")
@secrets_option
def projects(session: Session, shallow: bool, with_secrets: bool) -> None:
    """List the projects you follow.

    \b
      relay circleci projects
      relay circleci projects --json --shallow | jq -r '.[].vcs_url'

    The settings of chat integrations in --json are printed as ***, unless --secrets is given.
    """
    found = session.classic.projects(shallow=True if shallow or not session.as_json else None)
    if session.as_json:
        show_json(session, [discreet(each.raw, with_secrets) for each in found])
        return
    headings = ("project", "default branch", "address")
    show_table(session, headings, map(_project_row, found), empty="you follow no projects")


def _project_row(found: ProjectSummary) -> tuple[Cell, ...]:
    name = "/".join(part for part in (found.org, found.name) if part)
    return name, found.default_branch, found.vcs_url


@call()
@of_project
def project(session: Session, project: str | None) -> None:
    """Show a project: its id, organisation and repository.

    \b
      relay circleci project acme/api
    """
    found = session.circle.v2.project(named.project(project))
    facts = {
        "project": found.slug,
        "name": found.name,
        "organisation": found.organization,
        "repository": found.vcs_url,
        "default branch": found.default_branch,
        "id": found.id,
    }
    show_one(session, found, facts)


@call(V1_1, V1)
@of_project
@click.option("--skip-branches", is_flag=True, help="Without branches: a much shorter answer for --json.")
@secrets_option
def settings(session: Session, project: str | None, skip_branches: bool, with_secrets: bool) -> None:
    """Show a project's settings. Secrets in them are printed as ***."""
    skip = True if skip_branches or not session.as_json else None
    found = session.classic.settings(named.project(project), skip_branches=skip)
    _show_settings(session, found, with_secrets)


def _show_settings(session: Session, found: Raw, with_secrets: bool = False) -> None:
    if session.as_json:
        show_json(session, discreet(found, with_secrets))
    else:
        show_facts(session, dict(_flat(discreet(found))))


def _flat(found: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """What can be said in a line each."""
    for key, value in found.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, bool):
            yield f"{prefix}{key}", "yes" if value else "no"
        elif isinstance(value, (str, int, float)):
            yield f"{prefix}{key}", str(value)


@call(V1_1, V1)
@of_project
def follow(session: Session, project: str | None) -> None:
    """Follow a project, which makes CircleCI build it. May start a first build."""
    slug = named.project(project)
    with looking_with("projects"):
        found = session.classic.follow(slug)
    first = f"; build {found.first_build} was started" if found.first_build else ""
    said = f"you follow {slug}{first}" if found.following else f"CircleCI does not say that you follow {slug}"
    show_words(session, found.raw, said)


@call(V1_1, V1)
@of_project
def unfollow(session: Session, project: str | None) -> None:
    """Stop following a project."""
    slug = named.project(project)
    with looking_with("projects"):
        found = session.classic.unfollow(slug)
    said = (
        f"CircleCI says that you still follow {slug}" if found.following else f"you no longer follow {slug}"
    )
    show_words(session, found.raw, said)


@call(V1_1, V1)
@of_project
@secrets_option
def enable(session: Session, project: str | None, with_secrets: bool) -> None:
    """Let CircleCI build a project on every push."""
    slug = named.project(project)
    with looking_with(f"settings {slug}"):
        found = session.classic.enable(slug)
    show_words(session, discreet(found, with_secrets), f"CircleCI builds {slug} from now on")


@call(V1_1, V1)
@of_project
@secrets_option
def disable(session: Session, project: str | None, with_secrets: bool) -> None:
    """Stop CircleCI from building a project. Nothing is deleted; `enable` takes it back."""
    slug = named.project(project)
    found = session.classic.disable(slug)
    show_words(session, discreet(found, with_secrets), f"CircleCI no longer builds {slug}")


@call()
@of_project
def definitions(session: Session, project: str | None) -> None:
    """List a project's pipeline definitions, whose ids `trigger --definition` takes.

    PROJECT may also be the project's id.
    """

    def row(each: PipelineDefinition) -> tuple[Cell, ...]:
        return each.id, each.name

    found = session.circle.v2.pipeline_definitions(project_id(session, project))
    show_list(session, found, ("id", "name"), row, empty="no pipeline definitions")


def project_id(session: Session, project: str | None) -> str:
    """The UUID that some calls want, asked for by the project's name."""
    if project and named.is_id(project):
        return project
    slug = named.project(project)
    found = session.circle.v2.project(slug).id
    if found is None:
        raise AnswerIsNo(f"CircleCI tells no id of {slug}")
    return found
