"""The odds that a branch is broken, by how many commits failed alike (odds.md 6)."""

from dataclasses import dataclass
from itertools import count
from math import log

from relay.odds.chances import GENUINE_FAILS
from relay.odds.logits import chance, logit

TOO_FLAKY = 0.25
_MOST_COMMITS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """What is believed of one signal: φ, γ and ρ, each above 0 and below 1 (odds.md 2)."""

    flakes: float
    breaks: float
    passes: float

    def __post_init__(self) -> None:
        if not all(0 < each < 1 for each in (self.flakes, self.breaks, self.passes)):
            raise ValueError(f"{self}: every rate must be above 0 and below 1")


def p_broken(commits: int, failed_retries: int, rates: Rates) -> float:
    """P(broken) after so many distinct commits and retries failed alike, 0 to 1 (odds.md 6).

    Odds γ/(1−γ), × 0.98/φ for each commit, × 0.98/(1−ρ) for each retry; no failure ever lowers them.
    """
    by_commit = max(0.0, log(GENUINE_FAILS / rates.flakes))
    by_retry = max(0.0, log(GENUINE_FAILS / (1 - rates.passes)))
    return chance(logit(rates.breaks) + commits * by_commit + failed_retries * by_retry)


def commits_to_tell(rates: Rates, failed_retries: int = 0, sure: float = 0.99) -> int:
    """How many commits must fail alike until P(broken) is `sure`; at most 1000 (odds.md 6)."""
    enough = (each for each in count(1) if p_broken(each, failed_retries, rates) >= sure)
    return next(enough) if p_broken(_MOST_COMMITS, failed_retries, rates) >= sure else _MOST_COMMITS


def is_too_flaky_to_tell(flake_rate: float) -> bool:
    """Whether a job above 25 % cannot report breakages in useful time: say so in the digest (odds.md 6)."""
    return flake_rate > TOO_FLAKY
