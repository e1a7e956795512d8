"""Microsoft Teams: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards."""

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


def read(request: Request) -> Reading:
    """`<at>` pings when an entity of the card says whom; texts and values are Markdown."""
    card = request.json()["attachments"][0]["content"]
    texts = [
        text for name in ("text", "value") for text in all_of(card["body"], name) if isinstance(text, str)
    ]
    seen = sum((reading.markdown(re.sub(r"</?at>", "", text)) for text in texts), Reading())
    calls = {each["text"]: each["mentioned"]["id"] for each in card["msteams"].get("entities", ())}
    named = [call for text in texts for call in re.findall(r"<at>.*?</at>", text)]
    pings = tuple(calls.get(call, "somebody") for call in named)
    return Reading(pings=pings, links=seen.links, broken=(*seen.broken, *_dates(texts)))


def _dates(texts: list[str]) -> Iterator[str]:
    """`{{DATE(…)}}` is worked out by the card."""
    yield from (found for text in texts for found in re.findall(r"\{\{(?:DATE|TIME)\(", text))


def faults(request: Request) -> Iterator[str]:
    yield from over("the message", request.body, 28_000, in_bytes)
    card = request.json()["attachments"][0]["content"]
    yield from over("actions", card.get("actions"), 6)


def error(status: int, code: str, **headers: str) -> Any:
    return says(status, {"error": {"code": code, "message": "no"}}, **headers)


CONTRACTS = (
    Contract(
        name="workflow",
        options=lambda url: {"url": f"{url}/workflows/1/triggers?sig={SECRET}", "allow_private": True},
        read=read,
        faults=faults,
        answer=says(202, ""),
        person={"teams": "alice@example.com"},
        pinged=("alice@example.com",),
        refusals=(
            permanent("bad request", error(400, "TriggerInputSchemaMismatch")),
            dead("no signature", error(401, "DirectApiAuthorizationRequired")),
            dead("no workflow", error(404, "WorkflowNotFound")),
            permanent("too large", says(413, "")),
            temporary("throttled", error(429, "TooManyRequests", Retry_After="10"), 10),
            temporary("bad gateway", says(502, "")),
        ),
    ),
)
