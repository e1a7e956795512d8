"""`during` and `outside`: messages of some hours, and what becomes of them at other times."""

from dataclasses import replace
from datetime import datetime

from relay.planning import NewDelivery
from relay.quieting.scene import Control, Fate, Scene, kept_back, slot_name

DURING = "during"  # among the settings of a route
OUTSIDE = "outside"
DROP, SILENT = (
    "drop",
    "silent",
)  # what `outside` may say beside "hold"; the second is a delivery's setting too
HELD = "held"  # among a delivery's settings: it waits for this schedule


def hours(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    name = delivery.settings.get(DURING)
    schedule = scene.terms.schedules.get(name) if name else None
    if schedule is None or schedule.is_open(scene.now):
        return delivery
    opening, outside = schedule.next_opening(scene.now), delivery.settings.get(OUTSIDE)
    told = kept_back(delivery, Control.DURING, f"outside {name}", opening)
    if outside == SILENT:
        scene.quiet.append(replace(told, fate=Fate.SENT, reason=f"outside {name}: sent without mentions"))
        return _silent(delivery)
    if outside == DROP or opening is None:
        scene.quiet.append(replace(told, reason=f"outside {name}: dropped"))
        return None
    scene.quiet.append(replace(told, fate=Fate.LATER, reason=f"outside {name}: held for a summary"))
    return _held(delivery, str(name), opening)


def _silent(delivery: NewDelivery) -> NewDelivery:
    """Apart from a group that is not, which would lose its mentions to it or ring for it."""
    key = f"{SILENT} {delivery.group_key}" if delivery.group_key else None
    return replace(delivery, mention=(), group_key=key, settings={**delivery.settings, SILENT: True})


def _held(delivery: NewDelivery, name: str, opening: datetime) -> NewDelivery:
    """Part of the one message to its target that goes out when the hours begin."""
    key = slot_name(Control.DURING, delivery, name, opening.isoformat())
    settings = {**delivery.settings, HELD: name}
    return replace(delivery, group_key=key, lane=None, due_at=opening, latest_at=opening, settings=settings)
