"""Empties the build cache of the event's project."""

from typing import Literal

from relay.actions.base import Action, Doing, Tools, noted
from relay.circleci.errors import Gone, NotFound
from relay.errors import DeliveryError
from relay.model import Answer, Event

ENDED = "this CircleCI has no call that clears caches; change the key of the cache in its configuration"


class ClearCache(Action):
    """Empties the build cache of the event's project: v1's build cache, where the server still has it."""

    type: Literal["clear_cache"] = "clear_cache"

    def would(self, event: Event) -> str:
        return f"would clear the build cache of {event.project.slug}"

    def act(self, doing: Doing, tools: Tools) -> Answer:
        try:
            said = self.client(tools).v1_1.clear_cache(doing.event.project.slug)
        except (NotFound, Gone) as error:
            raise DeliveryError(f"{ENDED} ({error})", permanent=True, status=error.status) from error
        text = f"cleared the build cache: {said}" if said else "cleared the build cache"
        tools.note(noted(doing.name, self.type, text))
        return Answer(excerpt=text)
