"""Whether a retry is worth its cost and its delay (odds.md 5)."""

from dataclasses import dataclass
from math import ceil, log

PRICE = 0.0006  # dollars a credit; a human minute counts as one dollar
SPARED = 15.0  # human minutes saved when nobody needs to look
URGENCY = 0.05  # λ: human minutes lost for each minute that a genuine failure is told late
RELEASE_URGENCY = 0.3  # λ on a release branch
DELAY = 1.0  # minutes before a retry begins
FLOOR = 0.25
PULL_REQUEST_FLOOR = 0.35  # where flakes may be introduced
MISSED = 0.05  # the share of transient failures that all retries together may leave red
MOST_RETRIES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Of one retry. Minutes are the job's, credits per minute its resource class's; none is below 0."""

    minutes: float
    credits_per_minute: float = 10.0  # medium
    price: float = PRICE
    spared: float = SPARED
    urgency: float = URGENCY  # 0 when the message is not held
    delay: float = DELAY

    @property
    def machine(self) -> float:
        """C, in human minutes: job minutes × credits a minute × price (odds.md 5)."""
        return self.minutes * self.credits_per_minute * self.price

    @property
    def lateness(self) -> float:
        """L, in human minutes: how long the message is held × λ (odds.md 5)."""
        return (self.minutes + self.delay) * self.urgency


def break_even(costs: Costs) -> float:
    """ρ* = (C + L) / (S + L): a retry pays when P(it passes) is above; not below 0 (odds.md 5)."""
    return (costs.machine + costs.lateness) / (costs.spared + costs.lateness)


def floor(*, pull_request: bool) -> float:
    """What P(retry passes) must reach whatever the cost: trust costs more than credits (odds.md 5)."""
    return PULL_REQUEST_FLOOR if pull_request else FLOOR


def expected_value(passes: float, costs: Costs) -> float:
    """EV = P·S − (1 − P)·L − C, in human minutes, `passes` 0 to 1 (odds.md 5)."""
    return passes * costs.spared - (1 - passes) * costs.lateness - costs.machine


def retries_needed(success: float) -> int:
    """n = ⌈log 0.05 / log(1 − ρ)⌉, so that 95 % of transient failures pass; ρ within 0 and 1 (odds.md 5)."""
    return ceil(round(log(MISSED) / log(1 - success), 9))


def retries_worth(success: float) -> int:
    """As many as needed, at most 2 (odds.md 5)."""
    return min(MOST_RETRIES, retries_needed(success))
