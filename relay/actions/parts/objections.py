"""What speaks at the last moment against a retry that the policy decided on: nobody waits for it any more, or
people decide how far the workflow runs."""

from datetime import datetime, timedelta

from relay.circleci.errors import Gone, NotFound
from relay.circleci.facade import CircleCI
from relay.model import Event

OLDEST = timedelta(hours=8)  # since the run ended: by then somebody has looked, or pushed something else
APPROVAL = "approval"  # the type of a job that waits for a person


def objection(event: Event, client: CircleCI, workflow: str | None, now: datetime) -> str | None:
    """In words; None when nothing speaks against it."""
    return _too_old(event, now) or (_approval(client, workflow) if workflow else None)


def _too_old(event: Event, now: datetime) -> str | None:
    ended = min(event.finished_at or event.received_at, event.received_at)
    if now - ended <= OLDEST:
        return None
    hours = OLDEST.total_seconds() / 3600
    return f"it ended at {ended:%Y-%m-%d %H:%M} UTC, more than {hours:g} hours ago"


def _approval(client: CircleCI, workflow: str) -> str | None:
    try:
        jobs = client.v2.workflow_jobs(workflow)
        asked = next((job for job in jobs if job.type == APPROVAL), None)
    except (NotFound, Gone):
        return None  # an old install, or a token of one project
    if asked is None:
        return None
    return f"its workflow has an approval ({asked.name}): what people have to approve is run again by people"
