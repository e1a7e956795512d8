"""Turns a build object of the v1 API, as classic webhooks carry it, into an Event.

Decided on `outcome`, because `status` is overwritten by later retries and `failed` means two things on two
platforms. `previous` is not used: on platform 2.0 it is another job of the same push. The configuration,
machines, commands and log links of a build stay out of the Event: they hold secrets.
"""

from dataclasses import replace
from datetime import datetime

from relay.model import (
    Build,
    Commit,
    Event,
    EventKind,
    Generation,
    Job,
    Person,
    Project,
    PullRequest,
    Status,
    Workflow,
)
from relay.payloads import authors, links, refs, words
from relay.payloads.links import Place, Repository
from relay.payloads.record import SUBJECT_LIMIT, Record
from relay.payloads.steps import failed_steps
from relay.payloads.times import seconds_between

SHORTEST_MILLIS = 1_000  # on platform 2.0 `build_time_millis` below this is often wrong
MOST_PULL_REQUESTS = 20
MOST_RETRIES = 200


def event(build: Record, generation: Generation, *, id: str, received_at: datetime) -> Event:
    """The event of a finished build (or of whatever a look-alike tells)."""
    page = links.build_place(build.fields.get("build_url"))
    repo = _repository(build, page)
    tag = _tag(build)
    branch = None if tag else refs.branch(build.line("branch"))
    commit = _commit(build, repo)
    return Event(
        id=id,
        kind=EventKind.BUILD,
        generation=generation,
        status=_status(build),
        project=_project(build, page, repo),
        branch=branch,
        tag=tag,
        fork=links.pull_branch_number(branch) is not None,
        pull_requests=_pull_requests(build, branch, repo),
        number=_number(build, page),
        url=build.link("build_url"),
        duration=_duration(build),
        started_at=build.time("start_time"),
        finished_at=build.time("stop_time"),
        commit=commit,
        author=authors.author(commit, _user(build)),
        trigger=words.trigger(build.line("why", limit=100)),
        build=_build(build),
        job=_job(build, page),
        workflow=_workflow(build),
        failed_steps=failed_steps(build.records("steps")),
        received_at=received_at,
    )


def _repository(build: Record, page: Place | None) -> Repository | None:
    """Its host's kind is told by `vcs_type`, or by its name, or by the page's address."""
    found = links.repository(build.fields.get("vcs_url"), build.line("vcs_type"))
    return replace(found, vcs=page.provider) if found and page and not found.vcs else found


def _slug(build: Record, page: Place | None, repo: Repository | None) -> str:
    """Opaque slugs are in the page's address only; else the repository decides."""
    if page and (repo is None or links.is_opaque(page.slug)):
        return page.slug
    if repo:
        return repo.slug
    org, name = build.line("username"), build.line("reponame")
    if org and name:
        return links.slug_of(links.provider_of(build.line("vcs_type")), org, name)
    return name or links.NO_PROJECT


def _number(build: Record, page: Place | None) -> int | None:
    number = build.number("build_num")
    return page.number if number is None and page else number


def _project(build: Record, page: Place | None, repo: Repository | None) -> Project:
    slug = _slug(build, page, repo)
    org, name = links.names_of_slug(slug)
    return Project(
        slug=slug,
        org=org or build.line("username") or (repo.org if repo else None),
        name=name or build.line("reponame") or (repo.name if repo else None),
        vcs=repo.vcs if repo else links.provider_of(build.line("vcs_type")) or links.provider_of_slug(slug),
        url=repo.url if repo else None,
    )


def _status(build: Record) -> Status:
    if build.line("dont_build") and not build.line("outcome"):
        return Status.NOT_RUN
    return words.status(build.line("outcome"), build.line("status"), build.line("lifecycle"))


def _tag(build: Record) -> str | None:
    """A tag build is one even when, as on platform 1.0, a branch is named beside the tag."""
    given = build.line("vcs_tag")
    return refs.tag(given, build.line("branch")) or given


def _pull_requests(build: Record, branch: str | None, repo: Repository | None) -> tuple[PullRequest, ...]:
    """Those listed (in two ways, over the years), else the one that a fork's branch is named for."""
    urls = dict.fromkeys((*build.links("pull_requests"), *build.links("pull_request_urls")))
    listed = tuple(PullRequest(url=url, number=links.pull_request_number(url)) for url in urls)
    return listed[:MOST_PULL_REQUESTS] or links.pull_request_of_branch(branch, repo)


def _duration(build: Record) -> float | None:
    """Seconds, by CircleCI's count unless that is implausibly small and the times say otherwise."""
    millis = build.number("build_time_millis")
    measured = seconds_between(build.time("start_time"), build.time("stop_time"))
    if millis is None or (millis < SHORTEST_MILLIS and measured is not None):
        return measured
    return millis / 1000


def _commit(build: Record, repo: Repository | None) -> Commit:
    sha = refs.sha(build.line("vcs_revision"))
    details = _details(build, sha)
    return Commit(
        sha=sha,
        short_sha=refs.short(sha),
        subject=build.line("subject", limit=SUBJECT_LIMIT) or details.line("subject", limit=SUBJECT_LIMIT),
        body=build.paragraph("body"),
        url=(repo.commit_url(sha) if repo else None) or details.link("commit_url"),
        author=_person(build, details, "author"),
        committer=_person(build, details, "committer"),
    )


def _details(build: Record, sha: str | None) -> Record:
    """What is listed about the built commit; a push may hold many, oldest first."""
    listed = build.records("all_commit_details")
    return next((one for one in reversed(listed) if sha and refs.sha(one.line("commit")) == sha), Record())


def _person(build: Record, details: Record, role: str) -> Person:
    return authors.person(
        build.line(f"{role}_name") or details.line(f"{role}_name"),
        build.line(f"{role}_email") or details.line(f"{role}_email"),
        details.line(f"{role}_login"),
    )


def _user(build: Record) -> Person:
    user = build.record("user")
    return authors.person(user.line("name"), user.line("email"), user.line("login"))


def _build(build: Record) -> Build:
    return Build(
        why=build.line("why"),
        retry_of=build.number("retry_of"),
        retries=build.numbers("retries")[:MOST_RETRIES],
        platform=build.line("platform"),
        lifecycle=build.line("lifecycle"),
        status=build.line("status"),
        parameters=build.mapping("build_parameters"),
    )


def _job(build: Record, page: Place | None) -> Job:
    """Platform 2.0 runs one build per job and names it in one of two places."""
    workflows = build.record("workflows")
    name = workflows.line("job_name") or build.record("build_parameters").line("CIRCLE_JOB")
    if name is None:
        return Job()
    number = _number(build, page)
    return Job(id=workflows.line("job_id"), name=name, number=number, url=build.link("build_url"))


def _workflow(build: Record) -> Workflow:
    workflows = build.record("workflows")
    return Workflow(
        id=workflows.line("workflow_id"),
        name=workflows.line("workflow_name"),
        url=workflows.link("workflow_url"),
    )
