"""Projects, commits and outages drawn at random: the same seed gives the same ones to every policy.

The shares are those of docs/failures.md and of what is published about flaky jobs; where a range is known,
each project draws its own value.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.retrying.logs import OUTAGE_OF_CIRCLECI, OUTAGE_OF_REGISTRY, Fault

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
MINUTES = {"lint": 3.0, "test": 9.0, "integration": 12.0, "deploy-production": 4.0}
DEPLOY = "deploy-production"
ON_TRUNK = 0.015  # of commits that break something
ON_REQUESTS = (0.05, 0.25)
FLAKES = (0.01, 0.10)  # of attempts of a job
STEADY = {"lint": 0.002, DEPLOY: 0.02}
TRUNK_EVERY, REQUEST_EVERY, PUSH_EVERY = 75.0, 200.0, 90.0  # minutes, in the mean
FROM_FORKS = 0.1
BY_HAND, BY_HAND_IN_VAIN = 0.6, 0.05  # of the failures that people are told of, those they run again
CLASSES: Mapping[str, tuple[float, float]] = {  # its share of flakes, and how often a retry passes
    "agent": (0.09, 0.90),
    "net": (0.12, 0.80),
    "registry": (0.12, 0.80),
    "docker": (0.12, 0.75),
    "quota": (0.05, 0.60),
    "vcs": (0.03, 0.80),
    "cache": (0.05, 0.65),
    "contention": (0.05, 0.65),
    "disk": (0.03, 0.50),
    "timeout": (0.10, 0.30),
    "oom": (0.03, 0.25),
    "flaky-test": (0.15, 0.75),
    "unknown": (0.06, 0.40),
}
BREAKS = {
    "broken-compile": 0.25,
    "broken-lint": 0.15,
    "broken-test": 0.35,
    "broken-config": 0.10,
    "broken-unknown": 0.10,
    "broken-host": 0.05,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A push. broken: by job what it has broken, or inherits. since: the commit that broke it."""

    project: str
    branch: str
    sha: str
    number: int  # of its pipeline
    at: datetime
    broken: Mapping[str, Fault] = field(default_factory=dict)
    since: str | None = None

    @property
    def jobs(self) -> tuple[str, ...]:
        return ("lint", "test", "integration")

    @property
    def deploys(self) -> bool:
        return self.branch == "main"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """While it lasts every job fails that begins and needs what is away."""

    way: str
    begin: datetime
    end: datetime

    def hits(self, job: str, at: datetime) -> Fault | None:
        needs = self.way == OUTAGE_OF_CIRCLECI or job in ("test", "integration")
        return Fault(way=self.way) if needs and self.begin <= at < self.end else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    slug: str
    flakes: Mapping[str, float]  # by job, of attempts
    passes: Mapping[str, float]  # by class, of retries
    breaks: float  # of pushes to pull requests
    flaky_tests: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    seed: int
    projects: Mapping[str, Project]
    commits: tuple[Commit, ...]
    outages: tuple[Outage, ...]

    def fault(
        self, commit: Commit, job: str, attempt: int, at: datetime, before: Fault | None
    ) -> Fault | None:
        """Why this attempt of the job fails, if it does. before: why the last one did."""
        if away := next((hit for outage in self.outages if (hit := outage.hits(job, at))), None):
            return away
        if job in commit.broken:
            return commit.broken[job]
        draw = _random(self.seed, commit.sha, job, attempt)
        if before is not None and before.passes:
            return before if draw.random() >= before.passes else None
        project = self.projects[commit.project]
        return _flake(project, draw) if draw.random() < project.flakes[job] else None

    def hand(self, commit: Commit, attempt: int) -> timedelta | None:
        """How long after a message somebody runs this attempt again; None if nobody does."""
        its = _random(self.seed, commit.sha, attempt, "by hand")
        share = BY_HAND_IN_VAIN if commit.broken else BY_HAND
        return timedelta(minutes=its.uniform(10, 60)) if its.random() < share else None


def draw(seed: int, projects: int, days: float) -> World:
    """A world of so many projects for so long."""
    found = [_project(seed, f"gh/acme/p{number}") for number in range(projects)]
    commits = sorted((commit for one in found for commit in _commits(seed, one, days)), key=lambda it: it.at)
    return World(
        seed=seed,
        projects={each.slug: each for each in found},
        commits=tuple(commits),
        outages=tuple(_outages(_random(seed, "outages"), days)),
    )


def _random(*parts: object) -> random.Random:
    """The same numbers for the same words, in every process."""
    return random.Random(hashlib.sha256(" ".join(map(str, parts)).encode()).digest())


def _project(seed: int, slug: str) -> Project:
    its = _random(seed, slug)
    flakes = {job: its.uniform(*FLAKES) for job in ("test", "integration")}
    passes = {
        name: min(0.97, max(0.05, odds + its.uniform(-0.15, 0.15))) for name, (_, odds) in CLASSES.items()
    }
    tests = tuple(f"tests.unsteady.Door::opens_{slug[-1]}_{number}" for number in range(3))
    return Project(
        slug=slug,
        flakes={**STEADY, **flakes},
        passes=passes,
        breaks=its.uniform(*ON_REQUESTS),
        flaky_tests=tests,
    )


def _flake(project: Project, draw: random.Random) -> Fault:
    (way,) = draw.choices([*CLASSES], [share for share, _ in CLASSES.values()])
    tests = (draw.choice(project.flaky_tests),) if way == "flaky-test" else ()
    return Fault(way=way, passes=project.passes[way], tests=tests)


def _commits(seed: int, project: Project, days: float) -> Iterator[Commit]:
    its, number, now, end = _random(seed, project.slug, "pushes"), 1, 0.0, days * 24 * 60
    yield from _pushes(its, project, "main", 0.0, end, ON_TRUNK)
    while (now := now + its.expovariate(1 / REQUEST_EVERY)) < end:
        branch = f"pull/{number}" if its.random() < FROM_FORKS else f"feature-{number}"
        number += 1
        last = min(end, now + its.uniform(0.5, 5) * PUSH_EVERY)
        yield from _pushes(its, project, branch, now, last, project.breaks)


def _pushes(
    its: random.Random, project: Project, branch: str, now: float, end: float, breaks: float
) -> Iterator[Commit]:
    """A break stays until somebody mends it: for two to five commits on trunk, soon on a pull request."""
    broken: Mapping[str, Fault] = {}
    since, left, number = None, 0, 0
    while now < end:
        number += 1
        sha = hashlib.sha256(f"{project.slug} {branch} {number} {now}".encode()).hexdigest()[:40]
        left -= 1
        if left <= 0:
            broken, since = {}, None
            if its.random() < breaks:
                broken, since, left = (
                    _break(its, sha),
                    sha,
                    its.randint(2, 5) if branch == "main" else its.randint(1, 2),
                )
        yield Commit(
            project=project.slug,
            branch=branch,
            sha=sha,
            number=int(now * 10) + 1,
            at=BEGIN + timedelta(minutes=now),
            broken=broken,
            since=since,
        )
        now += its.expovariate(1 / (TRUNK_EVERY if branch == "main" else PUSH_EVERY))


def _break(its: random.Random, sha: str) -> Mapping[str, Fault]:
    (way,) = its.choices([*BREAKS], [*BREAKS.values()])
    tests = (f"tests.doors.Door::case_{its.randrange(300)}",) if way == "broken-test" else ()
    job = "lint" if way == "broken-lint" else its.choice(("test", "integration"))
    return {job: Fault(way=way, is_genuine=True, tests=tests)}


def _outages(its: random.Random, days: float) -> Iterator[Outage]:
    """One of each kind, and more of them in a long time."""
    for number in range(max(1, round(days / 7))):
        for place, way in ((0.35, OUTAGE_OF_CIRCLECI), (0.75, OUTAGE_OF_REGISTRY)):
            begin = BEGIN + timedelta(days=min(days, 7.0) * (number + place + its.uniform(-0.1, 0.1)))
            yield Outage(way=way, begin=begin, end=begin + timedelta(minutes=its.uniform(30, 90)))
