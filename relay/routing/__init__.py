"""Routes: which of them an event fires, and why not the others."""

from relay.routing.match import MatchError, check_match, compile_match
from relay.routing.reading import Reading
from relay.routing.trace import Decision, Resolution, Result, TraceLine
from relay.routing.tree import Router, RouteSpec

__all__ = [
    "Decision",
    "MatchError",
    "Reading",
    "Resolution",
    "Result",
    "RouteSpec",
    "Router",
    "TraceLine",
    "check_match",
    "compile_match",
]
