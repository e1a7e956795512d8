"""Zulip: https://zulip.com/api/send-message and /api/rest-error-handling."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.sink import Play, Request
from tests.notifiers.contract import reading
from tests.notifiers.contract.contract import (
    SECRET,
    Contract,
    Reading,
    dead,
    in_bytes,
    over,
    permanent,
    says,
    temporary,
)


def fields_of(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}


def read(request: Request) -> Reading:
    """`@**name**` and `@*group*` ping, backslash or not."""
    content = fields_of(request)["content"]
    shown = reading.CODE.sub(" ", content)
    seen = reading.markdown(content)
    pings = (one or group for one, group in re.findall(r"@\*\*([^*\n]+)\*\*|@\*([^*\n]+)\*", shown))
    return Reading(pings=tuple(pings), links=seen.links, broken=seen.broken)


def faults(request: Request) -> Iterator[str]:
    fields = fields_of(request)
    yield from over("content", fields["content"], 10_000, in_bytes)
    topic = fields.get("topic", "")
    yield from over("topic", topic, 60)
    if "\n" in topic:
        yield "the topic has more than one line"


def error(status: int, code: str, message: str = "no", **more: Any) -> Play:
    return says(status, {"result": "error", "code": code, "msg": message, **more})


CONTRACTS = (
    Contract(
        name="bot",
        options=lambda url: {
            "url": url,
            "email": "ci-bot@example.com",
            "token": SECRET,
            "channel": "ci",
            "allow_private": True,
        },
        read=read,
        faults=faults,
        answer=says(200, {"result": "success", "msg": "", "id": 42}),
        edits=True,
        threads=True,
        person={"zulip": "Alice Archer"},
        pinged=("Alice Archer",),
        refusals=(
            permanent("bad request", error(400, "BAD_REQUEST", "Message must not be empty")),
            dead(
                "no channel", error(400, "STREAM_DOES_NOT_EXIST", "Channel 'ci' does not exist", stream="ci")
            ),
            dead("wrong key", error(401, "INVALID_API_KEY", "Invalid API key")),
            dead("unauthorized", error(401, "UNAUTHORIZED", "Not logged in")),
            dead("bot deactivated", error(403, "USER_DEACTIVATED", "Account is deactivated")),
            temporary(
                "rate limit", error(429, "RATE_LIMIT_HIT", "API usage exceeded", retry_after=28.7), 28.7
            ),
            temporary("server failed", says(502, "bad gateway")),
        ),
    ),
)
