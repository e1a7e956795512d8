"""Asks CircleCI for what an event's webhook leaves out, within a bounded time and whatever happens.

Everything is given as plain values, as it is kept with the event: `failed_jobs`, `failed_tests`, `log`,
`failure`, `artifacts`, and `enrichment_problem` when not all could be had.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from relay.circleci.errors import CircleCIError
from relay.enriching.needs import FIRST_ERROR
from relay.enriching.steps import Steps, steps_of
from relay.errors import UsageError
from relay.failures.catalogue import Catalogue, shipped
from relay.failures.record import Failure, is_genuine
from relay.failures.written import as_notes
from relay.model import Event, EventKind

if TYPE_CHECKING:
    from relay.circleci.facade import CircleCI
    from relay.circleci.types.pipelines import WorkflowJob

PROBLEM = "enrichment_problem"
MOST_JOBS = 50  # listed
MOST_LOGS = 5  # jobs whose logs are read
MOST_TESTED = 10  # jobs whose tests are asked for
MOST_TESTS = 50
MOST_ARTIFACTS = 200
LOG_READ = 4_000_000  # bytes of one step's log that are read
LOG_KEPT = 16_000  # characters at the end of one job's log
MESSAGE_KEPT = 500  # characters of a test's message
TROUBLES = 3  # in a row, after which CircleCI is left alone for a while
REST_S = 30.0

_BAD = {"failed", "infrastructure_fail", "timedout", "terminated-unknown", "unauthorized"}

Clock = Callable[[], float]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A job of the event, or the build it is about."""

    name: str | None
    number: int | None
    status: str | None
    url: str | None

    @property
    def is_bad(self) -> bool:
        return self.status in _BAD


class Enricher:
    """Shared by threads. `within`: seconds for everything about one event."""

    def __init__(
        self,
        client: "CircleCI",
        *,
        within: float,
        clock: Clock = time.monotonic,
        catalogue: Callable[[], Catalogue] = shipped,
        mask: Callable[[str], str] = str,
    ) -> None:
        self.within = within
        self._client = client
        self._catalogue = catalogue
        self._mask = mask
        self._clock = clock
        self._troubles = 0
        self._rest_until = 0.0
        self._lock = threading.Lock()

    def fetch(self, event: Event, wanted: frozenset[str], seconds: float | None = None) -> dict[str, Any]:
        """The wanted fields, as far as they could be had in this time. Never raises."""
        left = self.within if seconds is None else min(seconds, self.within)
        if not wanted:
            return {}
        if left <= 0:
            return {PROBLEM: "there was no time left to ask CircleCI"}
        if self._is_resting():
            return {PROBLEM: "CircleCI could not be reached just now"}
        asking = _Asking(self._client.within(left), event, wanted, self._catalogue, self._mask)
        notes = asking.answers()
        self._learn(asking.is_down)
        return notes

    def _is_resting(self) -> bool:
        with self._lock:
            return self._clock() < self._rest_until

    def _learn(self, is_down: bool) -> None:
        """An outage is not asked about again with every event."""
        with self._lock:
            self._troubles = self._troubles + 1 if is_down else 0
            if self._troubles >= TROUBLES:
                self._rest_until = self._clock() + REST_S


@dataclass
class _Asking:
    """All questions about one event."""

    client: "CircleCI"
    event: Event
    wanted: frozenset[str]
    catalogue: Callable[[], Catalogue]
    mask: Callable[[str], str]
    problem: str | None = None
    is_down: bool = False
    _jobs: tuple[_Job, ...] | None = None
    _steps: dict[int, Steps | None] = field(default_factory=dict)
    _tests_of: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def answers(self) -> dict[str, Any]:
        """In the order of what people miss most."""
        notes: dict[str, Any] = {}
        for name, ask in (
            ("failed_jobs", self.failed_jobs),
            ("failed_tests", self.failed_tests),
            ("log", self.log),
            ("failure", self.failure),
            ("artifacts", self.artifacts),
        ):
            if name in self.wanted:
                answer = ask()
                if answer is not None:
                    notes[name] = answer
        return {**notes, PROBLEM: self.problem} if self.problem else notes

    def failed_jobs(self) -> list[dict[str, Any]]:
        jobs = self._bad_jobs()
        return [{**_plain(job), **self._errors(job, at)} for at, job in enumerate(jobs)]

    def failed_tests(self) -> list[dict[str, Any]]:
        return list(
            islice((test for job in self._bad_jobs()[:MOST_TESTED] for test in self._tests(job)), MOST_TESTS)
        )

    def log(self) -> str | None:
        """The ends of the logs of the failed steps."""
        logs = (self._log(job) for job in self._bad_jobs()[:MOST_LOGS])
        return "\n".join(log for log in logs if log) or None

    def failure(self) -> dict[str, Any] | None:
        """The failure to speak of, a genuine one if there is one; `jobs`: those of the first bad jobs."""
        asked = (self._failure(job) for job in self._bad_jobs()[:MOST_LOGS])
        found = [failure for failure in asked if failure is not None]
        worst = next((each for each in found if is_genuine(each.failure_class)), found[0] if found else None)
        return {**as_notes(worst), "jobs": list(map(as_notes, found))} if worst else None

    def _failure(self, job: _Job) -> Failure | None:
        """None when CircleCI did not tell enough to say anything."""
        from relay.failures.recognising import recognise

        steps = self._steps_of(job)
        if steps is None:
            return None
        return recognise(
            steps.bad,
            catalogue=self.catalogue(),
            job=job.name,
            status=steps.status or job.status,
            tests=[_test_id(test) for test in self._tests(job)],
            mask=self.mask,
        )

    def artifacts(self) -> list[dict[str, Any]]:
        jobs = self._all_jobs()[:MOST_JOBS]
        return list(islice((each for job in jobs for each in self._artifacts(job)), MOST_ARTIFACTS))

    def _bad_jobs(self) -> tuple[_Job, ...]:
        return tuple(islice((job for job in self._all_jobs() if job.is_bad), MOST_JOBS))

    def _all_jobs(self) -> tuple[_Job, ...]:
        if self._jobs is None:
            nothing: tuple[_Job, ...] = ()
            self._jobs = self._asked("its jobs", self._ask_jobs, nothing)
        return self._jobs

    def _ask_jobs(self) -> tuple[_Job, ...]:
        event = self.event
        if event.kind is not EventKind.WORKFLOW:
            return (_own_job(event),)
        if event.workflow.id is None:
            return ()
        return tuple(_job(job, event.workflow.url) for job in self.client.v2.workflow_jobs(event.workflow.id))

    def _errors(self, job: _Job, at: int) -> dict[str, Any]:
        """Only where the log is read anyway or they are asked for by name: logs are long."""
        from relay.failures.errorlines import error_lines, first_error

        is_read = at < MOST_LOGS and bool(self.wanted & {FIRST_ERROR, "log"})
        log = (self._log(job) if is_read else None) or ""
        return {"first_error": first_error(log), "error_lines": error_lines(log)}

    def _log(self, job: _Job) -> str | None:
        steps = self._steps_of(job)
        return None if steps is None else "\n".join(each.log.rstrip() for each in steps.bad)[-LOG_KEPT:]

    def _steps_of(self, job: _Job) -> Steps | None:
        """The steps of a job that failed, with the ends of their logs; None when they could not be had."""
        if job.number is None:
            return None
        number, nothing = job.number, None
        if number not in self._steps:
            self._steps[number] = self._asked(
                f"the log of {_named(job)}",
                lambda: steps_of(self.client, self.event.project.slug, number, LOG_READ),
                nothing,
            )
        return self._steps[number]

    def _tests(self, job: _Job) -> list[dict[str, Any]]:
        if job.number is None:
            return []
        number, nothing = job.number, list[dict[str, Any]]()
        if number not in self._tests_of:
            what = f"the tests of {_named(job)}"
            self._tests_of[number] = self._asked(what, lambda: self._ask_tests(number), nothing)
        return self._tests_of[number]

    def _ask_tests(self, number: int) -> list[dict[str, Any]]:
        found = self.client.tests(self.event.project.slug, number)
        return [
            {
                "name": test.name,
                "classname": test.classname,
                "file": test.file,
                "message": (test.message or "")[:MESSAGE_KEPT] or None,
            }
            for test in found
            if test.is_failure
        ]

    def _artifacts(self, job: _Job) -> list[dict[str, Any]]:
        if job.number is None:
            return []
        number = job.number
        return self._asked(f"the artifacts of {_named(job)}", lambda: self._ask_artifacts(number), [])

    def _ask_artifacts(self, number: int) -> list[dict[str, Any]]:
        found = self.client.artifacts(self.event.project.slug, number)
        return [{"path": each.path, "url": each.url} for each in found]

    def _asked(self, what: str, ask: Callable[[], T], otherwise: T) -> T:
        """The answer; otherwise what stands for none. Once CircleCI is down nothing more is asked."""
        if self.is_down:
            return otherwise
        try:
            return ask()
        except (CircleCIError, UsageError) as error:
            self.is_down = isinstance(error, CircleCIError) and error.temporary
            self.problem = self.problem or f"CircleCI could not be asked for {what}: {_reason(error)}"
        return otherwise


def _own_job(event: Event) -> _Job:
    """A job's or build's event is about that one alone."""
    number = event.job.number if event.kind is EventKind.JOB else event.number
    status = "failed" if event.status.is_bad else event.status.value
    return _Job(name=event.job.name, number=number, status=status, url=event.job.url or event.url)


def _job(job: "WorkflowJob", page: str | None) -> _Job:
    url = f"{page}/jobs/{job.number}" if page and job.number is not None else page
    return _Job(name=job.name, number=job.number, status=job.status, url=url)


def _plain(job: _Job) -> Mapping[str, Any]:
    return {"name": _named(job), "number": job.number, "status": job.status, "url": job.url}


def _test_id(test: Mapping[str, Any]) -> str:
    """The class and the name, as reports write them; the file where there is no class."""
    place = test["classname"] or test["file"]
    return "::".join(part for part in (place, test["name"]) if part)


def _named(job: _Job) -> str:
    return job.name or f"#{job.number}"


def _reason(error: Exception) -> str:
    """Without the address that was asked: people do not read those in a chat."""
    return error.message if isinstance(error, CircleCIError) else str(error)
