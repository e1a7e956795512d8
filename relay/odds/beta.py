"""What is believed of a rate: Beta(a, b), mean a / (a + b) (odds.md 2)."""

from dataclasses import dataclass
from datetime import datetime

from relay.odds.tally import Tally


@dataclass(frozen=True, kw_only=True, slots=True)
class Beta:
    """`a` counts hits and `b` misses, those of the prior among them; both are above 0."""

    a: float
    b: float

    def __post_init__(self) -> None:
        if not (self.a > 0 and self.b > 0):
            raise ValueError(f"Beta({self.a}, {self.b}): both counts must be above 0")

    @property
    def mean(self) -> float:
        """The rate, above 0 and below 1."""
        return self.a / (self.a + self.b)

    def after(self, hits: float = 0.0, misses: float = 0.0) -> "Beta":
        """Once so many more were seen; parts of one are allowed."""
        return Beta(a=self.a + hits, b=self.b + misses)


def posterior(prior: Beta, tally: Tally, now: datetime) -> Beta:
    """Beta(a + hits, b + misses), the sums decayed to `now` (odds.md 2)."""
    now_known = tally.at(now)
    return prior.after(now_known.hits, now_known.misses)
