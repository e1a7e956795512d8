"""`shadow`: everything is done but the sending."""

from dataclasses import replace

from relay.planning import SHADOW, NewDelivery
from relay.quieting.scene import Control, Fate, Scene, kept_back

IN_SHADOW = "recorded, and not sent"


def shadow(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    """It goes on like any other, and is not sent in the end."""
    if delivery.settings.get(SHADOW):
        told = kept_back(delivery, Control.SHADOW, IN_SHADOW, None)
        scene.quiet.append(replace(told, fate=Fate.RECORDED))
    return delivery
