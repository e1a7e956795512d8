"""Routes: which of them an event fires, and why not the others."""

from relay.routing.conditions import Match
from relay.routing.match import MatchError, check_match, compile_match
from relay.routing.reading import Reading
from relay.routing.stored import as_record, completed, from_record
from relay.routing.trace import Decision, Resolution, Result, TraceLine
from relay.routing.tree import Router, RouteSpec

__all__ = [
    "Decision",
    "Match",
    "MatchError",
    "Reading",
    "Resolution",
    "Result",
    "RouteSpec",
    "Router",
    "TraceLine",
    "as_record",
    "check_match",
    "compile_match",
    "completed",
    "from_record",
]
