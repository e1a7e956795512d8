"""What became of the messages about one event, said in a way that two runs can be compared by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from relay import durations
from relay.backtest.follow import paired
from relay.backtest.recorded import deliveries_of
from relay.model import DeliveryState
from relay.pipeline import NOTHING_LEFT
from relay.planning import SHADOW, NewDelivery
from relay.quieting import Fate
from relay.store import PastDelivery

FAILED = (DeliveryState.DEAD, DeliveryState.UNKNOWN)


class Became(StrEnum):
    """What the event has come to at one target."""

    MESSAGE = "message"  # one of its own, or the first of a group
    GROUPED = "grouped"  # part of the message of an event before it
    QUIET = "kept back"
    SHADOW = "shadow"
    FAILED = "failed"
    STALE = "nothing left to tell"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One message or action, or one that was kept back. The route and the reasons are not compared."""

    target: str
    kind: str = "notify"
    direct: str | None = None
    became: Became
    control: str | None = None
    mention: tuple[str, ...] = ()
    due: datetime | None = None  # when that is later than at once
    route: str
    why: str | None = None  # the control and its terms
    reason: str | None = None

    @property
    def compared(self) -> tuple[object, ...]:
        return (self.target, self.kind, self.direct, self.became, self.control, self.mention, self.due)


def told_of(
    decision: Mapping[str, Any], deliveries: Sequence[PastDelivery], seen: set[str]
) -> tuple[Told, ...]:
    """seen: groups that an earlier event has begun; those that this one begins are added."""
    quiet, taken = decision.get("quiet", ()), set[str]()
    pairs = [(planned, paired(planned, deliveries, taken)) for planned in deliveries_of(decision)]
    sent = [_sent(planned, row, decision, seen) for planned, row in pairs]
    instead = [_instead(row, seen) for row in deliveries if row.id not in taken]
    kept = [_kept(record, decision) for record in quiet if record["fate"] == Fate.SUPPRESSED]
    return (*sent, *instead, *kept)


def _sent(
    planned: NewDelivery, row: PastDelivery | None, decision: Mapping[str, Any], seen: set[str]
) -> Told:
    became = _became(row, seen) if row else Became.MESSAGE
    record = _said_of(planned, decision.get("quiet", ()))
    return Told(
        target=planned.target,
        kind=planned.kind,
        direct=planned.direct,
        became=became,
        control=record["control"] if record else None,
        mention=planned.mention,
        due=planned.due_at if became is Became.MESSAGE else None,
        route=planned.route,
        why=_terms(record, decision) if record else None,
        reason=record["reason"] if record else None,
    )


def _instead(row: PastDelivery, seen: set[str]) -> Told:
    """Of a delivery that stands in for one that failed."""
    return Told(
        target=row.target,
        kind=row.kind,
        direct=row.direct,
        became=_became(row, seen),
        mention=row.mention,
        route=row.route,
    )


def _kept(record: Mapping[str, Any], decision: Mapping[str, Any]) -> Told:
    return Told(
        target=record["target"],
        became=Became.QUIET,
        control=record["control"],
        route=record["route"],
        why=_terms(record, decision),
        reason=record["reason"],
    )


def _became(row: PastDelivery, seen: set[str]) -> Became:
    if row.settings.get(SHADOW):
        return Became.SHADOW
    if row.title == NOTHING_LEFT:
        return Became.STALE
    if row.state in FAILED:
        return Became.FAILED
    if row.group_key is None:
        return Became.MESSAGE
    is_first = row.id not in seen
    seen.add(row.id)
    return Became.MESSAGE if is_first else Became.GROUPED


def _said_of(planned: NewDelivery, quiet: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What a control said of a message that goes on all the same."""
    about = (planned.target, planned.route)
    said = (each for each in quiet if each["fate"] != Fate.SUPPRESSED)
    return next((each for each in said if (each["target"], each["route"]) == about), None)


def _terms(record: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    """The control and how long: `throttle 4h`."""
    control = str(record["control"])
    routes = (each for each in decision.get("decisions", ()) if each["route"] == record["route"])
    setting = next((each["settings"].get(control) for each in routes), None)
    if isinstance(setting, (int, float)) and not isinstance(setting, bool):
        return f"{control} {durations.spell(setting)}"
    return control
