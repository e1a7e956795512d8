"""Slack: https://docs.slack.dev/reference/block-kit/blocks and /reference/methods/chat.postMessage."""

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

GOOD = says(200, {"ok": True, "ts": "1700000000.000100", "channel": "C1"})


def read(request: Request) -> Reading:
    """mrkdwn makes pings and links; plain_text shows what it says."""
    body = request.json()
    marked = [each["text"] for each in _objects(body) if each.get("type") == "mrkdwn"]
    return sum((reading.slack(text) for text in (body["text"], *marked)), Reading())


def faults(request: Request) -> Iterator[str]:
    body = request.json()
    blocks = [each for found in all_of(body, "blocks") for each in found]
    yield from over("text", body["text"], 4000)
    yield from over("blocks", blocks, 50)
    yield from over("all blocks together", blocks, 13_200, in_json)
    for block in blocks:
        yield from _faults_of(block)


def _faults_of(block: dict[str, Any]) -> Iterator[str]:
    yield from over("section", block.get("text", {}).get("text"), 3000)
    yield from over("fields", block.get("fields"), 10)
    for field in block.get("fields", ()):
        yield from over("field", field["text"], 2000)
    for element in block.get("elements", ()) if block["type"] == "actions" else ():
        yield from over("button", element["text"]["text"], 75)
        yield from over("button's url", element["url"], 3000)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)


CONTRACTS = (
    Contract(
        name="webhook",
        options=lambda url: {"webhook": f"{url}/services/T0/B0/{SECRET}", "allow_private": True},
        read=read,
        faults=faults,
        person={"slack": "U012ABCDE"},
        pinged=("@U012ABCDE",),
        refusals=(
            permanent("invalid_payload", says(400, "invalid_payload")),
            dead("invalid_token", says(400, "invalid_token")),
            dead("action_prohibited", says(403, "action_prohibited")),
            dead("no_service", says(404, "no_service")),
            dead("channel_not_found", says(404, "channel_not_found")),
            dead("channel_is_archived", says(410, "channel_is_archived")),
            temporary("rollup_error", says(500, "rollup_error")),
        ),
    ),
    Contract(
        name="token",
        options=lambda url: {
            "token": SECRET,
            "channel": "#ci",
            "api_url": url,
            "allow_private": True,
        },
        read=read,
        faults=faults,
        answer=GOOD,
        edits=True,
        threads=True,
        person={"slack_group": "S0PLATFRM"},
        pinged=("!subteam^S0PLATFRM",),
        refusals=(
            *(
                dead(code, says(200, {"ok": False, "error": code}))
                for code in (
                    "account_inactive",
                    "channel_not_found",
                    "invalid_auth",
                    "is_archived",
                    "missing_scope",
                    "not_authed",
                    "not_in_channel",
                    "token_expired",
                    "token_revoked",
                )
            ),
            *(
                permanent(code, says(200, {"ok": False, "error": code}))
                for code in ("invalid_blocks", "msg_blocks_too_long", "msg_too_long", "no_text")
            ),
            *(
                temporary(code, says(200, {"ok": False, "error": code}))
                for code in ("fatal_error", "internal_error", "service_unavailable", "request_timeout")
            ),
            temporary("ratelimited", says(429, {"ok": False, "error": "ratelimited"}, Retry_After="30"), 30),
        ),
    ),
)
