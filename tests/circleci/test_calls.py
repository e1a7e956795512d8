"""Which calls may be sent again, after what, and how much later."""

import pytest

from relay.circleci.calls import Call, pause_before_repeat
from relay.circleci.errors import CircleCIError, RateLimited, Refused, ServerError, Unclear, Unreachable

LOST = Unreachable("lost")
NEVER_SENT = Unreachable("refused", sent=False)
NO_TRUST = Unreachable("certificate", sent=False, lasting=True)
LIMITED = RateLimited("slow down", status=429)
BROKEN = ServerError("oops", status=500)


def call(*, once: bool) -> Call:
    return Call(method="POST", endpoint="/x", path="/x", once=once)


@pytest.mark.parametrize(
    ("error", "safe", "once"),
    [
        (LOST, True, False),
        (NEVER_SENT, True, True),
        (NO_TRUST, False, False),
        (LIMITED, True, True),
        (RateLimited("our own limiter"), False, False),
        (RateLimited("GitHub's limit", status=403), False, False),
        (BROKEN, True, False),
        (Refused("no", status=400), False, False),
        (Unclear("lost"), False, False),
    ],
    ids=str,
)
def test_what_allows_a_repeat(error: CircleCIError, safe: bool, once: bool) -> None:
    assert (pause_before_repeat(call(once=False), error, 1, 0.0) is not None) is safe
    assert (pause_before_repeat(call(once=True), error, 1, 0.0) is not None) is once


@pytest.mark.parametrize(
    ("tries", "chance", "pause"),
    [(1, 0.0, 0.25), (1, 1.0, 0.5), (2, 1.0, 1.0), (3, 1.0, 2.0), (4, 1.0, None)],
)
def test_pauses_double_with_chance_until_the_tries_end(
    tries: int, chance: float, pause: float | None
) -> None:
    assert pause_before_repeat(call(once=False), BROKEN, tries, chance) == pause


def test_what_circleci_asks_for_is_kept_to() -> None:
    error = RateLimited("slow down", status=429, retry_after=42.0)

    assert pause_before_repeat(call(once=True), error, 1, 0.5) == 42.0
