"""Which messages are sent now: each control is asked in turn, and the first that objects decides."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from relay.model import Change, Event
from relay.planning import SHADOW, NewDelivery
from relay.quieting.budget import budget, budget_wanted
from relay.quieting.dedupe import dedupe, dedupe_slot, result_slot
from relay.quieting.digest import digest
from relay.quieting.hold import hold, hold_slot, is_unsaid, may_wait
from relay.quieting.hours import hours
from relay.quieting.inhibition import heed_inhibition, inhibiting, trunk_keys
from relay.quieting.once_per import ONCE_PER, once_per, once_slot
from relay.quieting.scene import Control, Quiet, Scene
from relay.quieting.shadow import shadow
from relay.quieting.silence import covering, heed_silence
from relay.quieting.terms import NOTHING_KNOWN, Facts, Slot, SlotState, Terms, Wanted
from relay.quieting.throttle import THROTTLE, throttle, throttle_slot

NOTIFY = "notify"  # the kind of a delivery that tells somebody
_CONTROLS: tuple[Callable[[NewDelivery, Scene], NewDelivery | None], ...] = (
    dedupe,
    heed_silence,
    heed_inhibition,
    once_per,
    throttle,
    hours,
    hold,
    digest,
    budget,
    shadow,
)


UNTELLING = (Control.SILENCE, Control.INHIBITION)  # nothing of what they keep back is told later


@dataclass(frozen=True, kw_only=True, slots=True)
class Quieted:
    """What is sent and what is not, the slots for which something was kept back, and what is known now."""

    deliveries: tuple[NewDelivery, ...]
    quiet: tuple[Quiet, ...] = ()
    missed: tuple[str, ...] = ()
    is_untold: bool = False  # there were messages, and a silence or inhibition kept all of them back
    facts: Facts = NOTHING_KNOWN


def wanted(
    event: Event,
    deliveries: Iterable[NewDelivery],
    state_key: str,
    terms: Terms,
    turned_by: str | None = None,
    earlier: tuple[str, ...] | None = None,
) -> Wanted:
    """What to ask the store before deciding: the slots that the deliveries may take, how trunk fares, what
    may be waiting for this result, and what was told of the events that told the same result `earlier`.

    turned_by: the event that had turned the branch red, if it matters.
    """
    messages = [each for each in deliveries if each.kind == NOTIFY]
    is_news = bool(messages) and event.change is not Change.NONE
    waiting = [hold_slot(each, state_key) for each in messages if may_wait(each, event, terms)]
    results = _results(event, messages, terms) if earlier is not None else ()
    own = Wanted(
        slots=(*_slots(event, messages, state_key, terms), *results),
        states=tuple(trunk_keys(event, terms).values()) if is_news else (),
        waiting=tuple(waiting),
        unsaid=(turned_by,) if turned_by and terms.holding else (),
        told=(earlier or ()) if results else (),
    )
    return own | budget_wanted(event, messages, terms)


def _results(event: Event, messages: Sequence[NewDelivery], terms: Terms) -> tuple[str, ...]:
    found = (result_slot(each, event) for each in messages) if terms.dedupe else ()
    return tuple(slot for slot in found if slot)


def _slots(event: Event, messages: Sequence[NewDelivery], state_key: str, terms: Terms) -> Iterator[str]:
    yield from (throttle_slot(each, state_key) for each in messages if each.settings.get(THROTTLE))
    for each in messages:
        if each.settings.get(ONCE_PER) and (slot := once_slot(each, event, terms)):
            yield slot


def quieted(
    event: Event,
    deliveries: Sequence[NewDelivery],
    terms: Terms,
    facts: Facts,
    now: datetime,
    state_key: str = "",
    earlier: tuple[str, ...] | None = None,
    unheld: frozenset[str] = frozenset(),
) -> Quieted:
    """The deliveries that go on, and what is said of the others. `earlier`: see `wanted`; `unheld`: routes
    that wait for no verdict."""
    scene = Scene(
        event=event,
        state_key=state_key,
        terms=terms,
        now=now,
        silence=covering(event, terms, facts, now) if deliveries else None,
        inhibited=inhibiting(event, terms, facts) if deliveries else None,
        slots=dict(facts.slots),
        waiting=dict(facts.waiting),
        earlier=earlier,
        spent=dict(facts.spent),
        unheld=unheld,
    )
    for delivery in deliveries:
        _judge(delivery, scene)
    return Quieted(
        deliveries=tuple(scene.sent),
        quiet=tuple(scene.quiet),
        missed=tuple(scene.missed),
        is_untold=_is_untold(deliveries, scene.quiet),
        facts=_facts_after(scene, facts),
    )


def _facts_after(scene: Scene, facts: Facts) -> Facts:
    is_waiting = is_unsaid([each for each in scene.sent if each.kind == NOTIFY])
    unsaid = facts.unsaid | {scene.event.id} if is_waiting else facts.unsaid
    return replace(facts, slots=scene.slots, waiting=scene.waiting, unsaid=unsaid, spent=scene.spent)


def _is_untold(deliveries: Iterable[NewDelivery], quiet: Iterable[Quiet]) -> bool:
    """Whether nobody hears of the event who would have. A message in shadow is none that anybody hears."""
    unheard = {(each.target, each.route) for each in quiet if each.control in UNTELLING}
    heard_by = {
        (each.target, each.route)
        for each in deliveries
        if each.kind == NOTIFY and not each.settings.get(SHADOW)
    }
    return bool(heard_by) and heard_by <= unheard


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
    under_way = Slot(state=SlotState.UNDER_WAY, at=scene.now)
    scene.slots.update({taken.slot: under_way for taken in delivery.slots})
    if name := dedupe_slot(delivery, scene):
        scene.slots[name] = under_way
    scene.sent.append(delivery)
