"""Turn what is sent to a service into a picture of it: one file for each type, and JSON for all others."""

from collections.abc import Callable, Mapping
from typing import Any

from docs.drawing.readers import (
    apprise,
    console,
    discord,
    email,
    github_comment,
    github_status,
    googlechat,
    matrix,
    mattermost,
    pagerduty,
    slack,
    teams,
    telegram,
    webhook,
    zulip,
)
from docs.drawing.shapes import Picture

Reader = Callable[[Any], Picture]

READERS: Mapping[str, Reader] = {
    "apprise": apprise.read,
    "console": console.read,
    "discord": discord.read,
    "email": email.read,
    "github_comment": github_comment.read,
    "github_status": github_status.read,
    "googlechat": googlechat.read,
    "matrix": matrix.read,
    "mattermost": mattermost.read,
    "pagerduty": pagerduty.read,
    "slack": slack.read,
    "teams": teams.read,
    "telegram": telegram.read,
    "webhook": webhook.read,
    "zulip": zulip.read,
}


def reader_of(kind: str) -> Reader:
    """By the type of the notifier; one that nobody drew yet shows its JSON."""
    return READERS.get(kind, webhook.read)
