"""Asks CircleCI for what an event's webhook leaves out, within a bounded time and whatever happens.

Everything is given as plain values, as it is kept with the event: `failed_jobs`, `failed_tests`, `log`,
`artifacts`, and `enrichment_problem` when not all could be had.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from relay.circleci.errors import CircleCIError
from relay.enriching.needs import FIRST_ERROR
from relay.errors import UsageError
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

    def __init__(self, client: "CircleCI", *, within: float, clock: Clock = time.monotonic) -> None:
        self.within = within
        self._client = client
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
        asking = _Asking(self._client.within(left), event, wanted)
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
    problem: str | None = None
    is_down: bool = False
    _jobs: tuple[_Job, ...] | None = None
    _logs: dict[int, str] = field(default_factory=dict)

    def answers(self) -> dict[str, Any]:
        """In the order of what people miss most."""
        notes: dict[str, Any] = {}
        for name, ask in (
            ("failed_jobs", self.failed_jobs),
            ("failed_tests", self.failed_tests),
            ("log", self.log),
            ("artifacts", self.artifacts),
        ):
            if name in self.wanted:
                notes[name] = ask()
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
        from relay.enriching.errorlines import error_lines, first_error

        is_read = at < MOST_LOGS and bool(self.wanted & {FIRST_ERROR, "log"})
        log = (self._log(job) if is_read else None) or ""
        return {"first_error": first_error(log), "error_lines": error_lines(log)}

    def _log(self, job: _Job) -> str | None:
        if job.number is None:
            return None
        number = job.number
        if number not in self._logs:
            self._logs[number] = self._asked(f"the log of {_named(job)}", lambda: self._ask_log(number), "")
        return self._logs[number]

    def _ask_log(self, number: int) -> str:
        from relay.circleci.logs import plain

        logs = self.client.logs(self.event.project.slug, number, failed=True, limit=LOG_READ)
        return "\n".join(plain(log.text).rstrip() for log in logs)[-LOG_KEPT:]

    def _tests(self, job: _Job) -> list[dict[str, Any]]:
        if job.number is None:
            return []
        number = job.number
        return self._asked(f"the tests of {_named(job)}", lambda: self._ask_tests(number), [])

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


def _named(job: _Job) -> str:
    return job.name or f"#{job.number}"


def _reason(error: Exception) -> str:
    """Without the address that was asked: people do not read those in a chat."""
    return error.message if isinstance(error, CircleCIError) else str(error)
