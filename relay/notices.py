"""Events of the relay's own: what an operator should hear of, as one more event for the routes. Pure.

A notice is stored like a webhook, with a body that `body_of` writes and `event_of` reads; its key names the
fact and its period, so that it is told once however many workers find it out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from relay.model import Event, EventKind, Generation, Job, Level, Project, Workflow

CONTENT_TYPE = "application/json"
NOBODY = "relay"  # the project of what concerns none
AVOID = "avoid"  # among the notes: whom the notice is about and who is therefore not told


class What(StrEnum):
    """Which fact a notice is about; the field `notes.what`."""

    NOTIFIER_DISABLED = "notifier_disabled"
    DEAD_DELIVERIES = "dead_deliveries"
    CONFIGURATION_REFUSED = "configuration_refused"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - a word
    PROJECT_SILENT = "project_silent"
    RUN_MISSING = "run_missing"
    RUN_ARRIVED = "run_arrived"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One fact. `about` names its subject: a notifier, a project, a watch. `more`: further notes.

    avoid: destinations that are not told of it, because it is about them.
    """

    key: str
    what: What
    level: Level
    text: str  # goes on after the word "relay"
    about: str
    project: str = NOBODY
    branch: str | None = None
    workflow: str | None = None
    job: str | None = None
    url: str | None = None
    avoid: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def body_of(notice: Notice) -> bytes:
    return msgspec.json.encode(asdict(notice))


def event_of(body: bytes, *, id: str, received_at: datetime) -> Event:
    """The event that a stored notice is."""
    notice = _NOTICE.decode(body)
    own = {"what": notice.what, "level": notice.level, "text": notice.text, "about": notice.about}
    return Event(
        id=id,
        kind=EventKind.RELAY,
        generation=Generation.OURS,
        type=notice.what,
        project=Project(slug=notice.project, name=notice.project.rsplit("/", 1)[-1]),
        branch=notice.branch,
        url=notice.url,
        workflow=Workflow(name=notice.workflow),
        job=Job(name=notice.job),
        notes={**notice.more, **own, AVOID: list(notice.avoid)},
        received_at=received_at,
    )


def subject_of(event: Event) -> str:
    """What stands for the state key of a branch: what the events about one fact have in common.

    A run that is missing and the same run arriving late are one.
    """
    what = str(event.notes.get("what", ""))
    thing = "run" if what in (What.RUN_MISSING, What.RUN_ARRIVED) else what
    return f"relay | {thing} | {event.notes.get('about', '')}"


def is_avoided(event: Event, destination: str) -> bool:
    """Whether the event is about this place, which must not be asked to tell of its own trouble."""
    return event.kind is EventKind.RELAY and destination in event.notes.get(AVOID, ())


_NOTICE = msgspec.json.Decoder(Notice)
