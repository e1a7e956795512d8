"""Messages and what goes with them, for the tests of notifiers."""

from typing import Any
from zoneinfo import ZoneInfo

from relay.model import Change, Event, FailedStep, Message, Reason
from relay.notifiers.base import Notifier, Outgoing
from relay.render import Renderer, shipped_messages
from tests.factories import NOON, make_commit, make_event

REASON = Reason(route="trunk-broke", change=Change.BROKE)


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
    renderer = Renderer((shipped_messages(),), public_url="https://relay.example.com")
    told = events or (make_broken(),)
    return renderer.render(
        notifier.markup, notifier.type, "standard", told, REASON, NOON, ZoneInfo("Europe/Paris")
    )
