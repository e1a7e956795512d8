"""Two decaying sums, as one row can hold them: how often something was so, and how often not."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from relay.odds.weights import decay

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Weighted sums as they stood at `as_of`, and plain counts that never decay (odds.md 2).

    Observations can be added and tallies merged in any order, with the same result up to the last digits.
    What a hit is, the owner says: a flake, a break, a retry that passed.
    """

    hits: float = 0.0
    misses: float = 0.0
    as_of: datetime = _LONG_AGO
    hits_seen: int = 0
    misses_seen: int = 0

    @property
    def seen(self) -> int:
        return self.hits_seen + self.misses_seen

    def at(self, now: datetime) -> "Tally":
        """The sums decayed to `now`; never grown, when `now` is the earlier one."""
        kept = decay(now - self.as_of)
        return replace(self, hits=self.hits * kept, misses=self.misses * kept, as_of=max(now, self.as_of))

    def add(self, hit: bool, weight: float, at: datetime) -> "Tally":
        """With one observation of `weight` (0 to 1) made `at` that time; one of no weight changes nothing."""
        return self.merge(_one(hit, weight, at)) if weight > 0 else self

    def take_back(self, hit: bool, weight: float, at: datetime) -> "Tally":
        """Without an observation that was added before with the same weight and time."""
        return self.without(_one(hit, weight, at)) if weight > 0 else self

    def merge(self, other: "Tally") -> "Tally":
        """The sum of both."""
        return _combined(self, other, 1)

    def without(self, other: "Tally") -> "Tally":
        """What is left when `other`, a part of this, is taken out; never below nothing."""
        return _combined(self, other, -1)


NOTHING_SEEN = Tally()


def _one(hit: bool, weight: float, at: datetime) -> Tally:
    if hit:
        return Tally(hits=weight, hits_seen=1, as_of=at)
    return Tally(misses=weight, misses_seen=1, as_of=at)


def _combined(one: Tally, other: Tally, sign: int) -> Tally:
    latest = max(one.as_of, other.as_of)
    left, right = one.at(latest), other.at(latest)
    return Tally(
        hits=max(0.0, left.hits + sign * right.hits),
        misses=max(0.0, left.misses + sign * right.misses),
        as_of=latest,
        hits_seen=max(0, left.hits_seen + sign * right.hits_seen),
        misses_seen=max(0, left.misses_seen + sign * right.misses_seen),
    )
