"""The invented event that all pictures show, and who is mentioned."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from relay.model import (
    Author,
    Change,
    Commit,
    Event,
    EventKind,
    Generation,
    Job,
    Person,
    Pipeline,
    Project,
    PullRequest,
    Reason,
    Status,
    Workflow,
)
from relay.notifiers.base import Notifier, Outgoing
from relay.people import PersonSpec
from relay.render import Renderer, shipped_messages

NOW = datetime(2026, 11, 23, 21, 15, tzinfo=UTC)
SHA = "3f9c2ab41d7e60518b94c6f2a0d3e87b95614c0d"
WORKFLOW_URL = "https://app.circleci.com/pipelines/github/acme/api/412/workflows/5d1f"
REASON = Reason(route="trunk-broke", change=Change.BROKE)
LOG = (
    "FAIL test/price.test.js",
    "  ● rounds half a cent up",
    "    expected 10.01, got 10.00",
    "Tests: 2 failed, 148 passed, 150 total",
)
ALICE = PersonSpec(
    key="alice",
    emails=("alice@example.com",),
    logins={"github": "alice"},
    ids={
        "slack": "U012ABCDE",
        "discord": "184200000000000001",
        "mattermost": "alice",
        "teams": "alice@example.com",
        "googlechat": "users/104200000000000000001",
        "telegram": "184200001",
        "zulip": "Alice Archer",
        "matrix": "@alice:example.com",
    },
)
NAMES: Mapping[str, str] = {
    "@U012ABCDE": "@Alice Archer",
    "<@184200000000000001>": "@Alice Archer",
    "<users/104200000000000000001>": "@Alice Archer",
    "@**Alice Archer**": "@Alice Archer",
    "<at>alice</at>": "alice",
}


def event() -> Event:
    """The workflow build-and-deploy broke main of acme/api."""
    alice = Person(name="Alice Archer", email="alice@example.com", login="alice")
    return Event(
        id="01kaqz7d0000000000000event",
        source_id="3888f21b-eaa7-38e3-8f3d-75a63bba8895",
        kind=EventKind.WORKFLOW,
        generation=Generation.MODERN,
        type="workflow-completed",
        status=Status.FAILED,
        change=Change.BROKE,
        project=Project(
            slug="gh/acme/api", org="acme", name="api", vcs="github", url="https://github.com/acme/api"
        ),
        branch="main",
        number=412,
        url=WORKFLOW_URL,
        duration=252.0,
        started_at=NOW - timedelta(seconds=252),
        finished_at=NOW,
        commit=Commit(
            sha=SHA,
            short_sha=SHA[:7],
            subject="Round prices to the cent",
            url=f"https://github.com/acme/api/commit/{SHA}",
            author=alice,
            committer=alice,
        ),
        author=Author(name="Alice Archer", email="alice@example.com", login="alice", known="alice"),
        trigger="push",
        job=Job(),
        workflow=Workflow(id="5d1f", name="build-and-deploy", url=WORKFLOW_URL),
        pipeline=Pipeline(id="p-412", number=412),
        notes=_learned(),
        received_at=NOW,
    )


def _learned() -> Mapping[str, object]:
    """What CircleCI was asked for."""
    job = {"name": "test", "number": 1873, "status": "failed", "url": f"{WORKFLOW_URL}/jobs/1873"}
    tests = [
        {"name": "rounds half a cent up", "message": "expected 10.01, got 10.00"},
        {"name": "adds tax before rounding", "message": "expected 11.90, got 11.89"},
    ]
    return {
        "failed_jobs": [{**job, "first_error": LOG[0], "error_lines": list(LOG)}],
        "failed_tests": tests,
    }


def event_for(kind: str) -> Event:
    """The same on a branch with a pull request, for what is only about those."""
    request = PullRequest(url="https://github.com/acme/api/pull/57", number=57)
    told = event()
    is_about_requests = kind == "github_comment"
    return replace(told, branch="round-prices", pull_requests=(request,)) if is_about_requests else told


def payload(notifier: Notifier, *events: Event) -> object:
    """What the notifier would send for these events, by the standard template."""
    told = events or (event_for(notifier.type),)
    message = Renderer((shipped_messages(),), public_url="https://relay.example.com").render(
        notifier.markup, notifier.type, "standard", told, REASON, NOW, UTC, limit=notifier.body_limit
    )
    return notifier.payload(message, _outgoing(*told))


def _outgoing(*events: Event) -> Outgoing:
    return Outgoing(
        delivery_id="01kaqz7d000000000delivery1",
        attempt=1,
        events=events,
        reason=REASON,
        sent_at=NOW,
        mentions=(ALICE,),
        subject="gh/acme/api | main | build-and-deploy",
    )
