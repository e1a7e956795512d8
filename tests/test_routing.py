"""The tree of routes: what fires, what it inherits, and what is said about the rest."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from relay.errors import TemplateError
from relay.model import Author, Change, Event, Job, Status
from relay.routing import MatchError, Resolution, Result, Router, RouteSpec, TraceLine
from tests.factories import make_commit, make_event

BROKE_MAIN = make_event(branch="main", change=Change.BROKE, job=Job())


def route(name: str, /, *routes: RouteSpec, **fields: Any) -> RouteSpec:
    return RouteSpec(name=name, routes=routes, **fields)


def fired(event: Event, *routes: RouteSpec) -> list[str]:
    return [decision.route for decision in Router(routes).resolve(event).decisions]


def table(lines: Iterable[TraceLine]) -> list[str]:
    return [f"{'  ' * line.depth}{line.route}|{line.result}|{line.because}" for line in lines]


def fails(error: Exception) -> Callable[[Event], bool]:
    def condition(event: Event) -> bool:
        raise error

    return condition


def test_every_top_level_route_that_matches_fires_in_order() -> None:
    routes = (
        route("a", match={"branch": "main"}),
        route("b", match={"branch": "dev"}),
        route("c"),
    )

    assert fired(BROKE_MAIN, *routes) == ["a", "c"]


def test_stop_ends_the_list_when_the_route_matched() -> None:
    routes = (
        route("a", match={"branch": "dev"}, stop=True),
        route("b", match={"branch": "main"}, stop=True),
        route("c"),
    )

    assert fired(BROKE_MAIN, *routes) == ["b"]


def test_stop_of_a_parent_counts_when_only_its_child_fires() -> None:
    routes = (route("a", route("a1"), stop=True), route("b"))

    assert fired(BROKE_MAIN, *routes) == ["a1"]


def test_stop_of_a_child_ends_the_children_only() -> None:
    routes = (route("a", route("a1", stop=True), route("a2")), route("b"))

    assert fired(BROKE_MAIN, *routes) == ["a1", "b"]


def test_matching_children_fire_instead_of_their_parent() -> None:
    broke = route("broke", match={"change": "broke"})
    also = route("also", match={"status": "failed"})
    fixed = route("fixed", match={"change": "fixed"})

    assert fired(BROKE_MAIN, route("trunk", broke, fixed, also, match={"branch": "main"})) == [
        "broke",
        "also",
    ]


def test_parent_fires_when_no_child_matches() -> None:
    fixed = route("fixed", match={"change": "fixed"})

    assert fired(BROKE_MAIN, route("trunk", fixed, match={"branch": "main"})) == ["trunk"]


def test_children_of_a_parent_that_does_not_match_never_fire() -> None:
    assert fired(BROKE_MAIN, route("dev", route("child"), match={"branch": "dev"})) == []


def test_the_deepest_matching_routes_fire() -> None:
    deepest = route("deepest", match={"status": "failed"})
    beside = route("beside", match={"status": "success"})
    middle = route("middle", deepest, beside, match={"change": "broke"})

    assert fired(BROKE_MAIN, route("top", middle, match={"branch": "main"})) == ["deepest"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, ("chat", "status")),
        (("+pager",), ("chat", "status", "pager")),
        (("+pager", "+chat"), ("chat", "status", "pager")),
        (("pager",), ("pager",)),
        (("pager", "+mail"), ("pager", "mail")),
        ((), ()),
    ],
    ids=str,
)
def test_child_inherits_adds_to_or_replaces_the_targets(
    own: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    inherited = ("chat", "status")
    child = route("child", notify=own, act=own, mention=own)
    parent = route("parent", child, notify=inherited, act=inherited, mention=inherited)

    (decision,) = Router([parent]).resolve(BROKE_MAIN).decisions

    assert (decision.notify, decision.act, decision.mention) == (expected, expected, expected)


def test_additions_pile_up_over_the_levels() -> None:
    innermost = route("innermost", notify=("+c",))
    middle = route("middle", innermost, notify=("+b",))

    (decision,) = Router([route("top", middle, notify=("+a",))]).resolve(BROKE_MAIN).decisions

    assert decision.notify == ("a", "b", "c")


def test_child_settings_win_over_the_parents() -> None:
    child = route("child", settings={"template": "short"})
    parent = route("parent", child, settings={"template": "long", "group": {"by": ["pipeline.id"]}})

    (decision,) = Router([parent]).resolve(BROKE_MAIN).decisions

    assert decision.settings == {"template": "short", "group": {"by": ["pipeline.id"]}}


def test_silent_route_still_counts_as_a_decision() -> None:
    (decision,) = Router([route("quiet", notify=())]).resolve(BROKE_MAIN).decisions

    assert (decision.route, decision.notify) == ("quiet", ())


def test_when_is_added_to_the_match() -> None:
    routes = (
        route("known", when=lambda event: event.author.known is not None),
        route("failed", when=lambda event: event.status is Status.FAILED),
    )

    assert fired(make_event(author=Author()), *routes) == ["failed"]


def test_when_is_evaluated_only_after_the_match_passed() -> None:
    error = fails(TemplateError("not reached"))

    resolution = Router([route("dev", match={"branch": "dev"}, when=error)]).resolve(BROKE_MAIN)

    assert resolution.errors == ()


@pytest.mark.parametrize(
    "error", [TemplateError("author.nam is unknown"), ZeroDivisionError("division by zero")]
)
def test_failing_when_is_visible_and_stops_nobody_else(error: Exception) -> None:
    faulty = route("faulty", match={"branch": "main"}, when=fails(error), when_text="1 / 0")

    resolution = Router([faulty, route("next")]).resolve(BROKE_MAIN)

    assert [decision.route for decision in resolution.decisions] == ["next"]
    assert resolution.errors == (
        TraceLine(
            route="faulty",
            depth=0,
            result=Result.ERROR,
            because=f'when "1 / 0": {error}',
            passed=1,
            wanted=2,
        ),
    )


def test_parent_speaks_when_the_when_of_its_only_child_fails() -> None:
    child = route("child", when=fails(TemplateError("no")))

    assert fired(BROKE_MAIN, route("parent", child)) == ["parent"]


def test_nothing_fires_without_routes() -> None:
    assert Router([]).resolve(BROKE_MAIN) == Resolution(decisions=(), trace=(), errors=())


def test_unreadable_match_is_refused() -> None:
    with pytest.raises(MatchError, match="unknown field, did you mean branch"):
        Router([route("a", route("b", match={"brnch": "main"}))])


def test_explain_tells_the_contract_sample() -> None:
    routes = (
        route("everything-to-audit"),
        route(
            "flaky-e2e",
            match={
                "event": ["build", "job", "workflow"],
                "status": ["failed", "timedout"],
                "job.name": "e2e-*",
            },
        ),
        route(
            "trunk",
            route("trunk-broke", match={"change": "broke"}),
            route("trunk-fixed", match={"change": "fixed"}),
            match={"project.slug": "gh/acme/*", "branch": ["main", "release/*", "!release/legacy"]},
        ),
        route(
            "my-branch-failed",
            match={
                "branch": ["*", "!main", "!release/*"],
                "change": ["broke", "fixed", "first_failure"],
            },
            when=lambda event: True,
            when_text="author.known and not author.bot",
        ),
    )

    lines = Router(routes).explain(BROKE_MAIN)

    assert table(lines) == [
        "everything-to-audit|FIRE|no conditions",
        "flaky-e2e|no|job.name is missing, wanted e2e-*",
        "trunk|children|project.slug like gh/acme/* · branch main in [main, release/*, !release/legacy]",
        "  trunk-broke|FIRE|change = broke",
        "  trunk-fixed|no|change = broke, wanted fixed",
        'my-branch-failed|no|branch = main is excluded by "!main"',
    ]
    assert [(line.passed, line.wanted) for line in lines] == [(0, 0), (2, 3), (2, 2), (1, 1), (0, 1), (1, 3)]


def test_explain_lists_the_children_of_routes_that_did_not_match() -> None:
    dev = route("dev", route("child", route("grandchild")), match={"branch": "dev"})

    assert table(Router([dev]).explain(BROKE_MAIN)) == [
        "dev|no|branch = main, wanted dev",
        "  child|no|dev did not match",
        "    grandchild|no|dev did not match",
    ]


def test_explain_lists_the_routes_after_a_stop() -> None:
    routes = (route("first", stop=True), route("second", route("child")), route("third"))

    assert table(Router(routes).explain(BROKE_MAIN)) == [
        "first|FIRE|no conditions",
        "second|stopped|stopped by first",
        "  child|stopped|stopped by first",
        "third|stopped|stopped by first",
    ]


def test_explain_tells_all_failing_conditions_in_the_order_of_the_file() -> None:
    dev = route("dev", match={"branch": "dev", "status": "failed", "change": ["fixed", "first_success"]})

    (line,) = Router([dev]).explain(BROKE_MAIN)

    assert line.because == "branch = main, wanted dev · change = broke, wanted [fixed, first_success]"
    assert (line.passed, line.wanted) == (1, 3)


def test_explain_tells_what_when_said() -> None:
    routes = (
        route("no", when=lambda event: False, when_text="fork"),
        route("yes", match={"branch": "main"}, when=lambda event: True, when_text="not fork"),
        route("bare", when=lambda event: True, when_text="not fork"),
    )

    assert table(Router(routes).explain(BROKE_MAIN)) == [
        'no|no|when "fork" is false',
        'yes|FIRE|branch = main · when "not fork"',
        'bare|FIRE|when "not fork"',
    ]


@pytest.mark.parametrize(
    ("match", "because"),
    [
        ({"branch": "main"}, "branch = main"),
        ({"branch": "!dev"}, "branch main in !dev"),
        ({"tag": ["!v1", "!v2"]}, "tag is missing, allowed by [!v1, !v2]"),
        ({"branch": "/^m/"}, "branch like /^m/"),
        ({"duration": "> 20m"}, "duration 25m > 20m"),
        ({"duration": "> 1h"}, "duration = 25m, wanted > 1h"),
        ({"number": 7812}, "number = 7812"),
        ({"fork": False}, "fork = false"),
        ({"fork": True}, "fork = false, wanted true"),
        ({"failed_jobs.name": "e2e-*"}, "failed_jobs.name [lint, e2e-a] in e2e-*"),
        ({"failed_jobs.name": "deploy"}, "failed_jobs.name = [lint, e2e-a], wanted deploy"),
        ({"failed_jobs.name": "!e2e-*"}, 'failed_jobs.name = e2e-a is excluded by "!e2e-*"'),
        ({"failed_jobs.name": {"every": "e2e-*"}}, "failed_jobs.name = [lint, e2e-a], wanted every e2e-*"),
        ({"failed_jobs.name": {"none": "deploy"}}, "failed_jobs.name [lint, e2e-a] in none deploy"),
        (
            {"any": [{"branch": "dev"}, {"tag": "v*"}]},
            "any of (branch = main, wanted dev | tag is missing, wanted v*)",
        ),
        ({"any": [{"branch": "dev"}, {"branch": "main"}]}, "any of (branch = main)"),
        (
            {"all": [{"branch": "main"}, {"status": "success"}]},
            "all of (status = failed, wanted success)",
        ),
        ({"all": [{"branch": "main"}]}, "all of (branch = main)"),
        ({"not": [{"status": "failed"}]}, "excluded by not (status = failed)"),
        ({"not": [{"status": "success"}]}, "not (status = failed, wanted success)"),
    ],
    ids=str,
)
def test_wording(match: dict[str, Any], because: str) -> None:
    jobs = [{"name": "lint"}, {"name": "e2e-a"}]
    event = make_event(branch="main", duration=1500.0, notes={"failed_jobs": jobs})

    (line,) = Router([route("r", match=match)]).explain(event)

    assert line.because == because


def test_hostile_values_are_cut_and_made_visible() -> None:
    event = make_event(branch="a\n\x1b[31m\u202e\ud800", commit=make_commit(subject="x" * 5000))
    routes = (route("branch", match={"branch": "main"}), route("subject", match={"commit.subject": "y"}))

    assert table(Router(routes).explain(event)) == [
        "branch|no|branch = a\\n\\x1b[31m\\u202e\\ud800, wanted main",
        f"subject|no|commit.subject = {'x' * 59}…, wanted y",
    ]


def test_resolve_keeps_its_reasons() -> None:
    routes = (
        route("trunk", route("broke", match={"change": "broke"}), match={"branch": "main"}),
        route("dev", match={"branch": "dev"}),
    )

    assert table(Router(routes).resolve(BROKE_MAIN).trace) == [
        "trunk|children|branch = main",
        "  broke|FIRE|change = broke",
        "dev|no|branch = main, wanted dev",
    ]


def test_resolve_skips_routes_that_the_index_rules_out() -> None:
    routes = [route(f"r{number}", match={"branch": f"team-{number}"}) for number in range(100)]
    routes.append(route("main", match={"branch": ["main", "release/*"]}))

    assert [line.route for line in Router(routes).resolve(BROKE_MAIN).trace] == ["main"]
