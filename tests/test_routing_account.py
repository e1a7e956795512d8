"""The account of one route agrees with routing, whatever the webhook and the route."""

from pathlib import Path
from typing import Any

import pytest

from relay import payloads
from relay.model import Change, Event
from relay.routing import Router, RouteSpec, account, dead_routes, named
from relay.sandbox import compile_condition
from tests.factories import NOON, make_event

WEBHOOKS = Path(__file__).parent / "fixtures" / "webhooks"


def route(name: str, when: str = "", stop: bool = False, routes: Any = (), **match: Any) -> RouteSpec:
    """Dots in the names of fields are written as two underscores, `not` as none_of."""
    return RouteSpec(
        name=name,
        match={key.replace("__", ".").replace("none_of", "not"): wanted for key, wanted in match.items()},
        when=compile_condition(when) if when else None,
        when_text=when,
        stop=stop,
        routes=tuple(routes),
    )


ROUTES = (
    route(
        "bad", status=["failed", "timedout"], routes=[route("job", job__name="*"), route("tagged", tag="*")]
    ),
    route("both", branch="main", routes=[route("never", tag="v1")]),
    route("trouble", when="status + 1"),
    route(
        "ends", stop=True, branch="main", routes=[route("long", stop=True, duration="> 2m"), route("rest")]
    ),
    route("odd", when="author.bot or fork", any=[{"tag": "v*"}, {"all": [{"fork": True}]}]),
    route("not-main", routes=[route("below", none_of=[{"project.vcs": "github"}])], branch=["*", "!main"]),
    route("late", branch="main", status="success"),
)


def events() -> dict[str, Event]:
    """Every webhook of the fixtures, and one for each change."""
    found = {
        file.stem: payloads.parse(file.read_bytes(), "application/json", id=file.stem, received_at=NOON)
        for file in sorted(WEBHOOKS.glob("*.json"))
    }
    return found | {change.value: make_event(change=change) for change in Change}


@pytest.mark.parametrize("event", events().values(), ids=events())
def test_a_route_fires_when_nothing_has_to_change_for_it(event: Event) -> None:
    router = Router(ROUTES)

    accounts = [account(router, event, name) for name in named(ROUTES)]

    fired = {decision.route for decision in router.resolve(event).decisions}
    assert {each.route for each in accounts if each and each.fires} == fired
    assert {each.route for each in accounts if each and not each.needed} == fired


@pytest.mark.parametrize("event", events().values(), ids=events())
def test_a_dead_route_never_fires(event: Event) -> None:
    dead = {each.route for each in dead_routes(ROUTES)}

    assert dead == {"never", "late"}
    assert dead.isdisjoint(decision.route for decision in Router(ROUTES).resolve(event).decisions)


def test_a_route_that_is_not_there_has_no_account() -> None:
    assert account(Router(ROUTES), make_event(), "gone") is None
