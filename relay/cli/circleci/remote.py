"""Guesses the project from the git remote of the current folder."""

import re
import shutil
import subprocess

import click

from relay.circleci.slugs import Slug, parse
from relay.cli.output import Mistake, visible
from relay.errors import UsageError

SAY = "say which project with --project gh/org/repo"
PATIENCE_S = 5
_SCP = re.compile(r"(?:[^/@:]+@)?([^/@:]+):([^/]+/.+)")  # git@host:org/repo, the form of scp


def guessed_project() -> Slug:
    """The project of the remote `origin`, or of the only one; tells on stderr which. Mistake without one."""
    name = _remote_name(_git("remote").split())
    address = _git("remote", "get-url", name).strip()
    slug = project_of(address)
    if slug is None:
        raise Mistake(visible(f"the git remote {name} leads to no project that CircleCI knows; {SAY}"))
    click.echo(visible(f"project {slug}, by the git remote {name}"), err=True)
    return slug


def project_of(address: str) -> Slug | None:
    """The project that is built from a repository's address; None for folders and GitLab."""
    scp = None if "://" in address else _SCP.fullmatch(address)
    whole = f"ssh://{scp[1]}/{scp[2]}" if scp else address
    if re.match("(https?|ssh|git)://[^/]+/[^/]+/[^/]", whole) is None:
        return None
    try:
        return parse(whole)
    except (UsageError, ValueError):
        return None


def _remote_name(names: list[str]) -> str:
    if "origin" in names:
        return "origin"
    if len(names) == 1:
        return names[0]
    found = f"has the remotes {', '.join(names)} and no origin" if names else "has no remote"
    raise Mistake(visible(f"the git repository of this folder {found}; {SAY}"))


def _git(*words: str) -> str:
    """What git prints. Mistake when there is no git, or no repository."""
    program = shutil.which("git")
    if program is None:
        raise Mistake(f"git is not installed, so the project cannot be guessed; {SAY}")
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, and names that git itself gave
            [program, *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        raise Mistake(f"this folder is in no git repository that could name the project; {SAY}") from None
    return done.stdout
