"""Matrix: https://spec.matrix.org/latest/client-server-api/, 11.3 (messages) and 2.2 (errors)."""

import re
from collections.abc import Iterator

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

ELEMENTS = ("a", "b", "strong", "em", "i", "code", "pre", "br", "p", "ul", "li", "font", "span", "h3", "h4")
ALICE = "@alice:example.com"


def read(request: Request) -> Reading:
    """`m.mentions` says who is called; without it `@room` does."""
    whole = request.json()
    body = whole.get("m.new_content", whole)
    seen = reading.html(body.get("formatted_body", ""), (*ELEMENTS, "small", "sub", "blockquote"))
    told = body.get("m.mentions")
    if told is None:
        called = tuple(re.findall(r"@room", body["body"]))
    else:
        called = (*told.get("user_ids", ()), *(("room",) if told.get("room") else ()))
    links = tuple(link for link in seen.links if not link[1].startswith("https://matrix.to/"))
    return Reading(pings=called, links=links, broken=seen.broken)


def faults(request: Request) -> Iterator[str]:
    yield from over(
        "content", request.body, 64_000, in_bytes
    )  # of 65,536, which the event's frame is part of


def error(status: int, code: str, **more: object) -> Play:
    return says(status, {"errcode": code, "error": "no", **more})


CONTRACTS = (
    Contract(
        name="room",
        options=lambda url: {
            "homeserver": url,
            "token": SECRET,
            "room": "!abc:example.com",
            "allow_private": True,
        },
        read=read,
        faults=faults,
        answer=says(200, {"event_id": "$1"}),
        edits=True,
        threads=True,
        person={"matrix": ALICE},
        pinged=(ALICE,),
        refusals=(
            permanent("bad json", error(400, "M_BAD_JSON")),
            dead("unknown token", error(401, "M_UNKNOWN_TOKEN", soft_logout=False)),
            dead("missing token", error(401, "M_MISSING_TOKEN")),
            dead("forbidden", error(403, "M_FORBIDDEN")),
            dead("no such room", error(404, "M_NOT_FOUND")),
            permanent("too large", error(413, "M_TOO_LARGE")),
            temporary("limit", error(429, "M_LIMIT_EXCEEDED", retry_after_ms=1500), 1.5),
            temporary("server failed", error(500, "M_UNKNOWN")),
        ),
    ),
)
