"""A relay whose only notifier sends nothing: what is left is the relay's own work.

`Nowhere.send` counts and answers 200. Everything around it is what a worker does for any notifier: claim,
load, render the standard template, hand over to a thread, record the attempt, log a line.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from relay import wiring
from relay.model import Answer, Message
from relay.notifiers.base import Notifier, Outgoing
from relay.pipeline import Relay
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


class Nowhere(Notifier):
    """Takes messages as fast as they come."""

    in_flight: ClassVar[int | None] = None

    type: Literal["nowhere"] = "nowhere"
    on_send: Callable[[], object]

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        self.on_send()
        return Answer(status=200)


def relay_to_nowhere(database: str, folder: Path, on_send: Callable[[], object]) -> Relay:
    """A relay from a configuration file, with its notifier replaced."""
    file = folder / "nowhere.yaml"
    file.write_text(CONFIG.format(database=database))
    relay = wiring.build(wiring.load_config(str(file)))
    notifier = Nowhere(on_send=on_send)
    target = replace(relay.targets[NAME], destination=notifier.destination())
    return replace(
        relay,
        notifiers={NAME: notifier},
        targets={NAME: target},
        limits={notifier.destination(): Limit()},
    )
