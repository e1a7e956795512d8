"""`throttle`: at most one message of a route about a branch in a time; the next one tells what was missed."""

from dataclasses import replace
from datetime import datetime, timedelta

from relay import durations
from relay.planning import NewDelivery, Reservation
from relay.quieting.scene import UNDER_WAY, Control, Scene, kept_back, reserving, slot_name
from relay.quieting.terms import Slot, SlotState

THROTTLE = "throttle"  # among the settings of a route
APART = timedelta(minutes=1)  # clocks of workers may be, without any of them having been set back
MISSED = "missed"  # among a delivery's settings: what was kept back before it


def throttle(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    length = delivery.settings.get(THROTTLE)
    if not length:
        return delivery
    name = throttle_slot(delivery, scene.state_key)
    slot = scene.slots.get(name)
    until = _busy_until(slot, timedelta(seconds=length), scene.now)
    if slot is None or (until is not None and until <= scene.now):
        return _telling_missed(delivery, name, slot)
    why = UNDER_WAY if until is None else f"at most one message in {durations.spell(length)}"
    scene.quiet.append(kept_back(delivery, Control.THROTTLE, why, until))
    scene.missed.append(name)
    scene.slots[name] = _one_more(slot, scene.now)
    return None


def _busy_until(slot: Slot | None, length: timedelta, now: datetime) -> datetime | None:
    """None while nobody knows. What was sent in the future was sent before the clock was set back, and
    nobody knows when: better a reminder too many than none for as long as the clock jumped."""
    if slot is None or slot.state is SlotState.UNDER_WAY:
        return None
    if slot.at - now > APART:
        return now
    return slot.at if slot.state is SlotState.FREE else slot.at + length


def _telling_missed(delivery: NewDelivery, name: str, slot: Slot | None) -> NewDelivery:
    if slot is None or not slot.missed:
        return reserving(delivery, Reservation(slot=name))
    since = slot.missed_since or slot.at
    told = {MISSED: {"count": slot.missed, "since": since.isoformat()}}
    taken = Reservation(slot=name, missed=slot.missed, missed_since=since)
    return reserving(replace(delivery, settings={**delivery.settings, **told}), taken)


def _one_more(slot: Slot, now: datetime) -> Slot:
    return replace(slot, missed=slot.missed + 1, missed_since=slot.missed_since or now)


def throttle_slot(delivery: NewDelivery, state_key: str) -> str:
    """Each route by itself, so that `still_failing` does not keep `fixed` back; each branch by itself."""
    return slot_name(Control.THROTTLE, delivery, delivery.route, state_key)
