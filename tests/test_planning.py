"""From decisions to deliveries."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from relay.errors import UsageError
from relay.model import Author, Commit, Conversation, Event, Pipeline, PullRequest, Workflow
from relay.planning import NewDelivery, Reservation, TargetSpec, decision_record, plan, read_record, unreached
from relay.routing import Decision, Resolution, Result, TraceLine
from tests.factories import MINUTE, NOON, make_event

TARGETS = {
    target.name: target
    for target in (
        TargetSpec(
            name="chat", kind="notify", destination="slack.example.com", conversation=Conversation.PIPELINE
        ),
        TargetSpec(name="mail", kind="notify", destination="mail.example.com"),
        TargetSpec(name="pager", kind="notify", destination="d", conversation=Conversation.STATE),
        TargetSpec(name="status", kind="notify", destination="d", conversation=Conversation.COMMIT),
        TargetSpec(
            name="teams", kind="notify", destination="d", conversation=Conversation.PIPELINE, sums_up=True
        ),
        TargetSpec(name="direct", kind="notify", destination="d", reaches=frozenset({"alice"})),
        TargetSpec(name="retry", kind="act", destination="circleci.com"),
    )
}


def decided(*decisions: Decision) -> Resolution:
    return Resolution(decisions=decisions, trace=(), errors=())


def numbered() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"d{next(numbers)}"


def planned(*decisions: Decision, event: Event | None = None) -> tuple[NewDelivery, ...]:
    return plan(
        event or make_event(),
        decided(*decisions),
        TARGETS,
        NOON,
        state_key="gh/acme/api | main",
        make_id=numbered(),
    )


def decision(route: str, *notify: str, act: tuple[str, ...] = (), **settings: Any) -> Decision:
    return Decision(route=route, notify=notify, act=act, settings=settings)


def test_each_target_gets_one_delivery() -> None:
    deliveries = planned(decision("trunk", "chat", "mail", act=("retry",)))

    assert deliveries == (
        NewDelivery(
            id="d1",
            target="chat",
            kind="notify",
            destination="slack.example.com",
            lane='["chat","p-7812"]',
            route="trunk",
        ),
        NewDelivery(id="d2", target="mail", kind="notify", destination="mail.example.com", route="trunk"),
        NewDelivery(id="d3", target="retry", kind="act", destination="circleci.com", route="trunk"),
    )


def test_target_reached_by_several_routes_takes_the_settings_of_the_first() -> None:
    first = Decision(route="a", notify=("mail",), mention=("author",), settings={"template": "short"})
    deliveries = planned(first, decision("b", "mail", template="long"), decision("c", "mail", "chat"))

    assert [(d.target, d.route, d.also, d.mention, dict(d.settings)) for d in deliveries] == [
        ("mail", "a", ("b", "c"), ("author",), {"template": "short"}),
        ("chat", "c", (), (), {}),
    ]


def test_another_message_key_is_another_delivery() -> None:
    deliveries = planned(decision("a", "mail"), decision("b", "mail", key="digest"), decision("c", "mail"))

    assert [(d.route, d.also) for d in deliveries] == [("a", ("c",)), ("b", ())]


def test_action_reached_by_several_routes_is_done_once() -> None:
    assert len(planned(decision("a", act=("retry",)), decision("b", act=("retry",)))) == 1


def test_silent_route_makes_no_delivery() -> None:
    assert planned(decision("quiet")) == ()


def test_unmatched_speaks_only_when_no_route_fired() -> None:
    unmatched = decision("unmatched", "mail")

    for decisions, routes in [((), ["unmatched"]), ((decision("a", "mail"),), ["a"]), ((decision("q"),), [])]:
        deliveries = plan(make_event(), decided(*decisions), TARGETS, NOON, unmatched=unmatched)

        assert [delivery.route for delivery in deliveries] == routes


def test_nothing_is_planned_for_an_unmatched_event_by_default() -> None:
    assert planned() == ()


def test_unknown_target_is_named() -> None:
    with pytest.raises(UsageError, match=r"^route a: no notifier or action is called chta$"):
        planned(decision("a", "chta"))


def test_fresh_ids_differ() -> None:
    deliveries = plan(make_event(), decided(decision("a", "chat", "mail")), TARGETS, NOON)

    assert len({delivery.id for delivery in deliveries}) == 2


@pytest.mark.parametrize(
    ("target", "event", "lane"),
    [
        ("chat", make_event(), '["chat","p-7812"]'),
        ("chat", make_event(pipeline=Pipeline()), '["chat","w-7812"]'),
        ("chat", make_event(pipeline=Pipeline(), workflow=Workflow(), number=7), '["chat","gh/acme/api#7"]'),
        ("pager", make_event(), '["pager","gh/acme/api | main"]'),
        ("status", make_event(commit=Commit(sha="a1b2")), '["status","gh/acme/api@a1b2"]'),
        ("status", make_event(commit=Commit()), None),
        ("mail", make_event(), None),
        ("chat", make_event(pipeline=Pipeline(id="a\x00\n\ud800")), '["chat","a\\u0000\\n\\ud800"]'),
    ],
    ids=["pipeline", "workflow", "build", "state", "commit", "no commit", "no conversation", "hostile"],
)
def test_a_lane_is_the_conversation_of_the_target(target: str, event: Event, lane: str | None) -> None:
    (delivery,) = planned(decision("a", target), event=event)

    assert delivery.lane == lane


def test_what_cannot_be_changed_is_one_message_for_the_pipeline() -> None:
    (delivery,) = planned(decision("a", "teams"))

    assert (delivery.lane, delivery.group_key) == (None, '["teams",["subject","p-7812"]]')
    assert (delivery.due_at, delivery.latest_at) == (NOON + MINUTE / 2, NOON + 5 * MINUTE)


def test_a_direct_message_goes_through_a_notifier_that_reaches_the_person() -> None:
    event = make_event(author=Author(name="Alice", known="alice"))

    (delivery,) = planned(decision("a", "dm:author", group={"by": ["branch"], "wait": 20}), event=event)

    assert (delivery.target, delivery.direct, delivery.group_key) == ("direct", "alice", None)


@pytest.mark.parametrize(
    ("author", "name", "problem"),
    [
        (Author(), "dm:author", "dm:author: the author is not among `people`"),
        (
            Author(known="bob"),
            "dm:author",
            "dm:author: no notifier can write to bob directly; add an id for one under `people.bob`",
        ),
        (Author(known="alice"), "dm:author", None),
        (Author(), "dm:alice", None),
    ],
)
def test_a_direct_message_that_reaches_nobody_is_told(author: Author, name: str, problem: str | None) -> None:
    event, wanted = make_event(author=author), decision("a", name)

    assert unreached(event, decided(wanted), TARGETS, None) == ((problem,) if problem else ())
    assert len(planned(wanted, event=event)) == (0 if problem else 1)


def test_a_substitute_gets_the_messages_of_unknown_authors() -> None:
    (delivery,) = plan(
        make_event(author=Author()), decided(decision("a", "dm:author")), TARGETS, NOON, substitute="alice"
    )

    assert delivery.direct == "alice"


@pytest.mark.parametrize(
    ("group", "wait", "longest"),
    [
        ({"wait": 60}, 1, 5),
        ({"wait": "1m"}, 1, 5),
        ({"wait": 60.0, "max_wait": 120.0}, 1, 2),
        ({"wait": "1m", "max_wait": "30s"}, 1, 1),
        ({}, 0, 0),
    ],
    ids=str,
)
def test_group_waits(group: dict[str, Any], wait: int, longest: int) -> None:
    (delivery,) = planned(decision("a", "mail", group={"by": ["pipeline.id"], **group}))

    assert delivery.group_key == '["mail",["pipeline.id","p-7812"]]'
    assert (delivery.due_at, delivery.latest_at) == (NOON + wait * MINUTE, NOON + longest * MINUTE)


def test_group_key_tells_targets_fields_and_missing_values_apart() -> None:
    group = {"by": ["branch", "pipeline.id"], "wait": 20}
    grouped = decision("a", "mail", "chat", group=group)

    keys = [
        d.group_key
        for event in (make_event(), make_event(branch=None))
        for d in planned(grouped, event=event)
    ]

    assert keys == [
        '["mail",["branch","main"],["pipeline.id","p-7812"]]',
        '["chat",["branch","main"],["pipeline.id","p-7812"]]',
        '["mail",["branch",null],["pipeline.id","p-7812"]]',
        '["chat",["branch",null],["pipeline.id","p-7812"]]',
    ]


def test_group_without_fields_gathers_everything_for_its_target() -> None:
    (delivery,) = planned(decision("a", "mail", group={"wait": 20}))

    assert delivery.group_key == '["mail"]'


def test_actions_are_never_grouped() -> None:
    (delivery,) = planned(decision("a", act=("retry",), group={"by": ["branch"], "wait": 20}))

    assert (delivery.group_key, delivery.due_at, delivery.latest_at) == (None, None, None)


def test_long_group_keys_are_cut_and_stay_distinct() -> None:
    grouped = decision("a", "mail", group={"by": ["branch"], "wait": 20})

    keys = [planned(grouped, event=make_event(branch="x" * 9000 + end))[0].group_key or "" for end in "ab"]

    assert keys[0] != keys[1]
    assert max(map(len, keys)) < 500


def test_lists_and_times_can_be_grouped_by() -> None:
    event = make_event(pull_requests=(PullRequest(url="https://github.com/acme/api/pull/7", number=7),))
    grouped = decision("a", "mail", group={"by": ["pull_requests.number", "finished_at"], "wait": 20})

    (delivery,) = planned(grouped, event=event)

    assert (
        delivery.group_key
        == '["mail",["pull_requests.number",[7]],["finished_at","2026-11-23 12:00:00+00:00"]]'
    )


def test_record_survives_the_way_through_json() -> None:
    lines = (
        TraceLine(route="a", depth=0, result=Result.CHILDREN, because="branch = main", passed=1, wanted=1),
        TraceLine(route="b", depth=1, result=Result.FIRE, because="no conditions", passed=0, wanted=0),
        TraceLine(route="c", depth=0, result=Result.ERROR, because="when: no", passed=0, wanted=1),
    )
    settings = {"template": "short", "group": {"by": ["pipeline.id"], "wait": 20}}
    fired = Decision(
        route="b", notify=("chat", "mail"), act=("retry",), mention=("author",), settings=settings
    )
    resolution = Resolution(decisions=(fired,), trace=lines, errors=lines[2:])
    event = make_event(pipeline=Pipeline(id="p"))
    deliveries = plan(event, resolution, TARGETS, NOON)

    record = json.loads(json.dumps(decision_record(resolution, deliveries)))

    assert read_record(record) == (resolution, deliveries)


def test_the_record_keeps_the_slots_that_a_delivery_takes() -> None:
    slots = (Reservation(slot="once"), Reservation(slot="throttle", missed=2, missed_since=NOON))
    delivery = NewDelivery(id="d", target="slack", kind="notify", destination="d", route="r", slots=slots)

    record = json.loads(json.dumps(decision_record(decided(), [delivery])))

    assert read_record(record) == (decided(), (delivery,))


def test_record_of_nothing_is_small() -> None:
    record = decision_record(decided(), ())

    assert record == {"decisions": [], "trace": [], "deliveries": [], "unreached": []}
    assert read_record(record) == (decided(), ())


def test_record_keeps_what_fired_and_the_nearest_misses() -> None:
    def line(route: str, result: Result, passed: int) -> TraceLine:
        return TraceLine(route=route, depth=0, result=result, because="", passed=passed, wanted=3)

    far = [line(f"far{number}", Result.NO, 0) for number in range(100)]
    near, hit = line("near", Result.NO, 2), line("hit", Result.FIRE, 3)
    resolution = Resolution(decisions=(), trace=(*far, near, hit), errors=())

    kept = [route for route, *_ in decision_record(resolution, ())["trace"]]

    assert len(kept) == 21
    assert kept[-2:] == ["near", "hit"]


def test_a_route_in_shadow_takes_no_message_from_another() -> None:
    group = {"by": ["branch"], "wait": 1}
    trial, real = planned(
        decision("trial", "chat", shadow=True, group=group), decision("real", "chat", group=group)
    )

    assert (trial.route, trial.also, trial.settings["shadow"]) == ("trial", (), True)
    assert (real.route, "shadow" in real.settings) == ("real", False)
    assert (trial.lane, trial.group_key) == (f"shadow {real.lane}", f"shadow {real.group_key}")
