"""Which messages are sent now: each control is asked in turn, and the first that objects decides."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from relay.model import Event
from relay.planning import NewDelivery
from relay.quieting.budget import budget, budget_wanted
from relay.quieting.digest import digest
from relay.quieting.hours import hours
from relay.quieting.once_per import ONCE_PER, once_per, once_slot
from relay.quieting.scene import Quiet, Scene
from relay.quieting.shadow import shadow
from relay.quieting.silence import covering, heed_silence
from relay.quieting.terms import NOTHING_KNOWN, Facts, Slot, SlotState, Terms, Wanted
from relay.quieting.throttle import THROTTLE, throttle, throttle_slot

NOTIFY = "notify"  # the kind of a delivery that tells somebody
_CONTROLS: tuple[Callable[[NewDelivery, Scene], NewDelivery | None], ...] = (
    heed_silence,
    once_per,
    throttle,
    hours,
    digest,
    budget,
    shadow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quieted:
    """What is sent and what is not, the slots for which something was kept back, and what is known now."""

    deliveries: tuple[NewDelivery, ...]
    quiet: tuple[Quiet, ...] = ()
    missed: tuple[str, ...] = ()
    facts: Facts = NOTHING_KNOWN


def wanted(event: Event, deliveries: Iterable[NewDelivery], state_key: str, terms: Terms) -> Wanted:
    """What to ask the store before deciding: the slots the deliveries may take, the budgets they may use."""
    messages = [each for each in deliveries if each.kind == NOTIFY]
    names = [throttle_slot(each, state_key) for each in messages if each.settings.get(THROTTLE)]
    for each in messages:
        if each.settings.get(ONCE_PER) and (slot := once_slot(each, event, terms)):
            names.append(slot)
    return Wanted(slots=tuple(names)) | budget_wanted(event, messages, terms)


def quieted(
    event: Event,
    deliveries: Sequence[NewDelivery],
    terms: Terms,
    facts: Facts,
    now: datetime,
    state_key: str = "",
) -> Quieted:
    """The deliveries that go on, and what is said of the others."""
    scene = Scene(
        event=event,
        state_key=state_key,
        terms=terms,
        now=now,
        silence=covering(event, terms, facts, now) if deliveries else None,
        slots=dict(facts.slots),
        spent=dict(facts.spent),
    )
    for delivery in deliveries:
        _judge(delivery, scene)
    return Quieted(
        deliveries=tuple(scene.sent),
        quiet=tuple(scene.quiet),
        missed=tuple(scene.missed),
        facts=replace(facts, slots=scene.slots, spent=scene.spent),
    )


def _judge(delivery: NewDelivery, scene: Scene) -> None:
    """Ask each control in turn."""
    if delivery.kind != NOTIFY:
        scene.sent.append(delivery)
        return
    for control in _CONTROLS:
        answer = control(delivery, scene)
        if answer is None:
            return
        delivery = answer
    for taken in delivery.slots:
        scene.slots[taken.slot] = Slot(state=SlotState.UNDER_WAY, at=scene.now)
    scene.sent.append(delivery)
