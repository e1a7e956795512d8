"""What can be done to something that runs: stop it, let it go on, log in."""

from collections.abc import Sequence
from typing import Any

import click

from relay.circleci.errors import Gone
from relay.circleci.reading import objects, text
from relay.circleci.types.pipelines import WorkflowJob
from relay.cli.circleci import named
from relay.cli.circleci.command import AUTO, V1, V1_1, V2, build_argument, call, project_option
from relay.cli.circleci.failing import AnswerIsNo, looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_words
from relay.cli.output import Mistake


@call(AUTO, V1, V1_1, V2)
@click.argument("target", metavar="NUMBER|WORKFLOW")
@project_option
def cancel(session: Session, target: str, project: str | None) -> None:
    """Stop a build, or a workflow with all its jobs. What has ended already stays as it is.

    \b
      relay circleci cancel 123
      relay circleci cancel 5034460f-c7c4-4c43-9457-de07e2029e7b
    """
    workflow, build = named.workflow_or_build(target, project)
    if build is not None:
        answer, said = _cancel_build(session, build)
    elif session.version in {V1, V1_1}:
        raise Mistake("API v1 and v1.1 stop builds; give a build's number")
    else:
        message = session.circle.v2.cancel_workflow(workflow or "")
        answer, said = {"message": message}, f"workflow {workflow} is being stopped: {message}"
    show_words(session, answer, said)


def _cancel_build(session: Session, build: named.BuildName) -> tuple[Any, str]:
    """v1.1 tells how the build stands, so it is asked first where there is a choice."""
    if session.version is not V2:
        try:
            found = session.classic.cancel(build.project, build.number)
        except Gone:
            if session.version is not AUTO:
                raise
        else:
            return found.raw, f"build {build}: {found.status or 'stopped'}"
    message = session.circle.v2.cancel_job(build.project, build.number)
    return {"message": message}, f"build {build} is being stopped: {message}"


@call()
@click.argument("workflow", metavar="WORKFLOW")
@click.argument("job", metavar="[JOB]", required=False)
def approve(session: Session, workflow: str, job: str | None) -> None:
    """Let a job on hold go on. JOB is its name or id; not needed when only one waits.

    \b
      relay circleci approve 5034460f-c7c4-4c43-9457-de07e2029e7b deploy-to-production
    """
    id_ = named.workflow(workflow)
    waiting = _waiting(list(session.circle.v2.workflow_jobs(id_)), id_, job)
    with looking_with(f"workflow {id_}"):
        message = session.circle.v2.approve(id_, waiting.approval_request_id or waiting.id or "")
    show_words(session, {"message": message}, f"approved {waiting.name} of workflow {id_}: {message}")


def _waiting(jobs: Sequence[WorkflowJob], workflow: str, named_job: str | None) -> WorkflowJob:
    held = [each for each in jobs if each.type == "approval" and each.status == "on_hold"]
    names = [each.name or "" for each in held]
    if not held:
        raise AnswerIsNo(f"no job of workflow {workflow} waits for an approval")
    if named_job is None and len(held) > 1:
        raise Mistake(f"several jobs wait, say which: {', '.join(names)}")
    fits = [each for each in held if named_job in {None, each.name, each.id, each.approval_request_id}]
    if not fits:
        from relay.config.suggestions import unknown

        raise AnswerIsNo(unknown(f"no waiting job is called {named_job}", named_job or "", names))
    return fits[0]


@call(V1_1, V1, name="ssh-users")
@build_argument
@project_option
def ssh_users(session: Session, number: str, project: str | None) -> None:
    """Let yourself into the machine of a running build that has SSH.

    The build must have been started with `relay circleci ssh`.
    """
    place = named.build(number, project)
    with looking_with(f"build {place.options}"):
        found = session.classic.add_ssh_user(place.project, place.number)
    logins = [login for each in objects(found.raw.get("ssh_users")) if (login := text(each, "login"))]
    who = ", ".join(logins) or "the token's owner"
    show_words(session, found.raw, f"build {place} lets in: {who}")
