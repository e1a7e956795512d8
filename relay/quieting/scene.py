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

    DEDUPE = "dedupe"
    SILENCE = "silence"
    INHIBITION = "inhibition"
    ONCE_PER = "once_per"
    THROTTLE = "throttle"
    DURING = "during"
    HOLD = "hold"
    DIGEST = "digest"
    BUDGET = "budget"
    SHADOW = "shadow"
    RETRY = "retry"  # of actions: the policy decided against it


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
    inhibited: str | None = None  # why its failure is none of its own
    slots: dict[str, Slot]
    waiting: dict[str, datetime] = field(default_factory=dict)
    earlier: tuple[str, ...] | None = None  # events that told the same result; None: none can have
    spent: dict[str, Spent] = field(default_factory=dict)
    unheld: frozenset[str] = (
        frozenset()
    )  # routes whose retry was decided against: there is no verdict to come
    sent: list[NewDelivery] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def kept_back(delivery: NewDelivery, control: Control, reason: str, until: datetime | None) -> Quiet:
    return Quiet(target=delivery.target, route=delivery.route, control=control, reason=reason, until=until)


def slot_name(control: Control, delivery: NewDelivery, *key: str) -> str:
    is_shadow = bool(delivery.settings.get(SHADOW))
    return name_of_slot(control, delivery.target, delivery.direct, is_shadow, *key)


def name_of_slot(control: Control, target: str, direct: str | None, is_shadow: bool, *key: str) -> str:
    person = (f"{DIRECT}{direct}",) if direct else ()
    apart = (SHADOW,) if is_shadow else ()
    return json.dumps([control.value, target, *apart, *person, *key], separators=(",", ":"))


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
