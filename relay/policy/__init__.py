"""The retry policy: whether a failed run is tried again, by the rules, the odds and the budgets. Pure."""

from relay.policy.limits import Breakers, Budgets, Rate, Spent, exhausted, open_breaker
from relay.policy.rules import NEVER, RULES, Rule, as_match, in_words
from relay.policy.ruling import Case, Odds, Policy, Ruling, rule_on
from relay.policy.vocabulary import written_path

__all__ = [
    "NEVER",
    "RULES",
    "Breakers",
    "Budgets",
    "Case",
    "Odds",
    "Policy",
    "Rate",
    "Rule",
    "Ruling",
    "Spent",
    "as_match",
    "exhausted",
    "in_words",
    "open_breaker",
    "rule_on",
    "written_path",
]
