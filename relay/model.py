"""The vocabulary: what every other module speaks about. Imports nothing of ours.

All values are frozen. Times are aware datetimes in UTC; durations are seconds as floats. Whatever
CircleCI left out, sent as null or sent empty is None here (or an empty tuple).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What an event tells about; the routing field `event`."""

    BUILD = "build"
    JOB = "job"
    WORKFLOW = "workflow"
    PING = "ping"
    RELAY = "relay"
    UNKNOWN = "unknown"


class Generation(StrEnum):
    """Which kind of sender wrote the webhook."""

    CLASSIC = "classic"
    MODERN = "modern"
    LOOKALIKE = "lookalike"
    OURS = "ours"


class Status(StrEnum):
    """How a build, job or workflow ended. Decided from `outcome` where there is one."""

    SUCCESS = "success"
    FAILED = "failed"
    ERROR = "error"
    CANCELED = "canceled"
    TIMEDOUT = "timedout"
    INFRASTRUCTURE_FAIL = "infrastructure_fail"
    NO_TESTS = "no_tests"
    NOT_RUN = "not_run"
    UNAUTHORIZED = "unauthorized"
    UNKNOWN = "unknown"

    @property
    def is_bad(self) -> bool:
        """Whether the code under test did not get through. Cancelled and not-run results say nothing."""
        return self in _BAD


_BAD = {Status.FAILED, Status.ERROR, Status.TIMEDOUT, Status.INFRASTRUCTURE_FAIL, Status.NO_TESTS}


class Change(StrEnum):
    """What a result does to the state of its branch."""

    FIRST_SUCCESS = "first_success"
    FIRST_FAILURE = "first_failure"
    BROKE = "broke"
    STILL_FAILING = "still_failing"
    FIXED = "fixed"
    STILL_PASSING = "still_passing"
    PASSED_ON_RETRY = "passed_on_retry"
    NONE = "none"


class Level(StrEnum):
    """How loud a message is: colours, icons, priorities derive from it."""

    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    slug: str  # "gh/acme/api", "bb/acme/api" or the opaque "circleci/<org id>/<project id>"
    org: str | None = None
    name: str | None = None
    vcs: str | None = None  # github | bitbucket | gitlab
    url: str | None = None  # the repository's page, https
    id: str | None = None  # CircleCI's UUID, modern webhooks only


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    name: str | None = None
    email: str | None = None
    login: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """Who wrote the commit. `known` is the key under `people` or None until planning looked it up."""

    name: str | None = None
    email: str | None = None
    login: str | None = None
    bot: bool = False
    known: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    sha: str | None = None
    short_sha: str | None = None
    subject: str | None = None
    body: str | None = None
    url: str | None = None
    author: Person = Person()
    committer: Person = Person()


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    url: str
    number: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """What only classic builds tell."""

    why: str | None = None
    retry_of: int | None = None
    retries: tuple[int, ...] = ()
    platform: str | None = None  # "1.0" | "2.0"
    lifecycle: str | None = None
    status: str | None = None  # CircleCI's own word, to show; decisions use Event.status
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    id: str | None = None
    name: str | None = None
    number: int | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    id: str | None = None
    name: str | None = None
    url: str | None = None
    attempt: int | None = None  # 1 for the first run in its pipeline, from the relay's own history
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    id: str | None = None
    number: int | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Previous:
    """The result before this one on the same state key, from the relay's own history."""

    status: Status | None = None
    number: int | None = None
    commit: str | None = None  # full sha
    at: datetime | None = None
    red_since: datetime | None = None  # when the branch turned red, if it was
    failures: int = 0  # pipelines in a row that had failed


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedStep:
    name: str
    status: str | None = None
    exit_code: int | None = None
    containers: tuple[int, ...] = ()
    step: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One accepted webhook, whatever its generation, in one shape."""

    id: str  # ours
    source_id: str | None = None  # CircleCI's event id; classic builds have none
    kind: EventKind
    generation: Generation
    type: str | None = None  # the webhook's own `type`, kept for types we do not know
    status: Status = Status.UNKNOWN
    change: Change = Change.NONE
    project: Project
    branch: str | None = None
    tag: str | None = None
    fork: bool = False
    pull_requests: tuple[PullRequest, ...] = ()
    number: int | None = None  # build number, else job number, else pipeline number
    url: str | None = None
    duration: float | None = None  # seconds
    started_at: datetime | None = None
    finished_at: datetime | None = None
    commit: Commit = Commit()
    author: Author = Author()
    trigger: str | None = None  # push | api | schedule | retry | ui | … (see payloads.py)
    build: Build = Build()
    job: Job = Job()
    workflow: Workflow = Workflow()
    pipeline: Pipeline = Pipeline()
    previous: Previous = Previous()
    failed_steps: tuple[FailedStep, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)  # things learned on the way, for templates
    received_at: datetime

    @property
    def correlation(self) -> str:
        """Names the thing that ran, the same for each webhook about it."""
        return self.workflow.id or f"{self.project.slug}#{self.number}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One decided result on a state key, as the relay's history keeps it."""

    event_id: str
    status: Status
    number: int | None  # pipeline number, else build number: the order of results
    started_at: datetime  # orders attempts of one pipeline: the workflow's creation, else the start
    commit: str | None = None
    run: str | None = None  # workflow id, or build number as text: what a repeat of the same run shares
    red: bool | None = None  # whether the branch is red by all that was announced so far; None when not known
    finished_at: datetime | None = None
    by_build: bool = False  # the number is a build's; those of pipelines are another scale
    how: tuple[str, ...] = ()  # fingerprints, and names of the steps that failed, where somebody told
    place: int = field(default=0, compare=False)  # in the order of recording


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Button:
    text: str
    url: str


class Conversation(StrEnum):
    """Which messages belong together, and are therefore sent one after the other."""

    NONE = "none"
    PIPELINE = "pipeline"  # everything about one pipeline: a card
    STATE = "state"  # everything about one branch and workflow or job: an incident
    COMMIT = "commit"  # everything about one commit


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many events ended so."""

    kind: EventKind
    change: Change
    status: Status
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One branch or tag in an account: its worst event, and how all of its events ended."""

    event: Event
    counts: tuple[Count, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What a message tells that gathers many events. places: the worst of all its branches, those first."""

    counts: tuple[Count, ...]
    places: tuple[Place, ...]
    branches: int

    @property
    def count(self) -> int:
        """Of all events."""
        return sum(each.count for each in self.counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a message was sent. instead_of: the notifier that should have sent it and could not. missed: how
    many like it were kept back since the last one. digest: it gathers all from `since` to `until`, both in
    the timezone they were set in. budget: which one was used up, in words, when that is why it gathers."""

    route: str
    change: Change
    instead_of: str | None = None
    missed: int = 0
    missed_since: datetime | None = None
    digest: bool = False
    since: datetime | None = None
    until: datetime | None = None
    budget: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A rendered message. Texts are already escaped for the markup of the notifier it was made for."""

    title: str
    body: str = ""
    facts: tuple[Fact, ...] = ()
    buttons: tuple[Button, ...] = ()
    footer: str = ""  # why it was sent, for the small print
    url: str | None = None
    level: Level = Level.INFO
    fallback: str = ""  # one plain line for places that show no markup
    problem: str | None = None  # why the template could not be used, when it could not
    override: Any = None  # the parsed body of a per-service template, when there is one


class DeliveryState(StrEnum):
    """Life of a delivery. Written beside the schema in store/tables.py."""

    OPEN = "open"  # a group still collecting
    WAITING = "waiting"  # due now or later, or behind an older one of its lane
    LEASED = "leased"
    DELIVERED = "delivered"
    SHADOW = "shadow"  # made and recorded, and sent to nobody
    DEAD = "dead"
    UNKNOWN = "unknown"  # an action whose answer was lost


class AttemptOutcome(StrEnum):
    DELIVERED = "delivered"
    SHADOW = "shadow"  # everything was done but the sending
    TEMPORARY = "temporary"  # will be tried again
    PERMANENT = "permanent"  # trying again cannot help
    LATE = "late"  # finished after its lease was lost; changes nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the other side said, cut to a size worth keeping."""

    status: int | None = None  # HTTP or SMTP status
    excerpt: str = ""  # at most ANSWER_LIMIT characters, secrets masked
    receipt: Mapping[str, str] = field(default_factory=dict)  # message ids, to edit or thread later
    leads_on: bool = True  # False of an action of which no result comes: it found that nothing is to be done


ANSWER_LIMIT = 500
