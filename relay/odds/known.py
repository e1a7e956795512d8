"""Known flaky: a state that a job or test enters by evidence and leaves after a quiet while."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.odds.outcomes import Logical, LogicalOutcome
from relay.odds.wilson import interval

FLAKES = 2  # distinct commits
LOWER_BOUND = 0.01
CLEAN_TO_LEAVE = 100
QUIET_TO_LEAVE = timedelta(days=14)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flakiness:
    """One signal's counts since it last left the state, or was first seen; small enough for a row."""

    flakes: int = 0  # commits that flaked
    clean: int = 0  # commits that passed at once
    clean_since: int = 0  # of those, the ones after the last flake
    last_flake: datetime | None = None
    known: bool = False  # as of the last outcome; ask is_known for now

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's interval of the share of commits that flaked, each end 0 to 1."""
        return interval(self.flakes, self.flakes + self.clean)


NEVER_SEEN = Flakiness()


def observe(before: Flakiness, outcome: LogicalOutcome) -> Flakiness:
    """After one commit more, given in order of time, one outcome for a commit (odds.md 2).

    Hard outcomes and flakes of no weight change nothing. Once it has left, counting starts anew.
    """
    if outcome.kind is Logical.HARD or outcome.weight <= 0:
        return before
    fresh = NEVER_SEEN if _is_over(before, outcome.at) else before
    return _flaked(fresh, outcome.at) if outcome.kind is Logical.FLAKE else _was_clean(fresh)


def is_known(flakiness: Flakiness, now: datetime) -> bool:
    """Whether it is known flaky: at least 2 commits flaked and Wilson's lower bound reached 1 %, and not yet
    both 100 clean outcomes and 14 quiet days since the last flake (odds.md 2)."""
    return flakiness.known and not _is_over(flakiness, now)


def _flaked(before: Flakiness, at: datetime) -> Flakiness:
    after = Flakiness(flakes=before.flakes + 1, clean=before.clean, last_flake=at)
    known = before.known or (after.flakes >= FLAKES and after.bounds[0] >= LOWER_BOUND)
    return Flakiness(flakes=after.flakes, clean=after.clean, last_flake=at, known=known)


def _was_clean(before: Flakiness) -> Flakiness:
    return Flakiness(
        flakes=before.flakes,
        clean=before.clean + 1,
        clean_since=before.clean_since + 1,
        last_flake=before.last_flake,
        known=before.known,
    )


def _is_over(flakiness: Flakiness, now: datetime) -> bool:
    if flakiness.last_flake is None:
        return False
    return flakiness.clean_since >= CLEAN_TO_LEAVE and now - flakiness.last_flake >= QUIET_TO_LEAVE
