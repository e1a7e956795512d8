"""What a pipeline was run on: repository, branch or tag, commit, people.

GitHub OAuth and Bitbucket Cloud tell it in `pipeline.vcs`; GitLab, GitHub App and Bitbucket Data Center in
`pipeline.trigger_parameters`, where `git` is common to all and the block beside it is the provider's own.
The first that has a value wins, in that order.
"""

from dataclasses import dataclass

from relay.model import Commit, Person
from relay.payloads import authors, links, refs
from relay.payloads.links import Repository
from relay.payloads.record import SUBJECT_LIMIT, Record, paragraph

_COMMON_BLOCKS = {"circleci", "git", "webhook"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    repo: Repository | None
    vcs: str | None  # github | bitbucket | gitlab
    owner: str | None  # the repository's organization and name, as told beside its URL
    name: str | None
    branch: str | None
    tag: str | None
    fork: bool
    commit: Commit
    user: Person  # who pushed
    word: str | None  # what happened, in the provider's words


@dataclass(frozen=True, kw_only=True, slots=True)
class _Blocks:
    vcs: Record
    commit: Record
    git: Record
    own: Record
    circleci: Record
    provider: str | None  # CircleCI's word for the host


def source_of(pipeline: Record) -> Source:
    """What this pipeline was run on; everything may be missing, as when it was started through the API."""
    blocks = _blocks(pipeline)
    repo = _repository(blocks)
    tag = _tag(blocks)
    branch = None if tag else _branch(blocks)
    return Source(
        repo=repo,
        vcs=links.provider_of(blocks.provider) or (repo.vcs if repo else None),
        owner=blocks.git.line("repo_owner") or blocks.own.line("owner"),
        name=blocks.git.line("repo_name") or blocks.own.line("repo_name"),
        branch=branch,
        tag=tag,
        fork=_is_fork(blocks, branch),
        commit=_commit(blocks, repo),
        user=authors.person(blocks.own.line("user_name"), None, blocks.own.line("user_username")),
        word=blocks.circleci.line("event_type") or blocks.own.line("type"),
    )


def _blocks(pipeline: Record) -> _Blocks:
    vcs = pipeline.record("vcs")
    parameters = pipeline.record("trigger_parameters")
    names = [name for name in parameters.fields if name not in _COMMON_BLOCKS and parameters.record(name)]
    own = next((name for name in names if links.provider_of(name)), names[0] if names else "")
    circleci = parameters.record("circleci")
    return _Blocks(
        vcs=vcs,
        commit=vcs.record("commit"),
        git=parameters.record("git"),
        own=parameters.record(own),
        circleci=circleci,
        provider=vcs.line("provider_name") or own or circleci.line("trigger_type"),
    )


def _repository(blocks: _Blocks) -> Repository | None:
    urls = (
        blocks.vcs.fields.get("target_repository_url"),
        blocks.vcs.fields.get("origin_repository_url"),
        blocks.own.fields.get("web_url"),
        blocks.git.fields.get("repo_url"),
        blocks.own.fields.get("repo_url"),
        blocks.git.fields.get("checkout_url"),
    )
    found = (links.repository(url, blocks.provider) for url in urls)
    return next((repo for repo in found if repo), None)


def _tag(blocks: _Blocks) -> str | None:
    named = blocks.vcs.line("tag") or blocks.git.line("tag") or blocks.own.line("tag")
    return refs.tag(named, *_full_refs(blocks)) or named


def _branch(blocks: _Blocks) -> str | None:
    named = (block.line("branch") for block in (blocks.vcs, blocks.git, blocks.own))
    return refs.branch(*named) or refs.head(*_full_refs(blocks))


def _full_refs(blocks: _Blocks) -> tuple[str | None, ...]:
    return blocks.git.line("ref"), blocks.own.line("full_ref"), blocks.own.line("ref")


def _is_fork(blocks: _Blocks, branch: str | None) -> bool:
    """By GitLab's word, by the name CircleCI gives such a branch, or because two repositories are named."""
    if blocks.own.flag("is_fork_merge_request") or links.pull_branch_number(branch) is not None:
        return True
    origin = links.repository(blocks.vcs.fields.get("origin_repository_url"))
    target = links.repository(blocks.vcs.fields.get("target_repository_url"))
    return bool(origin and target and not origin.is_same(target))


def _commit(blocks: _Blocks, repo: Repository | None) -> Commit:
    sha = refs.sha(
        blocks.vcs.line("revision")
        or blocks.git.line("checkout_sha")
        or blocks.own.line("commit_sha", "checkout_sha")
    )
    subject, body = _message(blocks)
    return Commit(
        sha=sha,
        short_sha=refs.short(sha),
        subject=subject,
        body=body,
        url=repo.commit_url(sha) if repo else None,
        author=_author(blocks),
        committer=_person(blocks.commit.record("committer")),
    )


def _message(blocks: _Blocks) -> tuple[str | None, str | None]:
    """Subject and body; triggers tell the title, the whole message, or both."""
    told = blocks.commit.line("subject", limit=SUBJECT_LIMIT)
    if told:
        return told, blocks.commit.paragraph("body")
    whole = blocks.own.paragraph("commit_message") or blocks.git.paragraph("commit_message") or ""
    first, _, rest = whole.partition("\n")
    title = blocks.own.line("commit_title", limit=SUBJECT_LIMIT)
    return title or Record({"first": first}).line("first", limit=SUBJECT_LIMIT), paragraph(rest)


def _author(blocks: _Blocks) -> Person:
    told = _person(blocks.commit.record("author"))
    return authors.person(
        told.name or blocks.git.line("commit_author_name") or blocks.own.line("commit_author_name"),
        told.email or blocks.git.line("commit_author_email") or blocks.own.line("commit_author_email"),
        blocks.git.line("author_login"),
    )


def _person(fields: Record) -> Person:
    return authors.person(fields.line("name"), fields.line("email"), None)
