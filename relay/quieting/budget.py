"""`budget`: at most so many messages of a notifier in any time of a length; what goes beyond is told in one.

A message is decided on when it is planned, for the time at which it is due. What it costs is kept with its
delivery, see `spends`; what is part of another message, or changes one, costs nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from relay import durations
from relay.model import Event, EventKind
from relay.planning import GATHERED, SHADOW, NewDelivery
from relay.quieting.gathering import gathered
from relay.quieting.hold import VERDICT
from relay.quieting.hours import HELD
from relay.quieting.scene import Control, Fate, Scene, kept_back, slot_name
from relay.quieting.terms import Budget, Spent, Terms, Wanted

NOTHING_SPENT = Spent()
SHORTEST_WAIT = timedelta(seconds=30)  # of what goes beyond, so that one message tells more than one event


def budget(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    """The last control that may object: only what would really be sent costs anything."""
    terms = scene.terms.budgets.get(delivery.target)
    if terms is None or not is_limited(delivery, scene.event):
        return delivery
    spent = scene.spent.get(delivery.target, NOTHING_SPENT)
    if delivery.group_key in spent.open or (terms.has_cards and delivery.lane in spent.lanes):
        return delivery
    room = _room_at(spent, terms, delivery, scene.now)
    answer = replace(delivery, spends=True) if room is None else _beyond(delivery, scene, terms, spent, room)
    scene.spent[delivery.target] = _with(spent, answer, scene.now)
    return answer


def is_limited(delivery: NewDelivery, event: Event) -> bool:
    """People who are written to alone and the relay's own events are always told; summaries tell enough."""
    is_summary = any(name in delivery.settings for name in (HELD, VERDICT, GATHERED))
    return not (
        is_summary or delivery.direct or event.kind is EventKind.RELAY or delivery.settings.get(SHADOW)
    )


def budget_wanted(event: Event, deliveries: Iterable[NewDelivery], terms: Terms) -> Wanted:
    """What to ask before: how much is spent, and which groups and conversations go on."""
    limited = [each for each in deliveries if each.target in terms.budgets and is_limited(each, event)]
    keys = [each.group_key for each in limited if each.group_key]
    return Wanted(
        targets={each.target: terms.budgets[each.target] for each in limited},
        groups=tuple(dict.fromkeys((*keys, *map(overflow_key, limited)))),
        lanes=tuple(dict.fromkeys(each.lane for each in limited if each.lane)),
    )


def overflow_key(delivery: NewDelivery) -> str:
    """The group of all that goes beyond the budget of its target."""
    return slot_name(Control.BUDGET, delivery)


def _room_at(spent: Spent, terms: Budget, delivery: NewDelivery, now: datetime) -> datetime | None:
    """When there is room again; None when there is.

    A group that is still open may go out at any time until its latest, so both ends count.
    """
    per, due = timedelta(seconds=terms.per), delivery.due_at or now
    latest = max(due, delivery.latest_at or due)
    near = sorted((at for at in spent.times if due - per < at < latest + per), reverse=True)
    return near[terms.messages - 1] + per if len(near) >= terms.messages else None


def _beyond(delivery: NewDelivery, scene: Scene, terms: Budget, spent: Spent, room: datetime) -> NewDelivery:
    """Part of the one message that goes out as soon as there is room."""
    key, per = overflow_key(delivery), timedelta(seconds=terms.per)
    until = spent.open.get(key) or max(room, scene.now + min(SHORTEST_WAIT, per))
    messages = f"{terms.messages} message{'' if terms.messages == 1 else 's'}"
    reason = f"budget of {messages} in {durations.spell(terms.per)} used up"
    told = kept_back(delivery, Control.BUDGET, reason, until)
    scene.quiet.append(replace(told, fate=Fate.LATER))
    since = scene.now.astimezone(scene.terms.zone).isoformat()
    why = {"by": Control.BUDGET.value, "since": since, "messages": terms.messages, "per": terms.per}
    return replace(gathered(delivery, scene, key, until, why), spends=True)


def _with(spent: Spent, taken: NewDelivery, now: datetime) -> Spent:
    """What is spent after it; what joins an open group costs nothing more."""
    key, due = taken.group_key, taken.due_at or now
    if key in spent.open:
        return spent
    return replace(
        spent,
        times=(*spent.times, max(due, taken.latest_at or due)),
        open={**spent.open, key: due} if key else spent.open,
        lanes=spent.lanes | {taken.lane} if taken.lane else spent.lanes,
    )
