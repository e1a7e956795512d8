"""A webhook of one's own: https://www.standardwebhooks.com."""

from collections.abc import Iterator

from tests.fakes.sink import Request
from tests.notifiers.contract.contract import (
    SECRET,
    Contract,
    Reading,
    dead,
    permanent,
    says,
    temporary,
)


def read(_request: Request) -> Reading:
    """JSON; what is made of it is the receiver's."""
    return Reading()


def faults(request: Request) -> Iterator[str]:
    if request.headers["webhook-id"] != "01kaqz000000000000delivery":
        yield "webhook-id is not the delivery's"


CONTRACTS = (
    Contract(
        name="signed",
        options=lambda url: {
            "url": f"{url}/{SECRET}",
            "sign_with": SECRET,
            "headers": {"X-Key": SECRET},
            "allow_private": True,
        },
        read=read,
        faults=faults,
        has_links=False,
        takes_raw_text=True,
        refusals=(
            permanent("redirect", says(302, "", Location="https://example.com/")),
            permanent("not understood", says(400)),
            dead("gone", says(410)),
            dead("not found", says(404)),
            temporary("throttled", says(429, "", Retry_After="12"), 12),
            temporary("server failed", says(500)),
            temporary("unavailable", says(503, "", Retry_After="Mon, 23 Nov 2026 12:01:00 GMT"), 60),
        ),
    ),
)
