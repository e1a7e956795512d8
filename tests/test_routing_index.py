"""The index over routes never changes what fires."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model import Change, Event, Job, Project, Status, Workflow
from relay.routing import Reading, Router, RouteSpec, compile_match
from tests.factories import make_event

BRANCHES = ("main", "dev", "release/1", "release/2", "team/a/x")
SLUGS = ("gh/acme/api", "gh/acme/web", "bb/acme/api")
JOBS = ("e2e-a", "e2e-b", "lint")

PATTERNS = {
    "branch": (*BRANCHES, "*", "release/*", "m*", "/^team/", "/MAIN/i", "[md]*", "!main", "!release/*"),
    "project.slug": (*SLUGS, "gh/*", "*/api", "!bb/*", "/acme/"),
    "job.name": (*JOBS, "e2e-*", "!lint", "?int"),
    "status": ("failed", "success", "!success"),
    "change": ("broke", "fixed", "f*"),
    "tag": ("v*", "!*", "v1"),
    "failed_jobs.name": (*JOBS, "e2e-*", "!lint"),
}


def field_conditions() -> st.SearchStrategy[dict[str, Any]]:
    fields = {
        name: st.one_of(st.sampled_from(items), st.lists(st.sampled_from(items), min_size=1, max_size=3))
        for name, items in PATTERNS.items()
    }
    return st.fixed_dictionaries({}, optional=fields)


MATCHES = st.recursive(
    field_conditions(),
    lambda inner: st.builds(
        lambda fields, name, matches: {**fields, name: matches},
        field_conditions(),
        st.sampled_from(["any", "all", "not"]),
        st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=4,
)

NOTIFY = st.sampled_from([None, (), ("chat",), ("+pager",), ("+chat", "+mail")])


def specs(inner: st.SearchStrategy[tuple[RouteSpec, ...]]) -> st.SearchStrategy[tuple[RouteSpec, ...]]:
    one = st.builds(
        RouteSpec,
        name=st.text("abcdef", min_size=4, max_size=4),
        match=MATCHES,
        when=st.sampled_from([None, lambda event: event.status is Status.FAILED]),
        notify=NOTIFY,
        stop=st.sampled_from([False, False, False, True]),
        routes=inner,
    )
    return st.lists(one, max_size=20).map(tuple)


NO_ROUTES: st.SearchStrategy[tuple[RouteSpec, ...]] = st.just(())
TREES = specs(st.one_of(NO_ROUTES, NO_ROUTES, specs(NO_ROUTES)))

EVENTS = st.builds(
    make_event,
    branch=st.sampled_from([None, *BRANCHES, "\ud800"]),
    tag=st.sampled_from([None, None, "v1", "v2"]),
    status=st.sampled_from([Status.FAILED, Status.SUCCESS]),
    change=st.sampled_from([Change.BROKE, Change.FIXED, Change.NONE]),
    project=st.sampled_from(SLUGS).map(lambda slug: Project(slug=slug)),
    job=st.sampled_from([None, *JOBS]).map(lambda name: Job(name=name)),
    notes=st.lists(st.sampled_from(JOBS), max_size=3).map(
        lambda names: {"failed_jobs": [{"name": name} for name in names]}
    ),
)

Fired = tuple[str, tuple[str, ...]]


def walk(routes: Sequence[RouteSpec], event: Event, inherited: tuple[str, ...]) -> Iterator[Fired]:
    """The meaning of a tree, spelled out: each route tried, nothing clever."""
    for route in routes:
        if not matches(route, event):
            continue
        targets = inherit(inherited, route.notify)
        yield from list(walk(route.routes, event, targets)) or [(route.name, targets)]
        if route.stop:
            return


def matches(route: RouteSpec, event: Event) -> bool:
    passes = compile_match(route.match).passes(Reading(event))
    return passes and (route.when is None or route.when(event))


def inherit(parent: tuple[str, ...], own: tuple[str, ...] | None) -> tuple[str, ...]:
    if own is None:
        return parent
    if own and own[0].startswith("+"):
        return (*parent, *(name[1:] for name in own if name[1:] not in parent))
    return own


@settings(max_examples=150, deadline=None)
@given(routes=TREES, events=st.lists(EVENTS, min_size=1, max_size=4))
def test_resolve_equals_the_walk_over_all_routes(routes: tuple[RouteSpec, ...], events: list[Event]) -> None:
    router = Router(routes)
    for event in events:
        decisions = router.resolve(event).decisions

        assert [(decision.route, decision.notify) for decision in decisions] == list(walk(routes, event, ()))


@settings(max_examples=50, deadline=None)
@given(routes=TREES, event=EVENTS)
def test_explain_fires_what_resolve_decides(routes: tuple[RouteSpec, ...], event: Event) -> None:
    router = Router(routes)

    told = [line.route for line in router.explain(event) if line.result == "FIRE"]

    assert told == [decision.route for decision in router.resolve(event).decisions]


@pytest.mark.parametrize("kind", ["words", "globs"])
def test_candidates_do_not_grow_with_the_number_of_routes(kind: str) -> None:
    pattern = "gh/team-{}/api" if kind == "words" else "gh/team-{}/*"
    routes = [
        RouteSpec(name=f"r{number}", match={"status": "failed", "project.slug": pattern.format(number)})
        for number in range(2500)
    ]
    event = make_event(project=Project(slug="gh/team-77/api"), workflow=Workflow())

    assert [line.route for line in Router(routes).resolve(event).trace] == ["r77"]


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"branch": "!dev"},
        {"any": [{"branch": "dev"}, {"status": "!success"}]},
        {"any": [{"branch": "dev"}, {"branch": "m*"}]},
        {"all": [{"branch": "/^MAIN$/i"}, {"duration": "> 1s"}]},
        {"not": [{"branch": "dev"}]},
        {"failed_jobs.name": "lint"},
        {"branch": ["dev", "m?in", "!x"], "status": ["failed", "error"]},
    ],
    ids=str,
)
def test_route_is_found_among_many_others(match: dict[str, Any]) -> None:
    others = [RouteSpec(name=f"r{number}", match={"branch": f"team-{number}"}) for number in range(20)]
    event = make_event(notes={"failed_jobs": [{"name": "lint"}]})

    resolution = Router([*others[:10], RouteSpec(name="it", match=match), *others[10:]]).resolve(event)

    assert [decision.route for decision in resolution.decisions] == ["it"]
