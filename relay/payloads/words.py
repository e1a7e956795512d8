"""CircleCI's words for how something ended and why it ran, and ours."""

from relay.model import Status

_STATUSES = {
    **{status.value: status for status in Status},
    "fixed": Status.SUCCESS,
    "passed": Status.SUCCESS,
    "failure": Status.FAILED,
    "failing": Status.FAILED,
    "killed": Status.CANCELED,
    "cancelled": Status.CANCELED,
    "terminated-unknown": Status.ERROR,
}

_TRIGGERS = {
    "github": "push",
    "bitbucket": "push",
    "gitlab": "push",
    "webhook": "push",
    "github_app": "push",
    "github_server": "push",
    "bitbucket_dc": "push",
    "push": "push",
    "tag_push": "push",
    "pull_request": "pr",
    "merge_request": "pr",
    "api": "api",
    "explicit": "api",
    "create pipeline run api": "api",
    "schedule": "schedule",
    "scheduled": "schedule",
    "scheduled_pipeline": "schedule",
    "trigger": "ui",
}

KNOWN_TRIGGERS = frozenset(_TRIGGERS.values())


def status(*words: str | None) -> Status:
    """The first word that says how it ended. Words of things not finished say nothing."""
    known = (_STATUSES.get((word or "").lower(), Status.UNKNOWN) for word in words)
    return next((found for found in known if found is not Status.UNKNOWN), Status.UNKNOWN)


def trigger(*words: str | None) -> str | None:
    """Why it ran, from the first word given. One of

    push (also of a tag) · pr (a pull or merge request's own event) · api · schedule · ui (a button) ·
    retry · auto-retry (by CircleCI) · ssh · edit (settings saved) · first-build,
    or the sender's own word in lower case.
    """
    word = next((word.lower() for word in words if word), None)
    return _TRIGGERS.get(word, word) if word else None
