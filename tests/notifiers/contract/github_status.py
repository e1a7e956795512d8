"""GitHub's commit statuses: https://docs.github.com/en/rest/commits/statuses."""

from collections.abc import Iterator

from tests.fakes.sink import Request
from tests.notifiers.contract.contract import (
    SECRET,
    Contract,
    Reading,
    Refusal,
    dead,
    over,
    permanent,
    says,
    temporary,
)


def read(request: Request) -> Reading:
    """Plain text and one link."""
    body = request.json()
    lines = tuple(body[name] for name in ("description", "context") if "\n" in body[name])
    return Reading(links=(("Details", body["target_url"]),) if body.get("target_url") else (), broken=lines)


def faults(request: Request) -> Iterator[str]:
    body = request.json()
    yield from over("description", body["description"], 140)
    yield from over("context", body["context"], 255)
    if any(ord(each) > 0xFFFF for each in body["description"] + body["context"]):
        yield "a character of four bytes, which GitHub refuses"


# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
REFUSALS: tuple[Refusal, ...] = (
    dead("bad credentials", says(401, {"message": "Bad credentials"})),
    permanent("no such repository", says(404, {"message": "Not Found"})),
    permanent("no permission", says(403, {"message": "Resource not accessible by personal access token"})),
    permanent("moved", says(301, {"message": "Moved Permanently"}, Location="https://api.github.com/x")),
    permanent("validation failed", says(422, {"message": "Validation Failed", "errors": ["no"]})),
    temporary("secondary limit", says(403, {"message": "secondary rate limit"}, Retry_After="60"), 60),
    temporary(
        "primary limit",
        says(403, {"message": "limit"}, X_RateLimit_Remaining="0", X_RateLimit_Reset="1795435230"),
        30,
    ),
    temporary("too many", says(429, {"message": "too many"}, Retry_After="7"), 7),
    temporary("unavailable", says(503, {"message": "no server is available"})),
)

CONTRACTS = (
    Contract(
        name="token",
        options=lambda url: {"token": SECRET, "api_url": url, "allow_private": True},
        read=read,
        faults=faults,
        answer=says(201, {"id": 1}),
        edits=True,
        is_choosy=True,
        refusals=REFUSALS,
    ),
)
