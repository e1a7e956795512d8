"""Runs builds and workflows again, and finds what came of it."""

from collections.abc import Sequence

import click

from relay.circleci.errors import Unclear
from relay.circleci.slugs import Slug, parse
from relay.circleci.started import Kind, RetryFrom, Started
from relay.circleci.types.pipelines import WorkflowJob
from relay.cli.circleci import named
from relay.cli.circleci.command import AUTO, V1, V1_1, V2, call, project_option
from relay.cli.circleci.failing import AnswerIsNo, looking_with
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_words
from relay.cli.circleci.started import show_started

target_argument = click.argument("target", metavar="NUMBER|WORKFLOW")
from_option = click.option(
    "--from",
    "start",
    type=click.Choice([each.value for each in RetryFrom]),
    default=RetryFrom.FAILED.value,
    show_default=True,
    help="Only what failed and what follows it, or all from the start.",
)


@call(AUTO, V1, V1_1, V2)
@target_argument
@project_option
@from_option
@click.option("--ssh", "with_ssh", is_flag=True, help="Keep its machine open for SSH.")
@click.option("--job", "jobs", multiple=True, metavar="ID", help="Only this job, by its id. Repeatable.")
def retry(
    session: Session,
    target: str,
    project: str | None,
    start: str,
    with_ssh: bool,
    jobs: Sequence[str],
) -> None:
    """Run a workflow again, found by the number of one of its builds or by its id.

    \b
      relay circleci retry 123
      relay circleci retry 123 --from start
      relay circleci retry 123 --ssh
      relay circleci retry 123 --api v1        only this one build, on an old install

    A build's workflow is run again through API v2. A build without one, and one on an install without v2, is
    retried by itself through v1.1; --api v1 and v1.1 do that first.

    Nothing is ever started twice: when the answer is lost, this says so, and how to look.
    """
    _retry(session, target, project, start=RetryFrom(start), ssh=with_ssh, jobs=jobs)


@call(AUTO, V1, V1_1, V2)
@target_argument
@project_option
def ssh(session: Session, target: str, project: str | None) -> None:
    """Run a build again with SSH: the same as `retry --ssh`.

    Who may log in: see `relay circleci ssh-users`. The address stands at the end of the build's steps.
    """
    _retry(session, target, project, start=RetryFrom.FAILED, ssh=True, jobs=())


def _retry(
    session: Session, target: str, project: str | None, *, start: RetryFrom, ssh: bool, jobs: Sequence[str]
) -> None:
    workflow, build = named.workflow_or_build(target, project)
    with looking_with(f"child {build.options if build else workflow}"):
        started = session.circle.retry(
            build.project if build else _project_of(session, workflow),
            workflow=workflow,
            number=build.number if build else None,
            start=start,
            jobs=jobs,
            ssh=ssh,
            version=session.version,
        )
    show_started(session, started, build.project if build else None)


def _project_of(session: Session, workflow: str | None) -> Slug:
    """Of a workflow that was named by its id only."""
    slug = session.circle.v2.workflow(workflow or "").project_slug
    if slug is None:
        raise AnswerIsNo(f"CircleCI does not say of which project workflow {workflow} is")
    return parse(slug)


@call()
@click.argument("workflow", metavar="WORKFLOW")
@from_option
@click.option("--job", "jobs", multiple=True, metavar="NAME|ID", help="Only this job. Repeatable.")
@click.option("--ssh", "with_ssh", is_flag=True, help="With --job: keep its machine open for SSH.")
@click.option("--sparse-tree", is_flag=True, help="With --job: leave out the other jobs of the workflow.")
def rerun(
    session: Session,
    workflow: str,
    start: str,
    jobs: Sequence[str],
    with_ssh: bool,
    sparse_tree: bool,
) -> None:
    """Run a workflow again, by its id or the address of its page.

    \b
      relay circleci rerun 5034460f-c7c4-4c43-9457-de07e2029e7b
      relay circleci rerun 5034460f-c7c4-4c43-9457-de07e2029e7b --job test --ssh
    """
    id_ = named.workflow(workflow)
    ids = _ids_of_jobs(session, id_, jobs)
    with looking_with(f"child {id_}"):
        new = session.circle.v2.rerun(
            id_,
            from_failed=start == RetryFrom.FAILED and not ids,
            jobs=ids,
            enable_ssh=with_ssh,
            sparse_tree=sparse_tree,
        )
        if new is None:
            raise Unclear("CircleCI took the call and did not name the new workflow", status=202)
    show_started(session, Started(kind=Kind.WORKFLOW, id=new, how="v2 rerun"), None)


def _ids_of_jobs(session: Session, workflow: str, names: Sequence[str]) -> tuple[str, ...]:
    """Asks CircleCI only where a name was given."""
    if all(map(named.is_id, names)):
        return tuple(names)
    every = list(session.circle.v2.workflow_jobs(workflow))
    return tuple(name if named.is_id(name) else _id_of_job(every, name) for name in names)


def _id_of_job(jobs: Sequence[WorkflowJob], name: str) -> str:
    found = [each.id for each in jobs if each.id and name in {each.name, str(each.number)}]
    if not found:
        from relay.config.suggestions import unknown

        raise AnswerIsNo(
            unknown(f"no job of the workflow is called {name}", name, [each.name or "" for each in jobs])
        )
    return found[0]


@call()
@target_argument
@project_option
@click.option("--known", multiple=True, metavar="ID|NUMBER", help="Not this one. Repeatable.")
def child(session: Session, target: str, project: str | None, known: Sequence[str]) -> None:
    """Find what was run again from a build or workflow, for instance when an answer was lost.

    Tells the oldest run of it that is not --known. Only looks.

    \b
      relay circleci child 123
      relay circleci child 123 --known 124
    """
    workflow, build = named.workflow_or_build(target, project)
    found = session.circle.find_child(
        build.project if build else _project_of(session, workflow),
        workflow=workflow,
        number=build.number if build else None,
        known=known,
    )
    if found is None:
        raise AnswerIsNo(
            f"nothing was run again from {f'build {build}' if build else f'workflow {workflow}'}"
        )
    name = f"build {found.number}" if found.kind is Kind.BUILD else f"workflow {found.id}"
    show_words(session, found.raw, f"{name}, {found.how}")
