"""Routes: which of them an event fires, and why not the others."""

from relay.routing.account import Account, Checked, Step, account
from relay.routing.conditions import Match, asks_for
from relay.routing.match import MatchError, check_match, compile_match
from relay.routing.reading import Reading
from relay.routing.stored import as_record, completed, from_record
from relay.routing.survey import Pattern, dead_routes, patterns_of
from relay.routing.trace import Decision, Resolution, Result, TraceLine
from relay.routing.tree import Router, RouteSpec, named

__all__ = [
    "Account",
    "Checked",
    "Decision",
    "Match",
    "MatchError",
    "Pattern",
    "Reading",
    "Resolution",
    "Result",
    "RouteSpec",
    "Router",
    "Step",
    "TraceLine",
    "account",
    "as_record",
    "asks_for",
    "check_match",
    "compile_match",
    "completed",
    "dead_routes",
    "from_record",
    "named",
    "patterns_of",
]
