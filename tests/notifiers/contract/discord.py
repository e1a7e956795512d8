"""Discord: https://discord.com/developers/docs/resources/webhook and /topics/rate-limits."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.sink import Request
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

PERSON = "80351110224678912"


def read(request: Request) -> Reading:
    """Only `content` pings, and only whom `allowed_mentions` lets it."""
    body = request.json()
    allowed = body.get("allowed_mentions", {"parse": ["everyone", "users", "roles"]})
    embeds = body.get("embeds", [])
    texts = [body.get("content", ""), *(text for each in embeds for text in _marked(each))]
    seen = sum((reading.markdown(text) for text in texts), Reading())
    titles = tuple((each["title"], each["url"]) for each in embeds if each.get("url"))
    return Reading(
        pings=(*allowed["parse"], *allowed.get("users", ()), *allowed.get("roles", ())),
        links=(*seen.links, *titles),
        broken=tuple(each for each in seen.broken if not each.startswith("<@")),
    )


def _marked(embed: dict[str, Any]) -> Iterator[str]:
    yield embed.get("description", "")
    yield from (field["value"] for field in embed.get("fields", ()))


def faults(request: Request) -> Iterator[str]:
    body = request.json()
    yield from over("content", body.get("content"), 2000, in_utf16)
    yield from over("embeds", body["embeds"], 10)
    yield from over("all embeds together", body["embeds"], 6000, _size)
    for embed in body["embeds"]:
        yield from over("title", embed.get("title"), 256, in_utf16)
        yield from over("description", embed.get("description"), 4096, in_utf16)
        yield from over("footer", embed.get("footer", {}).get("text"), 2048, in_utf16)
        yield from over("fields", embed.get("fields"), 25)
        yield from over("url", embed.get("url"), 2048)
        for field in embed.get("fields", ()):
            yield from over("name of a field", field["name"], 256, in_utf16)
            yield from over("value of a field", field["value"], 1024, in_utf16)
            if not field["name"] or not field["value"]:
                yield "a field is empty"


def _size(embeds: list[dict[str, Any]]) -> int:
    texts = [text for each in embeds for text in (each.get("title", ""), each.get("description", ""))]
    texts += [each.get("footer", {}).get("text", "") for each in embeds]
    texts += [text for each in embeds for f in each.get("fields", ()) for text in (f["name"], f["value"])]
    return sum(map(in_utf16, texts))


CONTRACTS = (
    Contract(
        name="webhook",
        options=lambda url: {"url": f"{url}/api/webhooks/1/{SECRET}", "allow_private": True},
        read=read,
        faults=faults,
        answer=says(200, {"id": "11", "channel_id": "22"}),
        edits=True,
        person={"discord": PERSON},
        pinged=(PERSON,),
        refusals=(
            permanent("invalid form body", says(400, {"code": 50035, "message": "Invalid Form Body"})),
            permanent("empty message", says(400, {"code": 50006, "message": "Cannot send an empty message"})),
            dead("invalid webhook token", says(401, {"code": 50027, "message": "Invalid Webhook Token"})),
            dead("unknown webhook", says(404, {"code": 10015, "message": "Unknown Webhook"})),
            temporary("rate limited", says(429, {"retry_after": 0.65, "global": False}), 0.65),
            temporary("rate limited, header", says(429, {"retry_after": 1.2}, Retry_After="2"), 2),
            temporary("bad gateway", says(502, "bad gateway")),
        ),
    ),
)
