"""One event on its way through the noise controls."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from relay.model import Event
from relay.planning import DIRECT, SHADOW, NewDelivery, Reservation
from relay.quieting.terms import Silence, Slot, Spent, Terms

UNDER_WAY = "a message is under way"


class Control(StrEnum):
    """What keeps a message back."""

    SILENCE = "silence"
    ONCE_PER = "once_per"
    THROTTLE = "throttle"
    DURING = "during"
    DIGEST = "digest"
    BUDGET = "budget"
    SHADOW = "shadow"


class Fate(StrEnum):
    """What becomes of a message that a control objects to."""

    SUPPRESSED = "suppressed"
    LATER = "later"
    RECORDED = "recorded"  # as a delivery that is not sent
    SENT = "sent"  # all the same, or silently


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """A message that is kept back, by what and until when; without `until` nobody knows."""

    target: str
    route: str
    control: Control
    reason: str
    until: datetime | None = None
    fate: Fate = Fate.SUPPRESSED


@dataclass(kw_only=True)
class Scene:
    """One event on its way through the controls, and what was found so far."""

    event: Event
    state_key: str
    terms: Terms
    now: datetime
    silence: Silence | None
    slots: dict[str, Slot]
    spent: dict[str, Spent] = field(default_factory=dict)
    sent: list[NewDelivery] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def kept_back(delivery: NewDelivery, control: Control, reason: str, until: datetime | None) -> Quiet:
    return Quiet(target=delivery.target, route=delivery.route, control=control, reason=reason, until=until)


def slot_name(control: Control, delivery: NewDelivery, *key: str) -> str:
    person = (f"{DIRECT}{delivery.direct}",) if delivery.direct else ()
    apart = (SHADOW,) if delivery.settings.get(SHADOW) else ()
    return json.dumps([control.value, delivery.target, *apart, *person, *key], separators=(",", ":"))


def as_records(quiet: Iterable[Quiet]) -> list[dict[str, Any]]:
    """What is kept of it in the record of a decision, as JSON."""
    return [
        {
            "target": each.target,
            "route": each.route,
            "control": each.control.value,
            "reason": each.reason,
            "until": each.until.isoformat() if each.until else None,
            "fate": each.fate.value,
        }
        for each in quiet
    ]


def reserving(delivery: NewDelivery, taken: Reservation) -> NewDelivery:
    return replace(delivery, slots=(*delivery.slots, taken))
