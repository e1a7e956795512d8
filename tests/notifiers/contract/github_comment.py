"""GitHub's comments: https://docs.github.com/en/rest/issues/comments."""

import re
from collections.abc import Iterator

from tests.fakes.sink import Play, Request
from tests.notifiers.contract import reading
from tests.notifiers.contract.contract import SECRET, Contract, Reading, over, says
from tests.notifiers.contract.github_status import REFUSALS

MARKER = re.compile(r"<!-- relay:[0-9a-f]+ -->")


def read(request: Request) -> Reading:
    """Names ping outside code; `#7` and `gh-7` refer to issues wherever they stand."""
    text = MARKER.sub("", request.json()["body"], count=1)
    seen = reading.markdown(text, tags=("<sub>", "</sub>"))
    return Reading(pings=reading.names_pinged(text), links=seen.links, broken=seen.broken)


def faults(request: Request) -> Iterator[str]:
    yield from over("body", request.json()["body"], 65_536)


def answer(request: Request) -> Play:
    return says(200, []) if request.method == "GET" else says(201, {"id": 9})


CONTRACTS = (
    Contract(
        name="token",
        options=lambda url: {"token": SECRET, "api_url": url, "allow_private": True},
        read=read,
        faults=faults,
        answer=answer,
        edits=True,
        is_choosy=True,
        person={"github": "alice"},
        pinged=("alice",),
        refusals=REFUSALS,
    ),
)
