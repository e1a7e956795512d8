"""Logs of jobs that fail, one way for each kind of fault, and what the shipped catalogue makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from relay.failures import BadStep, as_notes, recognise, shipped

OUTAGE_OF_CIRCLECI, OUTAGE_OF_REGISTRY = "outage-circleci", "outage-registry"
LOST = "infrastructure_fail"
NOISE = "+ ./ci/run.sh --all\nstarting 4 workers\nfinished preparing in 12 s\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How a job fails: the step, its last words and how CircleCI calls it. step: None if none failed."""

    step: str | None = "Run tests"
    says: str = ""
    code: int = 1
    status: str | None = None


WAYS: Mapping[str, Way] = {
    OUTAGE_OF_CIRCLECI: Way(step=None, status=LOST),
    OUTAGE_OF_REGISTRY: Way(
        step="Install",
        says="npm ERR! code E503\nnpm ERR! 503 Service Unavailable - GET https://npm.example.com/left",
    ),
    "agent": Way(step=None, status=LOST),
    "net": Way(says="curl: (56) Recv failure: Connection reset by peer", code=56),
    "registry": Way(step="Install", says="npm ERR! code ECONNRESET\nnpm ERR! network aborted"),
    "docker": Way(
        step="Build image",
        says="Error response from daemon: received unexpected HTTP status: 503 Service Unavailable",
    ),
    "quota": Way(
        step="Pull image",
        says="Error response from daemon: toomanyrequests: You have reached your pull rate limit.",
    ),
    "vcs": Way(step="Checkout code", says="fatal: the remote end hung up unexpectedly", code=128),
    "cache": Way(step="Restore cache", says="Error untarring cache: Error extracting tarball"),
    "contention": Way(says="Error: listen EADDRINUSE: address already in use :::5432"),
    "disk": Way(says="write error: No space left on device"),
    "timeout": Way(
        says="Too long with no output (exceeded 10m0s): context deadline exceeded", status="timedout"
    ),
    "oom": Way(
        says="FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", code=134
    ),
    "flaky-test": Way(says="FAILED tests - AssertionError: expected 3 doors, found 2\n1 failed, 311 passed"),
    "unknown": Way(says="the harness gave up"),
    "broken-compile": Way(
        step="Build", says="src/door.ts(12,3): error TS2345: Argument of type 'string'", code=2
    ),
    "broken-lint": Way(step="Lint", says="src/door.py:3:1: F401 'os' imported but unused\nFound 1 error."),
    "broken-test": Way(says="FAILED tests - AssertionError: expected 3 doors, found 0\n1 failed, 311 passed"),
    "broken-config": Way(step="Build", says="KeyError: 'DATABASE_URL'"),
    "broken-unknown": Way(says="the new harness gave up"),
    "broken-host": Way(says="Error: getaddrinfo ENOTFOUND db.internal.example.com"),  # looks like the network
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why one job fails. is_genuine: it fails again, whoever tries. odds: of a retry, if it is not."""

    way: str
    is_genuine: bool = False
    passes: float = 0.0
    tests: tuple[str, ...] = field(default=())


def notes_of(failed: Mapping[str, Fault]) -> dict[str, Any]:
    """What enrichment would note on a workflow with these failed jobs."""
    found = [_note(job, fault.way, fault.tests) for job, fault in failed.items()]
    if not found:
        return {}
    worst = next((each for each in found if each["class"].startswith("genuine.")), found[0])
    listed = [{"name": job, "number": None, "status": "failed", "url": None} for job in failed]
    return {"failure": {**worst, "jobs": found}, "failed_jobs": listed}


@cache
def _note(job: str, way: str, tests: tuple[str, ...]) -> Mapping[str, Any]:
    told = WAYS[way]
    return as_notes(
        recognise(_steps(told), catalogue=shipped(), job=job, status=told.status or "failed", tests=tests)
    )


def _steps(way: Way) -> Sequence[BadStep]:
    if way.step is None:
        return ()
    log = f"{NOISE}{way.says}\n\nExited with code exit status {way.code}\n"
    return (BadStep(name=way.step, status=way.status or "failed", exit_code=way.code, log=log),)
