"""The pictures: from a notifier and an event to SVG."""

from collections.abc import Mapping

from docs.drawing.page import notifier_in, sections
from docs.drawing.painter import svg
from docs.drawing.readers import reader_of
from docs.drawing.shapes import Picture, line, plain
from docs.drawing.story import payload
from relay.model import Event
from relay.notifiers.base import Notifier

NOTHING = Picture(service="no service", elements=(line(plain("nothing is sent", faint=True)),))


def draw(notifier: Notifier, *events: Event) -> str:
    """What its message about the invented event, or about these, looks like."""
    sent = payload(notifier, *events)
    return svg(reader_of(notifier.type)(sent) if sent else NOTHING)


def pictures(page: str) -> Mapping[str, str]:
    """A picture for each section of the page, by the name of its type."""
    return {kind: draw(notifier_in(section)) for kind, section in sections(page).items()}
