"""Repositories, project slugs and links, for each kind of host and without naming one where it can differ."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from relay.model import PullRequest

NO_PROJECT = "unknown"  # the slug when nothing names a project, as in a ping
LONGEST_LINK = 2_000  # characters

_PREFIXES = {"github": "gh", "gh": "gh", "bitbucket": "bb", "bb": "bb"}
_OPAQUE = "circleci"
_PROVIDERS = {
    "github": "github",
    "gh": "github",
    "github_app": "github",
    "github_server": "github",
    "bitbucket": "bitbucket",
    "bb": "bitbucket",
    "bitbucket_dc": "bitbucket",
    "gitlab": "gitlab",
}
_COMMITS = {"github": "commit", "bitbucket": "commits", "gitlab": "-/commit"}
_PULL_REQUESTS = {"github": "pull", "bitbucket": "pull-requests", "gitlab": "-/merge_requests"}
_PULL_WORDS = {"pull", "pulls", "pull-requests", "merge_requests"}
_UNSAFE = set('<>"`\\|')


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository on its host. `org` holds all groups of a GitLab project."""

    host: str
    org: str
    name: str
    vcs: str | None = None  # github | bitbucket | gitlab

    @property
    def url(self) -> str:
        return f"https://{self.host}/{quote(self.org)}/{quote(self.name)}"

    @property
    def slug(self) -> str:
        """As CircleCI writes it for projects it does not name by opaque ids."""
        return slug_of(self.vcs, self.org, self.name)

    def is_same(self, other: "Repository") -> bool:
        """Hosts compare names without regard to case."""
        mine, theirs = ((r.host.lower(), r.org.lower(), r.name.lower()) for r in (self, other))
        return mine == theirs

    def commit_url(self, sha: str | None) -> str | None:
        word = _COMMITS.get(self.vcs or "")
        return f"{self.url}/{word}/{sha}" if word and sha else None

    def pull_request_url(self, number: int | None) -> str | None:
        word = _PULL_REQUESTS.get(self.vcs or "")
        return f"{self.url}/{word}/{number}" if word and number is not None else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which project, and which build of it, as the address of a build's page tells."""

    slug: str
    number: int | None = None

    @property
    def provider(self) -> str | None:
        return provider_of_slug(self.slug)


def link(value: Any) -> str | None:
    """An http or https link that can be shown: no other scheme, no credentials, nothing to break out with."""
    if not isinstance(value, str) or len(value) > LONGEST_LINK:
        return None
    text = value.strip()
    parts = _split(text)
    is_web = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    if not is_web or not text.isprintable() or " " in text or _UNSAFE & set(text):
        return None
    return text if parts and "@" not in parts.netloc else None


def repository(url: Any, provider: str | None = None) -> Repository | None:
    """The repository a URL names: https, ssh, git or `git@host:org/name.git`. Credentials are left behind."""
    parts = _split(_without_scp_form(url)) if isinstance(url, str) and len(url) <= LONGEST_LINK else None
    if parts is None or parts.scheme not in ("http", "https", "ssh", "git"):
        return None
    host = _host(parts)
    path = [part for part in parts.path.removesuffix("/").removesuffix(".git").split("/") if part]
    if not host or len(path) < 2 or not parts.path.isprintable():
        return None
    return Repository(host=host, org="/".join(path[:-1]), name=path[-1], vcs=provider_of(provider, host))


def provider_of(word: str | None, host: str = "") -> str | None:
    """github, bitbucket or gitlab: by CircleCI's word for it, else by the host's name."""
    known = _PROVIDERS.get((word or "").lower())
    return known or next((name for name in _COMMITS if name in host.lower()), None)


def normal_slug(slug: str | None) -> str | None:
    """`github/acme/api` and `gh/acme/api` are one project; opaque slugs stay."""
    parts = (slug or "").strip("/").split("/")
    if len(parts) < 3 or not all(parts):
        return None
    return "/".join((_PREFIXES.get(parts[0], parts[0]), *parts[1:]))


def slug_of(provider: str | None, org: str, name: str) -> str:
    """The slug of a project that is named by its repository; GitHub when nothing says otherwise."""
    word = provider or "github"
    return f"{_PREFIXES.get(word, word)}/{org}/{name}"


def is_opaque(slug: str) -> bool:
    """Whether it names organization and project by CircleCI's ids, not by their names."""
    return slug.startswith(f"{_OPAQUE}/")


def names_of_slug(slug: str) -> tuple[str | None, str | None]:
    """Organization and project, where the slug has their names."""
    parts = slug.split("/")
    if is_opaque(slug) or len(parts) < 3:
        return None, None
    return "/".join(parts[1:-1]), parts[-1]


def provider_of_slug(slug: str) -> str | None:
    return _PROVIDERS.get(slug.partition("/")[0])


def build_place(url: Any) -> Place | None:
    """Project and number from a build's page: `/gh/acme/api/42`, or below `/pipelines/` the job's number."""
    parts = _split(url) if isinstance(url, str) and link(url) else None
    path = [part for part in parts.path.split("/") if part] if parts else []
    start = next((i for i, part in enumerate(path) if part in _PREFIXES or part == _OPAQUE), None)
    slug = normal_slug("/".join(path[start : start + 3])) if start is not None else None
    if start is None or slug is None:
        return None
    return Place(slug=slug, number=_build_number(path[:start], path[start + 3 :]))


def pull_request_number(url: str) -> int | None:
    """The number in a link to a pull or merge request."""
    path = urlsplit(url).path.split("/")
    pairs = pairwise(path)
    return next((int(n) for word, n in pairs if word in _PULL_WORDS and _is_number(n)), None)


def pull_branch_number(branch: str | None) -> int | None:
    """42 for `pull/42`, the branch CircleCI gives to pull requests from forks."""
    first, _, rest = (branch or "").partition("/")
    digits = rest.partition("/")[0]
    return int(digits) if first == "pull" and _is_number(digits) else None


def pull_request_of_branch(branch: str | None, repo: Repository | None) -> tuple[PullRequest, ...]:
    """The pull request a branch named `pull/42` stands for."""
    number = pull_branch_number(branch)
    url = repo.pull_request_url(number) if repo else None
    return (PullRequest(url=url, number=number),) if url else ()


def _build_number(before: list[str], after: list[str]) -> int | None:
    is_pipeline = "pipelines" in before
    digits = after[-1] if after[-2:-1] == ["jobs"] else after[0] if after and not is_pipeline else ""
    return int(digits) if _is_number(digits) else None


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) <= 15


def _without_scp_form(url: str) -> str:
    """`git@host:org/name` as `ssh://git@host/org/name`."""
    text = url.strip()
    if "://" in text:
        return text
    host, colon, path = text.partition(":")
    return f"ssh://{host}/{path}" if colon and "@" in host and "/" not in host else text


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult) -> str | None:
    """The host, with its port where that is the web's own."""
    name = parts.hostname or ""
    if not name or not name.isascii() or not all(c.isalnum() or c in ".-" for c in name):
        return None
    keeps_port = parts.port and parts.scheme in ("http", "https")
    return f"{name}:{parts.port}" if keeps_port else name
