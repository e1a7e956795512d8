"""`once_per`: one message for each value of a template, for ever."""

from dataclasses import replace

from relay.errors import TemplateError
from relay.model import Event
from relay.planning import NewDelivery, Reservation
from relay.quieting.scene import UNDER_WAY, Control, Fate, Scene, kept_back, reserving, slot_name
from relay.quieting.terms import SlotState, Terms

ONCE_PER = "once_per"  # among the settings of a route
NO_KEY = "its key could not be worked out, so it was sent all the same"
ONCE_SENT = "a message with this key was sent before"


def once_per(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    if not delivery.settings.get(ONCE_PER):
        return delivery
    name = once_slot(delivery, scene.event, scene.terms)
    if name is None:
        sent = kept_back(delivery, Control.ONCE_PER, NO_KEY, None)
        scene.quiet.append(replace(sent, fate=Fate.SENT))
        return delivery
    slot = scene.slots.get(name)
    if slot is None or slot.state is SlotState.FREE:
        return reserving(delivery, Reservation(slot=name))
    why = ONCE_SENT if slot.state is SlotState.SENT else UNDER_WAY
    scene.quiet.append(kept_back(delivery, Control.ONCE_PER, why, None))
    return None


def once_slot(delivery: NewDelivery, event: Event, terms: Terms) -> str | None:
    """Routes with the same `once_per` share it, children of one parent among them. None: it has no value."""
    text = str(delivery.settings[ONCE_PER])
    try:
        value = terms.keys[text](event)
    except (KeyError, TemplateError):
        return None
    return slot_name(Control.ONCE_PER, delivery, text, value)
