"""Whether a retry that went green hid a real breakage: our false negatives (odds.md 7)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from relay.odds.branches import Run
from relay.odds.outcomes import Logical
from relay.odds.passing import Retried
from relay.odds.tally import Tally

NEXT_COMMITS = 3
WITHIN = timedelta(hours=24)


class Masking(StrEnum):
    """What became of a recovery."""

    MASKED = "masked"  # the same failure came back for good
    NOT_MASKED = "not_masked"
    TOO_EARLY = "too_early"  # ask again when more commits or the day have gone by


def masking(recovered: Run, later: Iterable[Run], now: datetime) -> Masking:
    """Whether the fingerprint of `recovered` failed hard within the next 3 commits or 24 h (odds.md 7).

    `later` are runs of the same signal and branch in any order; those not pushed after it are passed over.
    """
    after = [each for each in later if each.pushed > recovered.pushed and each.commit != recovered.commit]
    after.sort(key=lambda each: each.pushed)
    end = recovered.pushed + WITHIN
    watched = [each for number, each in enumerate(after) if number < NEXT_COMMITS or each.pushed <= end]
    if any(_came_back(each, recovered) for each in watched):
        return Masking.MASKED
    return Masking.NOT_MASKED if len(after) >= NEXT_COMMITS and now > end else Masking.TOO_EARLY


def passes_unmasked(passes: Tally, retried: Retried) -> Tally:
    """ρ's tally once the pass of a masked retry counts as a failure (odds.md 7).

    For γ and φ count the commit's outcome again as hard, with the old one as `before`.
    """
    taken = passes.take_back(retried.passed, retried.weight, retried.at)
    return taken.add(False, retried.weight, retried.at)


def _came_back(run: Run, recovered: Run) -> bool:
    return (
        run.kind is Logical.HARD and run.fingerprint is not None and run.fingerprint == recovered.fingerprint
    )
