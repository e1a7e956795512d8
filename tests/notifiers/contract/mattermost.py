"""Mattermost: https://developers.mattermost.com/integrate/webhooks/incoming and its API, version 4."""

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
    in_json,
    over,
    permanent,
    says,
    temporary,
)

CHANNEL = "abcdefghijklmnopqrstuvwxyz"


def read(request: Request) -> Reading:
    """Names ping, and Slack's `<!channel>` does even in code; `<url|text>` is a link."""
    body = request.json()
    attachments = [each for found in all_of(body, "attachments") for each in found]
    texts = [
        body.get("text") or body.get("message") or "",
        *(t for each in attachments for t in _marked(each)),
    ]
    seen = sum((reading.markdown(text) for text in texts), Reading())
    pings = [ping for text in texts for ping in reading.names_pinged(text)]
    pings += [ping for text in texts for ping in reading.slack(text).pings if ping.startswith("!")]
    outside_code = [reading.slack(reading.CODE.sub(" ", text)) for text in texts]
    links = [link for each in outside_code for link in each.links if link[0] != link[1]]
    titles = tuple((a["title"], a["title_link"]) for a in attachments if a.get("title_link"))
    return Reading(pings=tuple(pings), links=(*seen.links, *links, *titles), broken=seen.broken)


def _marked(attachment: dict[str, Any]) -> Iterator[str]:
    yield from (attachment.get(name, "") for name in ("pretext", "text", "title"))
    yield from (str(field["value"]) for field in attachment.get("fields", ()))


def faults(request: Request) -> Iterator[str]:
    body = request.json()
    yield from over("message", body.get("text") or body.get("message"), 16_383)
    for attachments in all_of(body, "attachments"):
        yield from over("attachments", attachments, 8000, in_json)


def error(status: int, id: str, **headers: str) -> Any:
    return says(status, {"id": id, "message": "no", "status_code": status}, **headers)


CONTRACTS = (
    Contract(
        name="webhook",
        options=lambda url: {"url": f"{url}/hooks/{SECRET}", "allow_private": True},
        read=read,
        faults=faults,
        person={"mattermost": "alice"},
        pinged=("alice",),
        refusals=(
            dead("no such webhook", error(404, "app.webhooks.get_incoming.app_error")),
            permanent("too long", error(400, "model.post.is_valid.msg.app_error")),
            temporary("rate limited", error(429, "", Retry_After="5"), 5),
            temporary("server failed", says(500)),
        ),
    ),
    Contract(
        name="token",
        options=lambda url: {"url": url, "token": SECRET, "channel": CHANNEL, "allow_private": True},
        read=read,
        faults=faults,
        answer=says(201, {"id": "p1", "channel_id": CHANNEL}),
        edits=True,
        threads=True,
        person={"mattermost": "alice"},
        pinged=("alice",),
        refusals=(
            dead("no session", error(401, "api.context.session_expired.app_error")),
            dead("no permission", error(403, "api.context.permissions.app_error")),
            permanent("too long", error(400, "model.post.is_valid.msg.app_error")),
            temporary("server failed", says(500)),
        ),
    ),
)
