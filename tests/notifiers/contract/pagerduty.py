"""PagerDuty: https://developer.pagerduty.com/docs/events-api-v2/trigger-events."""

from collections.abc import Iterator

from tests.fakes.sink import Request
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


def read(request: Request) -> Reading:
    """Plain text; the links stand apart."""
    body = request.json()
    links = tuple((each.get("text", ""), each["href"]) for each in body.get("links", ()))
    summary = body.get("payload", {}).get("summary", "")
    return Reading(links=links, broken=(summary,) if "\n" in summary else ())


def faults(request: Request) -> Iterator[str]:
    body = request.json()
    yield from over("the event", request.body, 512 * 1024, in_bytes)
    yield from over("dedup_key", body["dedup_key"], 255)
    yield from over("summary", body.get("payload", {}).get("summary"), 1024)
    if body["event_action"] == "trigger" and not body["payload"]["summary"]:
        yield "the summary is empty"


def invalid(*errors: str) -> object:
    return {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}


CONTRACTS = (
    Contract(
        name="integration",
        options=lambda url: {"routing_key": SECRET, "api_url": url, "allow_private": True},
        read=read,
        faults=faults,
        answer=says(202, {"status": "success", "message": "Event processed", "dedup_key": "k"}),
        secret_at="routing_key",
        is_choosy=True,
        refusals=(
            permanent("invalid event", says(400, invalid("'payload.summary' is missing or blank"))),
            dead("invalid key", says(400, invalid("Length of 'routing_key' is incorrect (should be 32)"))),
            temporary("too many", says(429, {"status": "throttle exceeded"}, Retry_After="60"), 60),
            temporary("server failed", says(500)),
        ),
    ),
)
