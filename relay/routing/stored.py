"""Routes as they are kept with the events they decided, so that an old decision can be read in full."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from relay.model import Event
from relay.routing.trace import TraceLine
from relay.routing.tree import Router, RouteSpec

Compile = Callable[[str], Callable[[Event], bool]]
NAMES = ("notify", "act", "mention")


def as_record(specs: Iterable[RouteSpec]) -> list[dict[str, Any]]:
    """JSON of the routes. A `when` is kept as its text."""
    return [
        {
            "name": spec.name,
            "match": dict(spec.match),
            "when_text": spec.when_text,
            **{name: getattr(spec, name) for name in NAMES},
            "settings": dict(spec.settings),
            "stop": spec.stop,
            "routes": as_record(spec.routes),
        }
        for spec in specs
    ]


def from_record(record: Iterable[Mapping[str, Any]], compile_when: Compile) -> tuple[RouteSpec, ...]:
    """The routes, read back."""
    return tuple(_route(each, compile_when) for each in record)


def _route(record: Mapping[str, Any], compile_when: Compile) -> RouteSpec:
    text = record["when_text"]
    names = {name: None if record[name] is None else tuple(record[name]) for name in NAMES}
    return RouteSpec(
        name=record["name"],
        match=record["match"],
        when=compile_when(text) if text else None,
        when_text=text,
        settings=record["settings"],
        stop=record["stop"],
        routes=from_record(record["routes"], compile_when),
        **names,
    )


def completed(
    recorded: Sequence[TraceLine], event: Event, routes: Sequence[RouteSpec]
) -> tuple[TraceLine, ...]:
    """A line for every route: the one that was recorded, else what the same routes say of the same event."""
    known = {line.route: line for line in recorded}
    return tuple(known.get(line.route, line) for line in Router(routes).explain(event))
