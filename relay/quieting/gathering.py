"""What a digest and a used-up budget have in common: messages that wait to be told in one account."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from relay.people import AUTHOR
from relay.planning import GATHERED, NewDelivery
from relay.quieting.hours import HELD
from relay.quieting.scene import Scene

_NO_LONGER = ("group", HELD)  # settings that mean nothing in an account


def gathered(
    delivery: NewDelivery, scene: Scene, key: str, until: datetime, told: Mapping[str, Any]
) -> NewDelivery:
    """Part of the one message to its target that goes out at `until`."""
    kept = {name: value for name, value in delivery.settings.items() if name not in _NO_LONGER}
    return replace(
        delivery,
        group_key=key,
        lane=None,
        due_at=until,
        latest_at=until,
        mention=_by_name(delivery.mention, scene),
        settings={**kept, GATHERED: {**told, "until": until.astimezone(scene.terms.zone).isoformat()}},
    )


def _by_name(mention: tuple[str, ...], scene: Scene) -> tuple[str, ...]:
    """The author by name, who is not the author of everything that is gathered."""
    author = scene.event.author.known or AUTHOR
    return tuple(dict.fromkeys(author if name == AUTHOR else name for name in mention))
