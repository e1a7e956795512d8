"""Stops the event's workflow or build."""

from typing import Literal

from relay.actions.base import Action, Doing, Tools, noted
from relay.actions.parts.whereabouts import whereabouts
from relay.model import Answer, Event


class Cancel(Action):
    """Stops the event's workflow or build. Ending what has ended already is no error."""

    type: Literal["cancel"] = "cancel"

    def would(self, event: Event) -> str:
        return f"would stop workflow {event.workflow.name}" if event.workflow.id else "would stop the build"

    def act(self, doing: Doing, tools: Tools) -> Answer:
        client, where = self.client(tools), whereabouts(doing.event)
        said = client.cancel(where.project, **where.named())
        what = f"workflow {where.workflow}" if where.workflow else f"build #{where.number}"
        text = f"stopped {what}" + (f": {said}" if said else "")
        tools.note(noted(doing.name, self.type, text))
        return Answer(excerpt=text)
