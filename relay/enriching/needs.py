"""Which fields that have to be fetched an event needs: found by reading the rules and templates that apply.

Whether a rule applies may itself hang on what is fetched. So the routes are walked twice, once as if every
such condition held and once as if none did; what either walk reaches may be reached in the end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import meta, nodes

from relay.errors import TemplateError
from relay.model import Event
from relay.routing import Decision, Result, Router, RouteSpec
from relay.sandbox import AsIs, environment
from relay.sandbox.environment import RENDER_ERRORS

FIRST_ERROR = "first_error"  # of failed_jobs; the one part of them that takes reading logs
FAILED_ONLY = frozenset(  # of what did not get through
    {"failed_jobs", FIRST_ERROR, "failed_tests", "log", "failure"}
)
OF_LOGS = frozenset(
    {FIRST_ERROR, "error_lines", "tojson"}
)  # names for which logs are read; tojson writes all
FETCHABLE = FAILED_ONLY | {"artifacts"}
NOTHING: frozenset[str] = frozenset()

OfTarget = Callable[[str, Mapping[str, Any]], frozenset[str]]


def fetched_of(names: Iterable[str]) -> frozenset[str]:
    """What has to be fetched for a text in which these names, texts in quotes and filters occur."""
    found = frozenset(names)
    wanted = FETCHABLE & found
    return wanted | {FIRST_ERROR} if wanted and found & OF_LOGS else wanted


def names_used(text: str) -> frozenset[str]:
    """The fetched fields that a template names; a broken one names none."""
    try:
        tree = environment(AsIs()).parse(text)
        names = FETCHABLE & meta.find_undeclared_variables(tree)
        return fetched_of(names | _inside(tree)) & (names | {FIRST_ERROR}) if names else NOTHING
    except (*RENDER_ERRORS, TemplateError):
        return NOTHING


def _inside(tree: nodes.Template) -> frozenset[str]:
    """What is named after a dot or in quotes, and the filters."""
    after_dots = (node.attr for node in tree.find_all(nodes.Getattr))
    in_quotes = (node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str))
    filters = (node.name for node in tree.find_all(nodes.Filter))
    return frozenset((*after_dots, *in_quotes, *filters))


def names_in_condition(text: str) -> frozenset[str]:
    return names_used(f"{{{{ {text} }}}}") if text else NOTHING


def names_in_match(match: object) -> frozenset[str]:
    """The fetched fields that a match block names, those inside `any`, `all` and `not` included."""
    if isinstance(match, Mapping):
        parts = [str(key).split(".") for key in match]
        keys = fetched_of(part for each in parts if each[0] in FETCHABLE for part in each)
        return keys.union(*map(names_in_match, match.values()))
    return NOTHING.union(*map(names_in_match, match)) if isinstance(match, (list, tuple)) else NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What events may need, for one configuration. `anything`: all that any of them could."""

    anything: frozenset[str]
    _if_all: Router
    _if_none: Router
    _conditions: Mapping[str, frozenset[str]]  # by route, those of its parents included
    _of_target: OfTarget
    _unmatched: Decision

    @classmethod
    def of_routes(cls, routes: Iterable[RouteSpec], unmatched: Decision, of_target: OfTarget) -> "Needs":
        """of_target: what a target's message or action needs, given the settings of the route to it."""
        routes = tuple(routes)
        conditions = dict(_conditions(routes, NOTHING))
        reached = [_of_decision(decision, of_target) for decision in (*_decisions(routes, TOP), unmatched)]
        return cls(
            anything=NOTHING.union(*conditions.values(), *reached),
            _if_all=Router(map(_relaxed, routes)),
            _if_none=Router(_without_conditions(routes)),
            _conditions=conditions,
            _of_target=of_target,
            _unmatched=unmatched,
        )

    def of(self, event: Event) -> frozenset[str]:
        """What is needed for this event, which has been judged."""
        if not self.anything:
            return NOTHING
        all_hold, none_holds = self._if_all.resolve(event), self._if_none.resolve(event)
        reached = {line.route for line in all_hold.trace if line.result in (Result.FIRE, Result.CHILDREN)}
        wanted = NOTHING.union(*(self._conditions[route] for route in reached))
        for resolution in (all_hold, none_holds):
            for decision in resolution.decisions or (self._unmatched,):
                wanted |= _of_decision(decision, self._of_target)
        return wanted


TOP = Decision(route="", settings={})


def _conditions(
    routes: Iterable[RouteSpec], inherited: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    for route in routes:
        own = inherited | _own_names(route)
        yield route.name, own
        yield from _conditions(route.routes, own)


def _own_names(route: RouteSpec) -> frozenset[str]:
    return names_in_match(route.match) | names_in_condition(route.when_text)


def _relaxed(route: RouteSpec) -> RouteSpec:
    """Without the conditions that need something."""
    match = {key: value for key, value in route.match.items() if not names_in_match({key: value})}
    needs = bool(names_in_condition(route.when_text))
    return replace(
        route,
        match=match,
        when=None if needs else route.when,
        when_text="" if needs else route.when_text,
        routes=tuple(map(_relaxed, route.routes)),
    )


def _without_conditions(routes: Iterable[RouteSpec]) -> tuple[RouteSpec, ...]:
    """Without the routes that have such conditions."""
    kept = (route for route in routes if not _own_names(route))
    return tuple(replace(route, routes=_without_conditions(route.routes)) for route in kept)


def _decisions(routes: Iterable[RouteSpec], above: Decision) -> Iterator[Decision]:
    """Every decision the routes could come to, and a little more: inherited names are never taken away."""
    for route in routes:
        decision = Decision(
            route=route.name,
            notify=(*above.notify, *_bare(route.notify)),
            act=(*above.act, *_bare(route.act)),
            settings={**above.settings, **route.settings},
        )
        yield decision
        yield from _decisions(route.routes, decision)


def _bare(names: Iterable[str] | None) -> Iterator[str]:
    return (name.removeprefix("+") for name in names or ())


def _of_decision(decision: Decision, of_target: OfTarget) -> frozenset[str]:
    targets = (*decision.notify, *decision.act)
    return NOTHING.union(*(of_target(target, decision.settings) for target in targets))
