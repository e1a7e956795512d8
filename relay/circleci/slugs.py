"""Which project is meant, and how names go into an address."""

import itertools
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from relay.errors import UsageError

LONG = {"gh": "github", "bb": "bitbucket"}
SHORT = {long: short for short, long in LONG.items()}
OPAQUE = "circleci"  # projects of GitHub App, GitLab and Bitbucket Data Center
_BEFORE_THE_SLUG = {"api", "v1.1", "v2", "project", "pipelines", "settings", "insights"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Slug:
    """A project: `vcs` is gh, bb, circleci (then org and name are ids) or a word we do not know."""

    vcs: str
    org: str
    name: str

    def __str__(self) -> str:
        return f"{self.vcs}/{self.org}/{self.name}"

    @property
    def long_vcs(self) -> str:
        return LONG.get(self.vcs, self.vcs)

    @property
    def is_opaque(self) -> bool:
        return self.vcs == OPAQUE


def parse(project: "str | Slug") -> Slug:
    """From "gh/acme/api", "github/acme/api", "circleci/<id>/<id>", "acme/api" (GitHub) or an address.

    Addresses are those of repositories (https, ssh, git@) and of CircleCI's pages. Raises UsageError.
    """
    if isinstance(project, Slug):
        return project
    text = project.strip()
    is_address = _is_address(text)
    parts = _address_parts(text) if is_address else text.split("/")
    if len(parts) == 2 and not is_address:
        parts = ["gh", *parts]
    if len(parts) != 3:
        raise UsageError(f"{project!r} names no project; write gh/org/repo, org/repo or its address")
    vcs, org, name = (_checked(part, project) for part in parts)
    return Slug(vcs=SHORT.get(vcs.lower(), vcs.lower()), org=org, name=name)


def fill(route: str, **parts: str | int | tuple[str, ...]) -> str:
    """The route with its {names} replaced; each segment, also of a tuple, is encoded by itself."""
    return route.format(**{name: _encoded(name, part) for name, part in parts.items()})


def _encoded(name: str, part: str | int | tuple[str, ...]) -> str:
    segments = part if isinstance(part, tuple) else (str(part),)
    return "/".join(quote(_checked(segment, name), safe="") for segment in segments)


def _checked(part: str, where: str) -> str:
    """Refuses segments that would lead to another address; an empty one is a redirect at CircleCI."""
    if part in {"", ".", ".."} or not part.isprintable():
        raise UsageError(f"{where!r} holds {part!r}, which cannot be part of an address")
    return part


def _is_address(text: str) -> bool:
    return "://" in text or _is_scp(text) or "." in text.partition("/")[0]


def _is_scp(text: str) -> bool:
    """user@host:path, as git writes addresses of ssh."""
    user, at, rest = text.partition("@")
    return bool(at) and "/" not in user and ":" in rest


def _address_parts(text: str) -> list[str]:
    if "://" not in text and _is_scp(text):
        host, _, path = text.partition("@")[2].partition(":")
    else:
        host, path = _split(text if "://" in text else f"https://{text}")
    parts = path.strip("/").removesuffix(".git").split("/")
    return _page_parts(parts) if _is_circleci(host, parts) else _repository_parts(host, parts)


def _split(address: str) -> tuple[str, str]:
    """Host and path."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise UsageError(f"{address!r} is no address: {error}") from error
    return parts.hostname or "", parts.path


def _is_circleci(host: str, parts: list[str]) -> bool:
    known = {*LONG, *SHORT, OPAQUE, *_BEFORE_THE_SLUG}
    return host in {"circleci.com", "app.circleci.com"} or (len(parts) > 2 and parts[0] in known)


def _page_parts(parts: list[str]) -> list[str]:
    """/gh/acme/api/123, /pipelines/github/acme/api/7, /api/v1.1/project/github/acme/api, …"""
    return list(itertools.dropwhile(_BEFORE_THE_SLUG.__contains__, parts))[:3]


def _repository_parts(host: str, parts: list[str]) -> list[str]:
    if "gitlab" in host:
        raise UsageError(
            "a GitLab project is named circleci/<org id>/<project id>; see its settings in CircleCI"
        )
    return ["bb" if "bitbucket" in host else "gh", *parts[:2]]
