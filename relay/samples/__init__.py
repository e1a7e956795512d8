"""Webhooks that tell a story, for `relay demo` and for trying a configuration.

A main branch breaks and is fixed, a pull request fails, a release goes out, and older senders join in.
"""

from dataclasses import dataclass
from importlib.resources import files

_NOTES = {
    "01-ping": "the Test Ping Event button",
    "02-main-green": "GitHub: build-and-deploy passes on main",
    "03-main-job-failed": "GitHub: the test job fails on main",
    "04-main-broke": "GitHub: with it fails the workflow, Alice's commit broke main",
    "05-main-still-failing": "GitHub: Bob pushes to the broken main",
    "06-main-fixed": "GitHub: Alice fixes main",
    "07-main-fixed-again": "the same event once more, as CircleCI may send it",
    "08-branch-failed": "GitHub App: a branch fails whose commit subject tries to ping everybody",
    "09-gitlab-failed": "GitLab: main fails",
    "10-canceled": "GitHub: a workflow is canceled",
    "11-release-tag": "GitHub: release v2.4.0 goes out",
    "12-classic-fixed": "classic build on platform 1.0: fixed, unsigned",
    "13-classic-job-failed": "classic build on platform 2.0: a job of a pull request fails, unsigned",
    "14-lookalike": "a flat build posted by a script, unsigned",
}
_UNSIGNED = {"12-classic-fixed", "13-classic-job-failed", "14-lookalike"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    name: str
    body: bytes
    signed: bool  # classic senders and scripts cannot sign
    note: str  # what it is, in one line


def load() -> tuple[Sample, ...]:
    """All samples in the order of the story."""
    return tuple(_sample(name, note) for name, note in sorted(_NOTES.items()))


def _sample(name: str, note: str) -> Sample:
    body = files(__package__).joinpath(f"{name}.json").read_bytes()
    return Sample(name=name, body=body, signed=name not in _UNSIGNED, note=note)
