"""`hold`: a failure waits for the verdict of a retry or of the next result, and is told only if it stands.

A held message is an open delivery of its target and state key. Every later result of that state whose
message goes to the same target joins it, whichever route wants that, and makes it due: it is the verdict so
far. What is left to tell is worked out when the message goes out; see `relay.quieting.news`.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from relay import changes, durations
from relay.model import Change, Event
from relay.planning import DIRECT, SHADOW, NewDelivery, Reservation
from relay.quieting.digest import DIGEST
from relay.quieting.hours import HELD
from relay.quieting.scene import Control, Fate, Scene, kept_back, reserving, slot_name
from relay.quieting.terms import Terms

HOLD = "hold"  # among the settings of a route
VERDICT = "verdict"  # among a delivery's settings: it waits for one
JOINS = "it decides what was held: both are told in one message, or neither if nothing is left to tell"


def hold(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    if HELD in delivery.settings or delivery.settings.get(DIGEST):
        return delivery  # what is gathered anyway waits for no verdict besides
    name = hold_slot(delivery, scene.state_key)
    due = scene.waiting.get(name)
    if due is not None and scene.event.change is not Change.NONE and not _says_verdict(delivery, scene):
        return _joining(delivery, name, scene)
    length = delivery.settings.get(HOLD) if delivery.route not in scene.unheld else None
    if not length or not scene.event.status.is_bad or scene.event.kind not in changes.RESULTS:
        return delivery
    return _held(delivery, name, due or scene.now + timedelta(seconds=length), scene)


def _says_verdict(delivery: NewDelivery, scene: Scene) -> bool:
    """Whether a pass is told as what it is, in place of the failure that was held."""
    return not scene.event.status.is_bad and "verdict" in scene.event.notes


def _held(delivery: NewDelivery, name: str, due: datetime, scene: Scene) -> NewDelivery:
    longest = durations.spell(delivery.settings[HOLD])
    told = kept_back(delivery, Control.HOLD, f"held for a verdict, at most {longest}", due)
    scene.quiet.append(replace(told, fate=Fate.LATER))
    scene.waiting[name] = due
    return reserving(_waiting(delivery, name, due), Reservation(slot=name))


def _joining(delivery: NewDelivery, name: str, scene: Scene) -> NewDelivery:
    told = kept_back(delivery, Control.HOLD, JOINS, scene.now)
    scene.quiet.append(replace(told, fate=Fate.SENT))
    scene.waiting[name] = scene.now
    return replace(_waiting(delivery, name, scene.now), is_verdict=True)


def _waiting(delivery: NewDelivery, name: str, due: datetime) -> NewDelivery:
    settings = {**delivery.settings, VERDICT: True}
    return replace(delivery, group_key=name, lane=None, due_at=due, latest_at=due, settings=settings)


def hold_slot(delivery: NewDelivery, state_key: str) -> str:
    return slot_name(Control.HOLD, delivery, state_key)


def may_wait(delivery: NewDelivery, event: Event, terms: Terms) -> bool:
    """Whether a message to the same place may be waiting, so that it is worth asking."""
    is_reached = delivery.target in terms.holding or (bool(delivery.direct) and DIRECT in terms.holding)
    return is_reached and event.kind in changes.RESULTS


def is_unsaid(sent: list[NewDelivery]) -> bool:
    """Whether all messages of an event, of which there are some, wait for a verdict."""
    heard = [each for each in sent if not each.settings.get(SHADOW)]
    return bool(heard) and all(each.settings.get(VERDICT) for each in heard)
