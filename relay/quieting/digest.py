"""`digest`: all messages of a route until a time of day become one, an account of what happened."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from relay.planning import NewDelivery
from relay.quieting.gathering import gathered
from relay.quieting.hours import HELD
from relay.quieting.scene import Control, Fate, Scene, kept_back, slot_name
from relay.schedules import Moments, parse_days, parse_time

DIGEST = "digest"  # among the settings of a route
_INSTANT = timedelta(microseconds=1)


def digest(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    written = delivery.settings.get(DIGEST)
    if not written or delivery.target in scene.terms.apart:
        return delivery
    moments = moments_of(written, scene.terms.zone)
    until = moments.next_after(_soonest(delivery, scene.now))
    since = moments.last_until(scene.now).astimezone(moments.zone)
    told = kept_back(delivery, Control.DIGEST, f"gathered for the digest of {delivery.route}", until)
    scene.quiet.append(replace(told, fate=Fate.LATER))
    key = slot_name(Control.DIGEST, delivery, delivery.route, until.isoformat())
    return gathered(delivery, scene, key, until, {"by": Control.DIGEST.value, "since": since.isoformat()})


def _soonest(delivery: NewDelivery, now: datetime) -> datetime:
    """What is held until some hours begin is told by the first digest from then on."""
    if HELD not in delivery.settings or delivery.due_at is None:
        return now
    return delivery.due_at - _INSTANT


def moments_of(written: Mapping[str, Any], zone: tzinfo) -> Moments:
    """When a digest goes out."""
    own = written.get("timezone")
    return Moments(
        days=parse_days(written["days"]),
        minutes=parse_time(written["at"]),
        zone=ZoneInfo(own) if own else zone,
    )
