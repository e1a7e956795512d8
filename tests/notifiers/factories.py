"""Messages and what goes with them, for the tests of notifiers."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from relay import payloads
from relay.model import Account, Author, Build, Change, Event, FailedStep, Job, Message, PullRequest, Reason
from relay.notifiers.base import Notifier, Outgoing
from relay.render import Renderer, shipped_messages
from tests.factories import NOON, make_commit, make_event

REASON = Reason(route="trunk-broke", change=Change.BROKE)
DIGEST = replace(REASON, digest=True, since=NOON, until=NOON, budget="20 messages in 1 h")
RENDERER = Renderer((shipped_messages(),), public_url="https://relay.example.com")
WEBHOOKS = Path(__file__).parents[1] / "fixtures" / "webhooks"
PULL_REQUEST = PullRequest(url="https://github.com/acme/api/pull/7", number=7)
MOST_FAILED = 500
CHOSEN = ("slug", "sha", "id")  # what names a place in an API, and what the relay itself made


def make_broken() -> Event:
    """The event whose messages the tests spell out."""
    return make_event(
        change=Change.BROKE,
        commit=make_commit(subject="Fix <!channel> & login"),
        failed_steps=(FailedStep(name="Run tests", exit_code=2),),
    )


def make_outgoing(**overrides: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "delivery_id": "01kaqz000000000000delivery",
        "attempt": 1,
        "events": (make_broken(),),
        "reason": REASON,
        "sent_at": NOON,
    }
    return Outgoing(**{**fields, **overrides})


def make_message(notifier: Notifier, *events: Event) -> Message:
    """What the standard template makes for the notifier."""
    return RENDERER.render(
        notifier.markup,
        notifier.type,
        "standard",
        events or (make_broken(),),
        REASON,
        NOON,
        ZoneInfo("Europe/Paris"),
        limit=notifier.body_limit,
    )


def make_account(notifier: Notifier, account: Account) -> Message:
    """What the standard template makes of a digest for the notifier, whose budget is used up."""
    return RENDERER.render(
        notifier.markup,
        notifier.type,
        "standard",
        (),
        DIGEST,
        NOON,
        ZoneInfo("Europe/Paris"),
        limit=notifier.body_limit,
        account=account,
    )


@cache
def fixture_events() -> Mapping[str, Event]:
    """The event of each webhook among the fixtures, by the name of its file."""
    return {
        path.stem: payloads.parse(path.read_bytes(), "application/json", id=path.stem, received_at=NOON)
        for path in sorted(WEBHOOKS.glob("*.json"))
    }


def make_filled(text: str, failed: int = MOST_FAILED) -> Event:
    """An event with this text wherever a stranger may write, and with more failures than anybody reads.

    Addresses stay usable, and the project and the pull request are where they should be, so that there is
    something to say everywhere.
    """
    jobs = [{"name": text, "url": text, "status": "failed", "first_error": text} for _ in range(failed)]
    tests = [{"name": text, "classname": text, "file": text, "message": text} for _ in range(failed)]
    event = make_event(
        change=Change.BROKE,
        tag=None,
        author=Author(name=text, email=text, login=text),
        build=Build(why=text, platform=text, lifecycle=text, status=text, parameters={text: text}),
        job=Job(id="j-1", name=text, number=7),
        failed_steps=tuple(FailedStep(name=text, exit_code=1) for _ in range(failed)),
        notes={"failed_jobs": jobs, "failed_tests": tests, "log": text, "enrichment_problem": text},
    )
    filled: Event = _filled(event, text)
    return replace(
        filled, pull_requests=(PULL_REQUEST,), project=replace(filled.project, url=event.project.url)
    )


def make_hostile_addresses(text: str) -> Event:
    """An event with this text also in place of each address."""
    event = make_filled(text)
    return replace(
        event,
        url=text,
        commit=replace(event.commit, url=text),
        project=replace(event.project, url=text),
        workflow=replace(event.workflow, url=text),
        pull_requests=(PullRequest(url=text, number=7),),
    )


def _filled(value: Any, text: str, name: str = "") -> Any:
    """The value with the text in all its own texts; addresses bear it as a part."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: _filled(getattr(value, each.name), text, each.name) for each in fields(value)}
        return replace(value, **parts)
    if not isinstance(value, str) or isinstance(value, Enum) or name in CHOSEN:
        return value
    return f"https://ci.example.com/{text}" if name == "url" else text
