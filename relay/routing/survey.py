"""What can be said about routes without any event: every pattern in them, and which can never fire."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from relay import fields
from relay.fields import FieldType
from relay.routing.conditions import AllOf, AnyOf, Condition, FieldCondition, NoneOf, Reach
from relay.routing.items import Item, Word
from relay.routing.match import compile_match
from relay.routing.tree import RouteSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """One item of one route's match, those inside `any`, `all` and `not` included."""

    route: str
    field: str
    item: Item
    is_negative: bool

    @property
    def written(self) -> str:
        return f"!{self.item.text}" if self.is_negative else self.item.text


@dataclass(frozen=True, kw_only=True, slots=True)
class Dead:
    """A route that can never fire, and why."""

    route: str
    why: str


def patterns_of(specs: Iterable[RouteSpec]) -> Iterator[Pattern]:
    """All of them, in the order of the file."""
    for spec in specs:
        for condition in _field_conditions(compile_match(spec.match).conditions):
            for items, is_negative in ((condition.positive, False), (condition.negative, True)):
                for item in items:
                    yield Pattern(route=spec.name, field=condition.name, item=item, is_negative=is_negative)
        yield from patterns_of(spec.routes)


def _field_conditions(conditions: Iterable[Condition]) -> Iterator[FieldCondition]:
    for condition in conditions:
        if isinstance(condition, FieldCondition):
            yield condition
        elif isinstance(condition, (AnyOf, AllOf, NoneOf)):
            for match in condition.matches:
                yield from _field_conditions(match.conditions)


def dead_routes(specs: Sequence[RouteSpec], above: tuple[FieldCondition, ...] = ()) -> Iterator[Dead]:
    """Only what is certain, whatever events come. Nothing is said of what is below a dead route."""
    for at, spec in enumerate(specs):
        own = [c for c in compile_match(spec.match).conditions if isinstance(c, FieldCondition)]
        conditions = (*above, *own)
        why = _stopped(spec, specs[:at]) or _contradiction(conditions)
        if why:
            yield Dead(route=spec.name, why=why)
        else:
            yield from dead_routes(spec.routes, conditions)


def _stopped(spec: RouteSpec, before: Iterable[RouteSpec]) -> str | None:
    """A route that matches whenever this one would, and ends the list before it."""
    for other in before:
        if other.stop and other.when is None and _asks_no_more(other.match, spec.match):
            return f"{other.name} matches whenever it would, and ends the list before it"
    return None


def _asks_no_more(match: Mapping[str, object], than: Mapping[str, object]) -> bool:
    return all(key in than and than[key] == wanted for key, wanted in match.items())


def _contradiction(conditions: Sequence[FieldCondition]) -> str | None:
    plain = [condition for condition in conditions if condition.reach is Reach.ANY and condition.positive]
    if {"branch", "tag"} <= {condition.name for condition in plain}:
        return "it wants a branch and a tag, and no build has both"
    for condition in (each for each in plain if fields.ALL.get(each.name) is FieldType.TEXT):
        others = [other for other in conditions if other.name == condition.name and other is not condition]
        if others and not _may_hold(condition, others):
            wanted = " and ".join(each.wanted for each in conditions if each.name == condition.name)
            return f"{condition.name} cannot match {wanted}"
    return None


def _may_hold(condition: FieldCondition, others: Sequence[FieldCondition]) -> bool:
    """Whether some word of the condition is accepted by all. Patterns may stand for anything."""
    words = [item.text for item in condition.positive if isinstance(item, Word)]
    if len(words) < len(condition.positive) or any(other.reach is not Reach.ANY for other in others):
        return True
    return any(all(each.accepts(word) for each in (condition, *others)) for word in words)
