"""A relay whose only notifier sends nothing: what is left is the relay's own work.

`Nowhere.send` counts and answers 200. Everything around it is what a worker does for any notifier: claim,
load, render the standard template (unless told to leave that out), hand over to a thread, record the
attempt, log a line.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from relay import wiring
from relay.model import Answer, Message
from relay.notifiers.base import Notifier, Outgoing
from relay.pipeline import Relay
from relay.render import Renderer
from relay.store import Limit
from relay.transport import Transport

NAME = "nowhere"
CONFIG = """\
version: 1
store: "{database}"
notifiers:
  nowhere: {{ type: console }}
routes:
  - notify: nowhere
"""


class Wordless(Renderer):
    """Has the same message for everything, ready."""

    def render(self, *_: Any, **__: Any) -> Message:
        return Message(title="a message")


class Nowhere(Notifier):
    """Takes messages as fast as they come."""

    in_flight: ClassVar[int | None] = None

    type: Literal["nowhere"] = "nowhere"
    on_send: Callable[[], object]

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        self.on_send()
        return Answer(status=200)


def relay_to_nowhere(
    database: str, folder: Path, on_send: Callable[[], object], *, rendering: bool = True
) -> Relay:
    """A relay from a configuration file, with its notifier replaced, and its renderer unless rendering."""
    file = folder / "nowhere.yaml"
    file.write_text(CONFIG.format(database=database))
    relay = wiring.build(wiring.load_config(str(file)))
    notifier = Nowhere(on_send=on_send)
    target = replace(relay.targets[NAME], destination=notifier.destination())
    return replace(
        relay,
        renderer=relay.renderer if rendering else Wordless(folders=()),
        notifiers={NAME: notifier},
        targets={NAME: target},
        limits={notifier.destination(): Limit()},
    )
