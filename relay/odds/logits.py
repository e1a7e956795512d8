"""Odds, logits and chances, and how they are said in words."""

from math import exp, log


def logit(chance: float) -> float:
    """log(p / (1 − p)); `chance` is above 0 and below 1."""
    return log(chance / (1 - chance))


def chance(log_odds: float) -> float:
    """The inverse of logit: 0 to 1, never overflowing."""
    if log_odds >= 0:
        return 1 / (1 + exp(-log_odds))
    return exp(log_odds) / (1 + exp(log_odds))


def within(low: float, value: float, high: float) -> float:
    """`value`, or the bound that it passes."""
    return max(low, min(high, value))


def percent(share: float) -> str:
    """0.0307 → "3.1 %", 0.69 → "69 %"; what is all but certain is not called so."""
    if share < 0.0001:
        return "under 0.01 %"
    if share > 0.99:
        return "over 99 %"
    return f"{share * 100:.0f} %" if share >= 0.1 else f"{share * 100:.2g} %"


def counted(number: int, noun: str) -> str:
    """1, "job" → "1 job"; 3, "job" → "3 jobs"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
