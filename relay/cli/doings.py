"""How `explain` tells of actions: what each would do, for this event."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from relay.acting import ACT
from relay.actions.base import Action
from relay.cli.explained import Explained
from relay.cli.output import plain, visible
from relay.errors import TemplateError
from relay.planning import SHADOW, NewDelivery


def messages(deliveries: Sequence[NewDelivery]) -> tuple[NewDelivery, ...]:
    """Those that tell somebody."""
    return tuple(delivery for delivery in deliveries if delivery.kind != ACT)


def actions(deliveries: Sequence[NewDelivery]) -> tuple[NewDelivery, ...]:
    """Those that do something."""
    return tuple(delivery for delivery in deliveries if delivery.kind == ACT)


def lines(explained: Explained) -> Iterator[Text]:
    """One for each action."""
    for delivery in actions(explained.decided.deliveries):
        action = explained.relay.actions[delivery.target]
        would = _would(action, explained)
        if delivery.settings.get(SHADOW):
            would = "shadow: nothing would be done"
        yield Text(f"  action  {visible(delivery.target)} ({action.type})  {visible(would)}")


def records(explained: Explained) -> list[dict[str, Any]]:
    """The same for scripts."""
    return [_record(delivery, explained) for delivery in actions(explained.decided.deliveries)]


def _record(delivery: NewDelivery, explained: Explained) -> dict[str, Any]:
    action = explained.relay.actions[delivery.target]
    return {
        "target": delivery.target,
        "type": action.type,
        "would": _would(action, explained),
        "due_at": plain(delivery.due_at or explained.now),
        "route": delivery.route,
        "also": list(delivery.also),
    }


def _would(action: Action, explained: Explained) -> str:
    try:
        return action.would(explained.decided.event)
    except TemplateError as error:
        return f"would fail: {error}"
