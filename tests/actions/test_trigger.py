"""Starting a pipeline: what is asked for, and an end to pipelines that start pipelines."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from relay.actions.base import Unresolved
from relay.actions.trigger import Trigger
from relay.errors import DeliveryError
from relay.ids import new_id
from relay.model import Pipeline
from tests.actions.conftest import Bench, about, about_build
from tests.factories import NOON, make_event
from tests.fakes.circleci_server import lost, says


def test_a_pipeline_of_the_events_branch_is_started(bench: Bench) -> None:
    answer = bench.do(Trigger(), make_event(branch="topic/door"))

    (ask,) = bench.server.asked("POST")
    assert ask.path == "/api/v2/project/gh/acme/api/pipeline/run"
    assert ask.json == {"config": {"branch": "topic/door"}, "checkout": {"branch": "topic/door"}}
    assert answer.excerpt == (
        "started a pipeline of gh/acme/api on topic/door: pipeline #1 (v2 pipeline/run)"
    )


def test_another_project_with_parameters(bench: Bench) -> None:
    bench.server.world.add_project("gh/acme/deploy")
    action = Trigger(
        project="gh/{{ project.org }}/deploy",
        tag="{{ commit.short_sha }}",
        parameters={"deploy": "{{ branch }}"},
    )

    bench.do(action, make_event())

    (ask,) = bench.server.asked("POST")
    assert ask.path == "/api/v2/project/gh/acme/deploy/pipeline/run"
    assert ask.json == {
        "config": {"tag": "a1b2c3d"},
        "checkout": {"tag": "a1b2c3d"},
        "parameters": {"deploy": "main"},
    }


def test_parameters_keep_their_kinds(bench: Bench) -> None:
    bench.do(Trigger(parameters={"deploy": True}), make_event())

    assert bench.server.asked("POST")[0].json["parameters"] == {"deploy": True}


def test_the_event_of_a_tag_starts_one_of_the_tag(bench: Bench) -> None:
    bench.do(Trigger(), make_event(branch=None, tag="v1"))

    assert bench.server.asked("POST")[0].json["config"] == {"tag": "v1"}


def test_a_pipeline_that_it_started_starts_no_other(bench: Bench) -> None:
    bench.do(Trigger(), about(bench.workflow()))
    started = list(bench.server.world.pipelines)[-1]

    answer = bench.do(Trigger(), make_event(pipeline=Pipeline(id=started, number=2)))

    assert answer.excerpt == (
        "not started: the relay itself started this pipeline, and the limit of 1 is reached"
    )
    assert len(bench.posts()) == 1


@pytest.mark.parametrize("project", ["acme/api", "github/acme/api", "https://github.com/acme/api"])
def test_nor_does_a_build_that_it_started_however_the_project_is_written(bench: Bench, project: str) -> None:
    bench.server.world.no_v2 = True
    bench.do(Trigger(project=project), about_build(7))

    answer = bench.do(Trigger(project=project), about_build(1))

    assert answer.excerpt.startswith("not started: the relay itself started this pipeline")
    assert sorted(bench.project.builds) == [1]


def test_a_project_that_is_none_is_a_lasting_failure(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match="names no project") as caught:
        bench.do(Trigger(project="nothing"), about_build(7))
    assert caught.value.permanent


def test_unless_a_chain_is_wanted(bench: Bench) -> None:
    bench.do(Trigger(limit=2), about(bench.workflow()))
    started = list(bench.server.world.pipelines)[-1]

    bench.do(Trigger(limit=2), make_event(pipeline=Pipeline(id=started, number=2)))

    assert len(bench.posts()) == 2


def test_a_lost_answer_is_left_to_a_person(bench: Bench) -> None:
    bench.server.script("POST", "", lost())
    event, delivery = about(bench.workflow()), new_id()

    for minutes, permanent in ((0, False), (3, True)):
        with pytest.raises(Unresolved) as caught:
            bench.do(Trigger(), event, delivery=delivery, now=NOON + timedelta(minutes=minutes))
        assert caught.value.permanent is permanent
    assert len(bench.posts()) == 1


def test_what_circleci_skips_is_a_failure(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match=r"will run nothing: Pipeline was skipped: \[ci skip\]"):
        bench.do(Trigger(branch="skip"), make_event())


def test_a_refusal_is_told(bench: Bench) -> None:
    bench.server.script("POST", "", says(400, {"message": "no such parameter"}))

    with pytest.raises(DeliveryError, match="no such parameter") as caught:
        bench.do(Trigger(), make_event())
    assert caught.value.permanent


def test_an_event_of_no_branch_needs_one(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match="of no branch and no tag"):
        bench.do(Trigger(), make_event(branch=None))


def test_a_branch_and_a_tag_are_too_much() -> None:
    with pytest.raises(ValidationError, match="a branch or of a tag"):
        Trigger(branch="main", tag="v1")


def test_a_wrong_name_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ValidationError, match="`brnch` is not a field, did you mean branch"):
        Trigger(branch="{{ brnch }}")


def test_it_says_what_it_would_do() -> None:
    assert Trigger(branch="main").would(make_event()) == "would start a pipeline of gh/acme/api on main"
