"""What the relay starts at CircleCI, and the rules by which it starts nothing twice and nothing for ever.

Life of a run

    intend                         committed before CircleCI is asked
      | intended
      |-- answer ----------------> started      the new workflow, build or pipeline is its child
      |-- a clear no, or a rule -> refused      nothing was started; another try may intend again
      `-- answer lost: look -----> started      what came of it was found
                             `---> unknown      nothing was found; a person decides

A chain of runs has one root: the workflow or build that was run again first. Limits count on the root.
Keys name what ran: a workflow's or pipeline's id, or a build as "gh/acme/api#7".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from relay.model import Event, EventKind

ASKED_ALREADY = "has asked for that already"
RETRIED = {"retry", "auto-retry"}  # a classic build's `why` when somebody else ran it again


class RunKind(StrEnum):
    RETRY = "retry"
    TRIGGER = "trigger"


class RunState(StrEnum):
    INTENDED = "intended"
    STARTED = "started"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What is to be run again, or what a new pipeline is triggered by.

    keys: the first is what runs again; any of them may be known as the child or origin of an earlier run.
    family: what all attempts share, where CircleCI tells it. root: the chain's name if it begins here.
    """

    keys: tuple[str, ...]
    family: str | None
    root: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """What is about to be asked for."""

    delivery_id: str
    kind: RunKind
    action: str  # its name in the configuration
    project: str
    origin: Origin
    scope: str  # what a cooldown is about: the event's state key
    requested_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One thing the relay started, or meant to."""

    delivery_id: str
    kind: RunKind
    action: str
    project: str
    root: str
    origin: str  # key of what was run again
    depth: int  # how many runs of the relay led to it
    requested_at: datetime
    state: RunState
    child: str | None = None  # key of what was started
    number: int | None = None  # of the build or pipeline that was started
    how: str | None = None  # "v2 rerun"
    why: str | None = None  # it was refused, or is not known


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """What was started before: on the same root, how deep the chain is, and when last in the same scope."""

    on_root: tuple[Run, ...] = ()
    depth: int = 0
    last_in_scope: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run ended up."""

    state: RunState
    child: str | None = None
    number: int | None = None
    how: str | None = None
    why: str | None = None


def build_key(project: str, number: int) -> str:
    return f"{project}#{number}"


def keys_of(event: Event) -> tuple[str, ...]:
    """Everything the event's own run may be known by as somebody's child."""
    build = build_key(event.project.slug, event.number) if _is_build(event) and event.number else None
    return tuple(key for key in (event.workflow.id, build, event.pipeline.id) if key)


def retry_origin(event: Event) -> Origin | None:
    """For running the event's workflow or build again; None when the event names neither."""
    slug, retried = event.project.slug, event.build.retry_of
    build = build_key(slug, event.number) if _is_build(event) and event.number else None
    first = build_key(slug, retried) if retried else None
    keys = tuple(key for key in (event.workflow.id, build, first) if key)
    if not keys:
        return None
    family = None
    if event.pipeline.id and event.workflow.name:
        family = f"{event.pipeline.id} {event.workflow.name}"
    return Origin(keys=keys, family=family, root=event.workflow.id or first or keys[0])


def trigger_origin(event: Event) -> Origin:
    """For starting a new pipeline because of the event."""
    build = build_key(event.project.slug, event.number) if event.number else event.project.slug
    key = event.pipeline.id or event.workflow.id or build
    return Origin(keys=(key,), family=None, root=key)


def why_no_retry(event: Event, earlier: Earlier, *, limit: int, cooldown: float, now: datetime) -> str | None:
    """Why the event's run must not be run again now; None when it may be. cooldown: seconds.

    A last run far in the future is one from before the clock was set back, and no reason to wait for.
    """
    origin = retry_origin(event)
    same = next((run for run in earlier.on_root if origin and run.origin == origin.keys[0]), None)
    if same is not None:
        return f"{same.action} {ASKED_ALREADY}"
    spent = len(earlier.on_root) or int(event.build.why in RETRIED)
    if spent >= limit:
        return f"the limit of {limit} is reached"
    last = earlier.last_in_scope
    if last is not None and abs(now - last) < timedelta(seconds=cooldown):
        return f"the last one was at {last:%H:%M} UTC, and the cooldown is not over"
    return None


def why_no_trigger(earlier: Earlier, *, limit: int) -> str | None:
    """Pipelines that start pipelines must end somewhere."""
    if earlier.depth >= limit:
        return f"the relay itself started this pipeline, and the limit of {limit} is reached"
    return None


def _is_build(event: Event) -> bool:
    return event.kind is EventKind.BUILD
