"""How `explain` tells of actions: what each would do, for this event."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from relay.acting import ACT
from relay.actions.base import Action
from relay.actions.retry import Retry
from relay.circleci.started import RetryFrom
from relay.cli.explained import Explained
from relay.cli.output import plain, visible
from relay.errors import TemplateError
from relay.judging import RETRY
from relay.planning import SHADOW, NewDelivery
from relay.quieting import Control, Quiet


def messages(deliveries: Sequence[NewDelivery]) -> tuple[NewDelivery, ...]:
    """Those that tell somebody."""
    return tuple(delivery for delivery in deliveries if delivery.kind != ACT)


def actions(deliveries: Sequence[NewDelivery]) -> tuple[NewDelivery, ...]:
    """Those that do something."""
    return tuple(delivery for delivery in deliveries if delivery.kind == ACT)


def lines(explained: Explained) -> Iterator[Text]:
    """One for each action."""
    for delivery in actions(explained.decided.deliveries):
        would = _would(delivery, explained)
        if delivery.settings.get(SHADOW):
            would = "shadow: nothing would be done"
        yield _line(delivery.target, would, explained)
    for each in refused(explained.decided.quiet):
        yield _line(each.target, f"not: {each.reason}", explained)


def _line(name: str, would: str, explained: Explained) -> Text:
    action = explained.relay.actions[name]
    return Text(f"  action  {visible(name)} ({action.type})  {visible(would)}")


def refused(quiet: Sequence[Quiet]) -> tuple[Quiet, ...]:
    """Retries that the policy decided against."""
    return tuple(each for each in quiet if each.control is Control.RETRY)


def records(explained: Explained) -> list[dict[str, Any]]:
    """The same for scripts."""
    done = [_record(delivery, explained) for delivery in actions(explained.decided.deliveries)]
    return [*done, *(_refused_record(each, explained) for each in refused(explained.decided.quiet))]


def _refused_record(quiet: Quiet, explained: Explained) -> dict[str, Any]:
    return {
        "target": quiet.target,
        "type": explained.relay.actions[quiet.target].type,
        "would": None,
        "why_not": quiet.reason,
        "until": plain(quiet.until),
        "route": quiet.route,
    }


def _record(delivery: NewDelivery, explained: Explained) -> dict[str, Any]:
    action = explained.relay.actions[delivery.target]
    return {
        "target": delivery.target,
        "type": action.type,
        "would": _would(delivery, explained),
        "due_at": plain(delivery.due_at or explained.now),
        "route": delivery.route,
        "also": list(delivery.also),
    }


def _would(delivery: NewDelivery, explained: Explained) -> str:
    action = _as_ruled(explained.relay.actions[delivery.target], delivery, explained.now)
    try:
        return action.would(explained.decided.event)
    except TemplateError as error:
        return f"would fail: {error}"


def _as_ruled(action: Action, delivery: NewDelivery, now: datetime) -> Action:
    """A retry that was judged, with what was ruled in place of its own settings."""
    ruling = delivery.settings.get(RETRY)
    if ruling is None or not isinstance(action, Retry):
        return action
    delay = ((delivery.due_at or now) - now).total_seconds()
    start = RetryFrom.START if ruling["from_start"] else action.start
    return action.model_copy(update={"delay": delay, "limit": ruling["limit"], "start": start})
