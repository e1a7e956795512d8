"""One route and those above it, condition by condition: what `explain --why-not` tells."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from relay.model import Event
from relay.routing.conditions import Condition
from relay.routing.reading import Reading
from relay.routing.remedies import remedies
from relay.routing.trace import Result
from relay.routing.tree import Level, Node, Router
from relay.routing.wording import ERROR_LIMIT, visible


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """One condition. because: the real value next to the wanted one; needed: what would have to change."""

    because: str
    holds: bool
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A route on the way from the top to the one that is asked about, with its own conditions."""

    route: str
    conditions: tuple[Checked, ...]
    when_text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """result: what became of the route. needed: everything that would have to change for it to fire."""

    route: str
    result: Result
    steps: tuple[Step, ...]
    needed: tuple[str, ...]

    @property
    def fires(self) -> bool:
        return self.result is Result.FIRE


def account(router: Router, event: Event, name: str) -> Account | None:
    """Every condition is looked at, also those that routing did not get to. None: there is no such route."""
    way = router.way_to(name)
    if not way:
        return None
    trace = {line.route: line for line in router.explain(event)}
    reading = Reading(event)
    steps = tuple(_step(node, reading) for node in way)
    failing = [needed for step in steps for each in step.conditions for needed in each.needed]
    stopped = tuple(_stops(way, router, reading))
    speaking = [
        child.spec.name for child in way[-1].children.nodes if _matched(trace[child.spec.name].result)
    ]
    hushed = [f"{child} would have to not match; children speak for their parent" for child in speaking]
    return Account(
        route=name,
        result=trace[name].result,
        steps=steps,
        needed=tuple(dict.fromkeys((*failing, *stopped, *hushed))),
    )


def _matched(result: Result) -> bool:
    return result in (Result.FIRE, Result.CHILDREN)


def _step(node: Node, reading: Reading) -> Step:
    checked = [_check(condition, reading) for condition in node.match.conditions]
    if node.spec.when is not None:
        checked.append(_check_when(node.spec.when, node.spec.when_text, reading.event))
    return Step(route=node.spec.name, conditions=tuple(checked), when_text=node.spec.when_text)


def _check(condition: Condition, reading: Reading) -> Checked:
    if condition.passes(reading):
        return Checked(because=condition.why_passed(reading), holds=True)
    needed = tuple(remedies(condition, reading))
    return Checked(because=condition.why_failed(reading), holds=False, needed=needed)


def _check_when(when: Callable[[Event], bool], written: str, event: Event) -> Checked:
    text = f'when "{written}"'
    try:
        holds = when(event)
    except Exception as error:  # noqa: BLE001 - as in routing: a faulty condition does not fire, and says so
        problem = visible(str(error), ERROR_LIMIT)
        return Checked(because=f"{text}: {problem}", holds=False, needed=(f"{text} would have to work",))
    if holds:
        return Checked(because=f"{text} is true", holds=True)
    return Checked(because=f"{text} is false", holds=False, needed=(f"{text} would have to be true",))


def _stops(way: Sequence[Node], router: Router, reading: Reading) -> Iterator[str]:
    """Routes that end the list before a route on the way is tried."""
    levels: list[Level] = [router.top, *(node.children for node in way)]
    for level, node in zip(levels, way, strict=False):
        for before in level.nodes[: level.nodes.index(node)]:
            if before.spec.stop and all(each.holds for each in _step(before, reading).conditions):
                yield f"{before.spec.name} would have to not match; its `stop: true` ends the list before"
