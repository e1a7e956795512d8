"""`silences`: nothing is said about events that match, for a time."""

from collections.abc import Iterable
from datetime import datetime

from relay.model import Event
from relay.planning import NewDelivery
from relay.quieting.scene import Control, Scene, kept_back
from relay.quieting.terms import Facts, Silence, Terms
from relay.routing import Reading


def heed_silence(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    if scene.silence is None:
        return delivery
    silence = scene.silence
    scene.quiet.append(kept_back(delivery, Control.SILENCE, silence.reason, silence.until))
    return None


def covering(event: Event, terms: Terms, facts: Facts, now: datetime) -> Silence | None:
    """Of the silences that cover the event the one that lasts longest."""
    every, reading = (*terms.silences, *facts.silences), Reading(event)
    return _longest([silence for silence in every if silence.covers(reading, now)])


def _longest(silences: Iterable[Silence]) -> Silence | None:
    def length(silence: Silence) -> tuple[bool, float]:
        return silence.until is None, silence.until.timestamp() if silence.until else 0.0

    return max(silences, key=length, default=None)
