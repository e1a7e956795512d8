"""Old decisions can be read in full: routes go to JSON and back, and fill in what was not recorded."""

import json

from relay.routing import Router, RouteSpec, as_record, completed, from_record
from relay.sandbox import compile_condition
from tests.factories import make_event

ROUTES = (
    RouteSpec(name="other", match={"project.slug": "gh/acme/other"}, notify=("chat",)),
    RouteSpec(
        name="trunk",
        match={"branch": ["main", "!legacy"]},
        when=compile_condition("author.known"),
        when_text="author.known",
        notify=("chat",),
        settings={"group": {"by": ["branch"], "wait": 5.0}},
        stop=True,
        routes=(RouteSpec(name="broke", match={"change": "broke"}, notify=("+pager",), act=()),),
    ),
)


def test_routes_survive_the_way_to_json_and_back() -> None:
    record = json.loads(json.dumps(as_record(ROUTES)))

    back = from_record(record, compile_condition)

    event = make_event(branch="main")
    assert json.loads(json.dumps(as_record(back))) == record
    assert Router(back).explain(event) == Router(ROUTES).explain(event)


def test_routes_that_were_not_looked_at_get_their_line_from_the_routes() -> None:
    event = make_event(branch="main")
    recorded = [line for line in Router(ROUTES).resolve(event).trace if line.route == "trunk"]

    lines = completed(recorded, event, ROUTES)

    assert [line.route for line in lines] == ["other", "trunk", "broke"]


def test_what_was_recorded_wins_over_what_the_routes_say_now() -> None:
    event = make_event(branch="main")
    recorded = Router((RouteSpec(name="trunk", notify=("chat",)),)).resolve(event).trace

    lines = completed(recorded, event, ROUTES)

    assert lines[1] is recorded[0]
