"""Walks the tree of routes and gives every route a name of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay.config.routes import Route
from relay.config.tree import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A route and where it stands in the file."""

    route: Route
    name: str
    path: Path

    @property
    def is_leaf(self) -> bool:
        return not self.route.routes


def named_routes(routes: Sequence[Route]) -> tuple[Place, ...]:
    """All routes, parents before children. Those without a name are called by their place: `route-2`,
    children `route-2/1`, or `trunk/1` below a route called trunk."""
    return tuple(_walk(routes, ("routes",), "route-", _taken(routes)))


def _walk(routes: Sequence[Route], path: Path, prefix: str, taken: frozenset[str]) -> Iterator[Place]:
    for index, route in enumerate(routes):
        name = route.name or _free(f"{prefix}{index + 1}", taken)
        place = Place(route=route, name=name, path=(*path, index))
        yield place
        yield from _walk(route.routes, (*place.path, "routes"), f"{name}/", taken)


def _free(name: str, taken: frozenset[str]) -> str:
    """The name itself, or with as many strokes as it takes to differ from the names people chose."""
    while name in taken:
        name += "'"
    return name


def _taken(routes: Sequence[Route]) -> frozenset[str]:
    below = (name for route in routes for name in _taken(route.routes))
    return frozenset({route.name for route in routes if route.name} | set(below))
