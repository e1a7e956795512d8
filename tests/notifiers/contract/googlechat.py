"""Google Chat: https://developers.google.com/workspace/chat/create-messages and /format-messages."""

import re
from collections.abc import Iterator
from typing import Any

from tests.fakes.sink import Request
from tests.notifiers.contract import reading
from tests.notifiers.contract.contract import (
    SECRET,
    Contract,
    Reading,
    all_of,
    dead,
    in_bytes,
    over,
    permanent,
    says,
    temporary,
)

ELEMENTS = ("a", "b", "i", "u", "s", "strike", "font", "br")


def read(request: Request) -> Reading:
    """`<users/…>` pings in the text above the card; the card has a little HTML."""
    body = request.json()
    above = body.get("text", "")
    cards = [text for each in all_of(body.get("cardsV2"), "textParagraph") for text in (each["text"],)]
    cards += [each["text"] for each in all_of(body.get("cardsV2"), "decoratedText")]
    seen = sum((reading.html(text, ELEMENTS) for text in cards), Reading())
    written = tuple((shown, url) for url, shown in re.findall(r"<(https?://[^|>]+)\|([^>]+)>", above))
    return Reading(
        pings=tuple(re.findall(r"<users/([^>]+)>", " ".join((above, body["fallbackText"], *cards)))),
        links=(*seen.links, *written),
        broken=seen.broken,
    )


def faults(request: Request) -> Iterator[str]:
    yield from over("the message", request.body, 32_000, in_bytes)


def error(status: int, state: str, message: str = "no", **headers: str) -> Any:
    return says(status, {"error": {"code": status, "status": state, "message": message}}, **headers)


CONTRACTS = (
    Contract(
        name="webhook",
        options=lambda url: {
            "url": f"{url}/v1/spaces/AAAA/messages?key={SECRET}&token={SECRET}",
            "allow_private": True,
        },
        read=read,
        faults=faults,
        answer=says(200, {"name": "spaces/AAAA/messages/1", "thread": {"name": "spaces/AAAA/threads/1"}}),
        threads=True,
        person={"googlechat": "users/123456"},
        pinged=("123456",),
        refusals=(
            permanent("invalid argument", error(400, "INVALID_ARGUMENT")),
            dead(
                "invalid key", error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid one.")
            ),
            dead("unauthenticated", error(401, "UNAUTHENTICATED")),
            dead("permission denied", error(403, "PERMISSION_DENIED")),
            dead("no such space", error(404, "NOT_FOUND")),
            temporary("quota", error(429, "RESOURCE_EXHAUSTED")),
            temporary("unavailable", error(503, "UNAVAILABLE")),
        ),
    ),
)
