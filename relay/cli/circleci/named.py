"""Understands what the command line names: a project, a build, a workflow, or the address of one's page."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from relay.circleci.slugs import Slug, parse
from relay.cli.circleci.remote import guessed_project
from relay.cli.output import Mistake

LARGEST_NUMBER = 2**53  # more is no number of a build
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"#?([0-9]{1,16})")
_PROJECT = re.compile(r"(?:^|/)(gh|github|bb|bitbucket|circleci)/([^/]+)/([^/]+)(?:/([0-9]{1,16}))?(?=/|$)")
_WORKFLOW = re.compile(rf"/workflows/({_UUID.pattern})")
_JOB = re.compile(r"/jobs?/([0-9]{1,16})(?=/|$)")


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildName:
    """A build, which API v2 calls a job."""

    project: Slug
    number: int

    def __str__(self) -> str:
        return f"{self.number} of {self.project}"

    @property
    def options(self) -> str:
        """As one would type it."""
        return f"{self.number} -p {self.project}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What an address of CircleCI's pages names."""

    project: Slug | None = None
    number: int | None = None
    workflow: str | None = None


def is_id(text: str) -> bool:
    """Whether this is an id as API v2 has them."""
    return _UUID.fullmatch(text) is not None


def project(text: str | None) -> Slug:
    """The one named, else the one guessed from the git remote."""
    return _parsed(text) if text else guessed_project()


def build(text: str, project_text: str | None) -> BuildName:
    """From a number and a project, or from the address of a page."""
    found = page(text)
    if found.number is None:
        raise Mistake(f"{text!r} names no build; give its number or the address of its page")
    return BuildName(project=_project_of(found, project_text), number=found.number)


def workflow(text: str) -> str:
    """The id, also from the address of a page."""
    found = page(text).workflow
    if found is None:
        raise Mistake(f"{text!r} names no workflow; give its id or the address of its page")
    return found


def workflow_or_build(text: str, project_text: str | None) -> tuple[str | None, BuildName | None]:
    """Either or, from the page of a job, both."""
    found = page(text)
    if found.number is not None:
        return found.workflow, BuildName(project=_project_of(found, project_text), number=found.number)
    if found.workflow is not None:
        return found.workflow, None
    raise Mistake(f"{text!r} names neither; give a build's number, a workflow's id or the address of a page")


def page(text: str) -> Page:
    """What a number, an id or an address names."""
    word = text.strip()
    number = _NUMBER.fullmatch(word)
    if number:
        return Page(number=_checked(number[1]))
    if _UUID.fullmatch(word):
        return Page(workflow=word.lower())
    return _of_address(word) if "/" in word else Page()


def _of_address(address: str) -> Page:
    try:
        path = unquote(urlsplit(address if "://" in address else f"https://{address}").path)
    except ValueError:
        raise Mistake(f"{address!r} is no address") from None
    found, workflow, job = _PROJECT.search(path), _WORKFLOW.search(path), _JOB.search(path)
    is_pipeline = "/pipelines/" in path
    number = job[1] if job else found[4] if found and not is_pipeline else None
    return Page(
        project=parse("/".join(found.group(1, 2, 3))) if found else None,
        number=_checked(number) if number else None,
        workflow=workflow[1].lower() if workflow else None,
    )


def _project_of(found: Page, project_text: str | None) -> Slug:
    if found.project is None:
        return project(project_text)
    if project_text and _parsed(project_text) != found.project:
        raise Mistake(f"the address is of {found.project}, and --project says otherwise")
    return found.project


def _parsed(text: str) -> Slug:
    try:
        return parse(text)
    except ValueError:
        raise Mistake(f"{text!r} names no project; write gh/org/repo, org/repo or its address") from None


def _checked(digits: str) -> int:
    number = int(digits)
    if number > LARGEST_NUMBER:
        raise Mistake(f"{digits} is no number of a build")
    return number
