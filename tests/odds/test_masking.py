"""Whether a retry that went green hid something."""

from collections.abc import Sequence

import pytest

from relay.failures.record import FailureClass
from relay.odds.branches import Run
from relay.odds.masking import Masking, masking, passes_unmasked
from relay.odds.outcomes import Logical
from relay.odds.passing import Retried, count_retry
from relay.odds.tally import NOTHING_SEEN
from tests.factories import NOON
from tests.odds.making import DAY, HOUR, JOB, OTHER, run

C, F, H = Logical.CLEAN, Logical.FLAKE, Logical.HARD
RECOVERED = run(0, F)


@pytest.mark.parametrize(
    ("later", "found"),
    [
        ([run(1, H)], Masking.MASKED),
        ([run(30, C), run(40, C), run(50, H)], Masking.MASKED),
        ([run(1, C), run(2, C), run(3, C), run(24, H)], Masking.MASKED),
        ([run(1, C), run(2, C), run(3, C), run(25, H)], Masking.NOT_MASKED),
        ([run(1, H, fingerprint=OTHER), run(2, C), run(3, C)], Masking.NOT_MASKED),
        ([run(1, F), run(2, C), run(3, C)], Masking.NOT_MASKED),
        ([run(1, C), run(2, C)], Masking.TOO_EARLY),
        ([run(-1, H), run(0, H)], Masking.TOO_EARLY),
    ],
    ids=[
        "next commit",
        "third commit, days later",
        "fourth commit, within a day",
        "neither",
        "another failure",
        "passed on retry again",
        "two commits",
        "before",
    ],
)
def test_a_recovery_is_masked_when_the_failure_comes_back(later: Sequence[Run], found: Masking) -> None:
    assert masking(RECOVERED, later, NOON + 3 * DAY) is found


def test_before_the_day_is_over_nothing_is_settled() -> None:
    later = [run(1, C), run(2, C), run(3, C)]

    assert masking(RECOVERED, later, NOON + 23 * HOUR) is Masking.TOO_EARLY


def test_the_order_of_later_runs_does_not_matter() -> None:
    later = [run(50, H), run(40, C), run(30, C), run(29, C)]

    assert masking(RECOVERED, later, NOON + 3 * DAY) is Masking.NOT_MASKED


def test_a_masked_pass_counts_as_a_failure() -> None:
    retried = Retried(signal=JOB, failure_class=FailureClass.NET, passed=True, weight=0.5, at=NOON)

    tally = passes_unmasked(count_retry(NOTHING_SEEN, retried), retried)

    assert (tally.hits, tally.misses, tally.hits_seen, tally.misses_seen) == (0, 0.5, 0, 1)
