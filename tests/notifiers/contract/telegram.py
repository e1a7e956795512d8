"""Telegram: https://core.telegram.org/bots/api#sendmessage and #html-style."""

import html
import re
from collections.abc import Iterator
from typing import Any

from tests.fakes.sink import Play, Request
from tests.notifiers.contract import reading
from tests.notifiers.contract.contract import (
    SECRET,
    Contract,
    Reading,
    dead,
    in_utf16,
    over,
    permanent,
    says,
    temporary,
)

ELEMENTS = ("a", "b", "i", "u", "s", "code", "pre", "blockquote")
CODE = re.compile(r"<(code|pre)>.*?</\1>", re.DOTALL)


def read(request: Request) -> Reading:
    """`@name` pings outside code, and so does a link to a user."""
    body = request.json()
    assert body["parse_mode"] == "HTML"
    seen = reading.html(body["text"], ELEMENTS)
    shown = html.unescape(re.sub(r"<[^>]*>", "", CODE.sub(" ", body["text"])))
    users = tuple(url.partition("id=")[2] for _, url in seen.links if url.startswith("tg://user"))
    return Reading(
        pings=(*re.findall(r"(?<!\w)@(\w{3,})", shown), *users), links=seen.links, broken=seen.broken
    )


def faults(request: Request) -> Iterator[str]:
    yield from over("text, as sent", request.json()["text"], 4096, in_utf16)


def error(code: int, description: str, **more: Any) -> Play:
    return says(code, {"ok": False, "error_code": code, "description": description, **more})


CONTRACTS = (
    Contract(
        name="bot",
        options=lambda url: {
            "token": f"123:{SECRET}",
            "chat_id": -100123,
            "api_url": url,
            "allow_private": True,
        },
        read=read,
        faults=faults,
        answer=says(200, {"ok": True, "result": {"message_id": 7, "chat": {"id": -100123}}}),
        key=f"123:{SECRET}",
        edits=True,
        threads=True,
        person={"telegram": "4242"},
        pinged=("4242",),
        refusals=(
            permanent("too long", error(400, "Bad Request: message is too long")),
            permanent("bad entities", error(400, "Bad Request: can't parse entities: Unsupported start tag")),
            dead("no chat", error(400, "Bad Request: chat not found")),
            dead("wrong token", error(401, "Unauthorized")),
            dead("kicked", error(403, "Forbidden: bot was kicked from the group chat")),
            dead("blocked", error(403, "Forbidden: bot was blocked by the user")),
            dead("no such bot", error(404, "Not Found")),
            temporary("too many", error(429, "Too Many Requests", parameters={"retry_after": 35}), 35),
            temporary("server failed", error(500, "Internal Server Error")),
        ),
    ),
)
