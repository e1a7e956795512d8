"""The tree of routes: which fire for an event, and why the others do not.

Routes of one level are tried in order, and each one that matches counts; `stop: true` ends its level. A
child adds its match to its parent's and takes over its settings. When children match, they fire instead of
their parent.

Events of the relay's own reach only routes that ask for them: whose `match`, or a parent's, says which
`event` it wants. A route for everything that CircleCI sends is not to page somebody for the relay's troubles.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relay.model import Event, EventKind
from relay.routing.conditions import Match, asks_for, tell_failed, tell_passed
from relay.routing.index import Index
from relay.routing.match import compile_match
from relay.routing.reading import Reading
from relay.routing.trace import Decision, Resolution, Result, TraceLine
from relay.routing.wording import ERROR_LIMIT, visible


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteSpec:
    """A route as written. notify, act and mention: None inherits, () silences, "+x" adds to the parent's."""

    name: str
    match: Mapping[str, Any] = field(default_factory=dict)
    when: Callable[[Event], bool] | None = None
    when_text: str = ""
    notify: tuple[str, ...] | None = None
    act: tuple[str, ...] | None = None
    mention: tuple[str, ...] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # group, template, …
    stop: bool = False
    routes: tuple["RouteSpec", ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A route with everything it inherited."""

    spec: RouteSpec
    match: Match
    decision: Decision
    children: "Level"
    asks_for_event: bool  # itself or a parent


class Level:
    """Routes that stand beside each other."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)
        self._index = Index([node.match for node in nodes])

    def candidates(self, reading: Reading) -> Iterator[Node]:
        return (self.nodes[at] for at in self._index.candidates(reading))


def named(specs: Iterable[RouteSpec]) -> Iterator[str]:
    """The names of all routes, parents before children."""
    for spec in specs:
        yield spec.name
        yield from named(spec.routes)


class Router:
    """Compiled routes. Raises MatchError for a match that cannot be read."""

    def __init__(self, specs: Iterable[RouteSpec]) -> None:
        self.top = _compile(specs, _NOTHING, is_asked=False)

    def resolve(self, event: Event) -> Resolution:
        """What fires. Looks only at routes that may match, so it hardly slows down with their number."""
        return self._walk(event, Level.candidates)

    def way_to(self, name: str) -> tuple[Node, ...]:
        """The routes from the top down to the one of this name, itself last; none when it is not there."""
        return _way_to(name, self.top)

    def decisions(self) -> Iterator[Decision]:
        """What each route asks for, with what it inherits, parents before children."""
        yield from _decisions(self.top)

    def explain(self, event: Event) -> tuple[TraceLine, ...]:
        """One line for every route, in the order of the file."""
        return self._walk(event, _all_nodes, is_full=True).trace

    def _walk(self, event: Event, choose: "Choice", *, is_full: bool = False) -> Resolution:
        walk = _Walk(reading=Reading(event), choose=choose, is_full=is_full)
        walk.try_level(self.top, 0)
        errors = tuple(line for line in walk.lines if line.result is Result.ERROR)
        return Resolution(decisions=tuple(walk.decisions), trace=tuple(walk.lines), errors=errors)


def _decisions(level: Level) -> Iterator[Decision]:
    for node in level.nodes:
        yield node.decision
        yield from _decisions(node.children)


def _way_to(name: str, level: Level) -> tuple[Node, ...]:
    for node in level.nodes:
        below = () if node.spec.name == name else _way_to(name, node.children)
        if below or node.spec.name == name:
            return (node, *below)
    return ()


_NOTHING = Decision(route="", settings={})
NOT_ASKED = "match does not name `event`, and the relay's own events go only where it does"

Choice = Callable[[Level, Reading], Iterable[Node]]


def _all_nodes(level: Level, reading: Reading) -> Iterable[Node]:
    return level.nodes


def _compile(specs: Iterable[RouteSpec], parent: Decision, *, is_asked: bool) -> Level:
    return Level([_compile_route(spec, parent, is_asked=is_asked) for spec in specs])


def _compile_route(spec: RouteSpec, parent: Decision, *, is_asked: bool) -> Node:
    match = compile_match(spec.match)
    is_asked = is_asked or asks_for(match, "event")
    decision = Decision(
        route=spec.name,
        notify=_inherit(parent.notify, spec.notify),
        act=_inherit(parent.act, spec.act),
        mention=_inherit(parent.mention, spec.mention),
        settings={**parent.settings, **spec.settings},
    )
    return Node(spec, match, decision, _compile(spec.routes, decision, is_asked=is_asked), is_asked)


def _inherit(parent: tuple[str, ...], own: tuple[str, ...] | None) -> tuple[str, ...]:
    if own is None:
        return parent
    adds = bool(own) and all(name.startswith("+") for name in own)
    names = (*(parent if adds else ()), *(name.removeprefix("+") for name in own))
    return tuple(dict.fromkeys(names))


@dataclass(kw_only=True)
class _Walk:
    """One event on its way through the tree, collecting what it meets."""

    reading: Reading
    choose: Choice
    is_full: bool  # whether routes that cannot fire any more still get their line
    lines: list[TraceLine] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def try_level(self, level: Level, depth: int) -> bool:
        """Whether any route of the level matched."""
        stopper, matched = "", False
        for node in self.choose(level, self.reading):
            if stopper:
                self._pass_over(node, depth, Result.STOPPED, f"stopped by {stopper}")
            elif self._try_node(node, depth):
                matched = True
                stopper = node.spec.name if node.spec.stop else ""
            if stopper and not self.is_full:
                break
        return matched

    def _try_node(self, node: Node, depth: int) -> bool:
        line = self._judge(node, depth)
        at = len(self.lines)
        if line.result is not Result.FIRE:
            self.lines.append(line)
            self._pass_over_children(node, depth, Result.NO, f"{node.spec.name} did not match")
            return False
        if self.try_level(node.children, depth + 1):
            line = _line(node, depth, Result.CHILDREN, line.because, line.passed)
        elif self.reading.event.kind is EventKind.RELAY and not node.asks_for_event:
            self.lines.insert(at, _line(node, depth, Result.NO, NOT_ASKED, line.passed))
            return False
        else:
            self.decisions.append(node.decision)
        self.lines.insert(at, line)
        return True

    def _judge(self, node: Node, depth: int) -> TraceLine:
        """The route's line as if it had no children."""
        conditions, failing = node.match.conditions, node.match.failing(self.reading)
        passed = len(conditions) - len(failing)
        if failing:
            return _line(node, depth, Result.NO, tell_failed(failing, self.reading), passed)
        because = tell_passed(conditions, self.reading)
        if node.spec.when is None:
            return _line(node, depth, Result.FIRE, because, passed)
        return self._judge_when(node, node.spec.when, depth, because, passed)

    def _judge_when(
        self, node: Node, when: Callable[[Event], bool], depth: int, because: str, passed: int
    ) -> TraceLine:
        text = f'when "{node.spec.when_text}"'
        try:
            is_true = when(self.reading.event)
        except Exception as error:  # noqa: BLE001 - one faulty condition must not stop the other routes
            return _line(node, depth, Result.ERROR, f"{text}: {visible(str(error), ERROR_LIMIT)}", passed)
        if not is_true:
            return _line(node, depth, Result.NO, f"{text} is false", passed)
        reasons = f"{because} · {text}" if node.match.conditions else text
        return _line(node, depth, Result.FIRE, reasons, passed + 1)

    def _pass_over(self, node: Node, depth: int, result: Result, because: str) -> None:
        self.lines.append(_line(node, depth, result, because, 0))
        self._pass_over_children(node, depth, result, because)

    def _pass_over_children(self, node: Node, depth: int, result: Result, because: str) -> None:
        for child in node.children.nodes if self.is_full else ():
            self._pass_over(child, depth + 1, result, because)


def _line(node: Node, depth: int, result: Result, because: str, passed: int) -> TraceLine:
    wanted = len(node.match.conditions) + (node.spec.when is not None)
    return TraceLine(
        route=node.spec.name, depth=depth, result=result, because=because, passed=passed, wanted=wanted
    )
