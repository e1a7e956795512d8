"""What routing answers: decisions to act on, and the line that says why for each route looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """What became of one route."""

    FIRE = "FIRE"
    NO = "no"
    CHILDREN = "children"  # matched, and some of its children speak for it
    STOPPED = "stopped"  # not tried, because an earlier route with `stop: true` matched
    ERROR = "error"  # its `when` could not be evaluated; it does not fire


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceLine:
    """One route. passed and wanted count its own conditions, `when` included."""

    route: str
    depth: int  # 0 at the top
    result: Result
    because: str
    passed: int
    wanted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A route that fires, with all it inherited."""

    route: str
    notify: tuple[str, ...] = ()
    act: tuple[str, ...] = ()
    mention: tuple[str, ...] = ()
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """Decisions in the order of the file; trace of the routes that were candidates."""

    decisions: tuple[Decision, ...]
    trace: tuple[TraceLine, ...]
    errors: tuple[TraceLine, ...]
