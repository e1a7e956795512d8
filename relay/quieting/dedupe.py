"""`dedupe`: the same result of the same run is told to a target once in a time.

The history knows which results came before, and the deliveries about them whether anybody was told; so
only what the history does not keep (ignored statuses, results that came again) takes a slot.
"""

from datetime import datetime, timedelta

from relay.model import Event, EventKind, Status
from relay.planning import SHADOW, NewDelivery, Reservation
from relay.quieting.scene import Control, Scene, kept_back, name_of_slot, reserving
from relay.quieting.terms import Slot, SlotState

_BY_NUMBER = (EventKind.JOB, EventKind.BUILD)  # the modern and the classic webhook of one job
BEING_TOLD = "the same result of this run is under way"


def dedupe(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    name = dedupe_slot(delivery, scene)
    if name is None:
        return delivery
    slot = scene.slots.get(name)
    until = _busy_until(slot, scene.terms.dedupe, scene.now)
    if slot is None or slot.state is SlotState.FREE or (until is not None and until <= scene.now):
        return delivery if scene.earlier is None else reserving(delivery, Reservation(slot=name))
    reason = BEING_TOLD if until is None else f"the same result of this run was told at {_spelt(slot, scene)}"
    scene.quiet.append(kept_back(delivery, Control.DEDUPE, reason, until))
    return None


def _busy_until(slot: Slot | None, length: timedelta, now: datetime) -> datetime | None:
    """None while nobody knows. What was told in the future was told before the clock was set back."""
    if slot is None or slot.state is SlotState.UNDER_WAY:
        return None
    return min(slot.at, now) + length


def _spelt(slot: Slot, scene: Scene) -> str:
    at, now = (moment.astimezone(scene.terms.zone) for moment in (slot.at, scene.now))
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def dedupe_slot(delivery: NewDelivery, scene: Scene) -> str | None:
    return result_slot(delivery, scene.event) if scene.terms.dedupe else None


def result_slot(delivery: NewDelivery, event: Event) -> str | None:
    is_shadow = bool(delivery.settings.get(SHADOW))
    return told_slot(event, delivery.target, delivery.direct, is_shadow=is_shadow)


def told_slot(event: Event, target: str, direct: str | None, *, is_shadow: bool) -> str | None:
    """What stands for the event's result at a target, whatever route it came by. None: it has no name."""
    run = None if event.status is Status.UNKNOWN else _run_of(event)
    if run is None:
        return None
    return name_of_slot(Control.DEDUPE, target, direct, is_shadow, *run, event.status.value)


def _run_of(event: Event) -> tuple[str, ...] | None:
    """A rerun is another run: its workflow and its jobs have other ids and numbers."""
    if event.kind is EventKind.WORKFLOW:
        return ("workflow", event.workflow.id) if event.workflow.id else None
    if event.kind not in _BY_NUMBER:
        return None
    number = event.job.number if event.job.number is not None else _build_number(event)
    name = event.job.id if number is None else f"{event.project.slug} {number}"
    return ("job", name) if name else None


def _build_number(event: Event) -> int | None:
    return event.number if event.kind is EventKind.BUILD else None
