"""The retry policy: whether a failed run is tried again, by the rules, the odds and the budgets. Pure."""

from relay.policy.ledger import About, Ended, Mode, Ruled, RuledBefore, about, root_of, sign_of
from relay.policy.limits import Breakers, Budgets, Rate, Used, exhausted, open_breaker
from relay.policy.memory import Memory, PastFailure, PastRetry, PastRun, Sighting
from relay.policy.rules import NEVER, RULES, Rule, as_match, in_words
from relay.policy.ruling import Case, Odds, Policy, Ruling, rule_on
from relay.policy.standing import NO_STANDING, Spent, Standing, standing
from relay.policy.vocabulary import written_path

__all__ = [
    "NEVER",
    "NO_STANDING",
    "RULES",
    "About",
    "Breakers",
    "Budgets",
    "Case",
    "Ended",
    "Memory",
    "Mode",
    "Odds",
    "PastFailure",
    "PastRetry",
    "PastRun",
    "Policy",
    "Rate",
    "Rule",
    "Ruled",
    "RuledBefore",
    "Ruling",
    "Sighting",
    "Spent",
    "Standing",
    "Used",
    "about",
    "as_match",
    "exhausted",
    "in_words",
    "open_breaker",
    "root_of",
    "rule_on",
    "sign_of",
    "standing",
    "written_path",
]
