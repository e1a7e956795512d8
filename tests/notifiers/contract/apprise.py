"""Apprise, with JSON to a server of one's own for all its services."""

import re
from collections.abc import Iterator

from tests.fakes.sink import Request
from tests.notifiers.contract import reading
from tests.notifiers.contract.contract import (
    SECRET,
    Contract,
    Reading,
    dead,
    over,
    says,
    temporary,
)


def read(request: Request) -> Reading:
    """As the most excitable of the services behind it would."""
    body = request.json()
    texts = (body["title"], body["message"])
    broken = [found for text in texts for found in re.findall(r"<users/|@\*\*|\]\(", text)]
    pings = [each for text in texts for each in (*reading.names_pinged(text), *reading.slack(text).pings)]
    return Reading(pings=tuple(pings), broken=tuple(broken))


def faults(request: Request) -> Iterator[str]:
    yield from over("title", request.json()["title"], 250)
    yield from over("message", request.json()["message"], 3500)


CONTRACTS = (
    Contract(
        name="json",
        options=lambda url: {"url": f"json://ci:{SECRET}@{url.partition('://')[2]}/{SECRET}"},
        read=read,
        faults=faults,
        has_links=False,
        hints_at_waits=False,
        refusals=(
            dead("not authorized", says(401)),
            dead("forbidden", says(403)),
            dead("not found", says(404)),
            temporary("too many", says(429, "", Retry_After="2")),
            temporary("server failed", says(500)),
        ),
    ),
)
