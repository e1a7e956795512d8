"""A retry asks once, counts on the root, and says what it did."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from relay.actions.base import NotYet, Unresolved
from relay.actions.retry import Retry
from relay.errors import DeliveryError
from relay.ids import new_id
from relay.model import Answer, Build, EventKind, Job, Status, Workflow
from relay.runs import RunState
from tests.actions.conftest import Bench, about, about_build
from tests.factories import NOON
from tests.fakes.circleci_server import Script, cut, dropped, lost, says, slow
from tests.relays import until


def test_a_workflow_is_run_again_from_its_failed_jobs(bench: Bench) -> None:
    workflow = bench.workflow()

    answer = bench.do(Retry(), about(workflow))

    child = list(bench.server.world.workflows)[-1]
    assert answer.excerpt == f"ran it again from its failed jobs: workflow {child} (v2 rerun)"
    assert bench.server.asked("POST")[0].json == {"from_failed": True}
    assert bench.notes == {"actions": {"it": {"type": "retry", "text": answer.excerpt, "url": None}}}


def test_its_page_is_told_where_the_event_shows_how(bench: Bench) -> None:
    workflow = bench.workflow()
    page = f"https://app.circleci.com/pipelines/github/acme/api/1/workflows/{workflow['id']}"
    event = replace(about(workflow), workflow=Workflow(id=workflow["id"], name="build", url=page))

    answer = bench.do(Retry(), event)

    child = list(bench.server.world.workflows)[-1]
    assert answer.receipt == {"url": page.replace(workflow["id"], child)}


def test_from_the_start(bench: Bench) -> None:
    bench.do(Retry.model_validate({"from": "start"}), about(bench.workflow()))

    assert bench.server.asked("POST")[0].json == {}


def test_the_same_delivery_starts_nothing_twice(bench: Bench) -> None:
    event, delivery = about(bench.workflow()), new_id()
    bench.do(Retry(), event, delivery=delivery)

    again = bench.do(Retry(), event, delivery=delivery)

    assert len(bench.posts()) == 1
    assert again.excerpt.startswith("ran it again from its failed jobs before: ")


def test_another_delivery_about_the_same_workflow_finds_it_done(bench: Bench) -> None:
    event = about(bench.workflow())
    bench.do(Retry(), event)

    answer = bench.do(Retry(limit=5), event)

    assert answer.excerpt.startswith("not started: it was run again already, as workflow ")
    assert len(bench.posts()) == 1


def test_what_somebody_ran_again_by_hand_is_left_alone(bench: Bench) -> None:
    workflow = bench.workflow()
    by_hand = bench.server.world.add_workflow(bench.server.world.pipelines[workflow["pipeline_id"]])

    answer = bench.do(Retry(), about(workflow))

    assert answer.excerpt == f"not started: it was run again already, as workflow {by_hand['id']}"
    assert bench.posts() == []


def test_a_workflow_that_circleci_runs_again_by_itself_is_left_alone(bench: Bench) -> None:
    answer = bench.do(Retry(), about(bench.workflow(auto_rerun_number=0, max_auto_reruns=2)))

    assert answer.excerpt == "not started: CircleCI itself is about to run it again"


def test_a_workflow_that_still_runs_is_waited_for(bench: Bench) -> None:
    workflow = bench.workflow(status="failing")
    event = about(workflow, kind=EventKind.JOB, job=Job(name="test", number=7))

    with pytest.raises(NotYet, match=r"has not ended yet \(failing\)") as caught:
        bench.do(Retry(), event)
    assert not caught.value.permanent
    assert bench.posts() == []


@pytest.mark.parametrize(("limit", "posts"), [(1, 1), (2, 2), (3, 3)])
def test_a_chain_is_no_longer_than_its_limit(bench: Bench, limit: int, posts: int) -> None:
    workflow = bench.workflow()
    for _ in range(5):
        bench.do(Retry(limit=limit), about(workflow))
        workflow = list(bench.server.world.workflows.values())[-1]
        workflow["status"] = "failed"

    assert len(bench.posts()) == posts


def test_a_classic_build_that_is_a_retry_counts_as_one(bench: Bench) -> None:
    bench.server.world.add_build(bench.project, 7, platform="1.0")

    answer = bench.do(Retry(), about_build(7, build=Build(why="retry", retry_of=6)))

    assert answer.excerpt == "not started: the limit of 1 is reached"


def test_during_the_cooldown_nothing_of_the_same_scope_is_run_again(bench: Bench) -> None:
    action = Retry.model_validate({"cooldown": "10m"})
    bench.do(action, about(bench.workflow()))

    early = bench.do(action, about(bench.workflow()), now=NOON + timedelta(minutes=9))
    late = bench.do(action, about(bench.workflow()), now=NOON + timedelta(minutes=11))

    assert early.excerpt == "not started: the last one was at 12:00 UTC, and the cooldown is not over"
    assert late.excerpt.startswith("ran it again")


def test_a_fork_is_never_run_again_with_ssh(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match="never run again with SSH"):
        bench.do(Retry(ssh=True), about(bench.workflow(), fork=True))


def test_what_passed_has_no_failed_jobs(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match="use from: start"):
        bench.do(Retry(), about(bench.workflow(), status=Status.SUCCESS))


def test_a_classic_build_is_run_again_through_v1_1(bench: Bench) -> None:
    bench.server.world.add_build(bench.project, 7, platform="1.0")

    answer = bench.do(Retry(), about_build(7))

    assert answer.excerpt.startswith("ran it again: build #8 (v1.1 retry)")
    assert bench.store.runs.started(["gh/acme/api#8"])["gh/acme/api#8"].root == "gh/acme/api#7"


def test_a_build_that_will_never_run_is_a_failure(bench: Bench) -> None:
    bench.server.world.add_build(bench.project, 7, platform="1.0")
    bench.project.dont_build = "no-followers"
    delivery = new_id()

    with pytest.raises(
        DeliveryError, match="CircleCI took the call and will run nothing: no-follow"
    ) as caught:
        bench.do(Retry(), about_build(7), delivery=delivery)

    run = bench.store.runs.find(delivery)
    assert caught.value.permanent
    assert run is not None
    assert run.state is RunState.REFUSED


def test_after_the_end_of_the_old_api_a_build_without_workflow_cannot_be_run_again(bench: Bench) -> None:
    bench.server.world.gone = True
    bench.server.world.add_build(bench.project, 7, platform="1.0")

    with pytest.raises(DeliveryError, match="answered 410") as caught:
        bench.do(Retry(), about_build(7))
    assert caught.value.permanent


def test_after_the_end_of_the_old_api_a_build_of_a_workflow_is(bench: Bench) -> None:
    bench.server.world.gone = True
    workflow = bench.workflow()
    bench.server.world.add_build_in_workflow(bench.project, workflow, 7)

    answer = bench.do(Retry(), about_build(7))

    assert "(v2 rerun)" in answer.excerpt


@pytest.mark.parametrize("broken", [lost(), cut()], ids=["lost", "cut"])
def test_what_a_lost_answer_started_is_found(bench: Bench, broken: Script) -> None:
    bench.server.script("POST", "/rerun$", broken)

    answer = bench.do(Retry(), about(bench.workflow()))

    assert answer.excerpt.endswith("(found in the same pipeline)")
    assert len(bench.posts()) == 1


def test_what_a_lost_answer_of_the_old_api_started_is_found(bench: Bench) -> None:
    bench.server.script("POST", "/retry$", lost())
    bench.server.world.add_build(bench.project, 7, platform="1.0")

    answer = bench.do(Retry(), about_build(7))

    assert answer.excerpt == "ran it again: build #8 (found by the build's retries)"


def test_two_attempts_at_one_delivery_at_the_same_time_ask_once(bench: Bench) -> None:
    """The one was taken for dead and goes on; the other took over and has asked, but not heard yet."""
    event, delivery = about(bench.workflow()), new_id()
    bench.server.script("GET", "/pipeline/.*/workflow", slow(0.6))
    bench.server.script("POST", "/rerun$", slow(1.5))
    answers: list[Answer] = []
    revenant = threading.Thread(target=lambda: answers.append(bench.do(Retry(), event, delivery=delivery)))
    revenant.start()
    until(lambda: bench.server.asked("GET", "/pipeline/"))

    answers.append(bench.do(Retry(), event, delivery=delivery))
    revenant.join()

    child = list(bench.server.world.workflows)[-1]
    assert len(bench.posts()) == 1
    assert all(child in answer.excerpt for answer in answers)


def test_two_routes_that_retry_the_same_workflow_at_once_run_it_again_once(bench: Bench) -> None:
    """Neither sees a newer workflow yet, and the limit would allow both."""
    event = about(bench.workflow())
    bench.server.script("GET", "/pipeline/.*/workflow", slow(0.3), times=2)
    texts: list[str] = []
    both = [
        threading.Thread(target=lambda: texts.append(bench.do(Retry(limit=2), event).excerpt))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert len(bench.posts()) == 1
    assert "not started: it has asked for that already" in texts


def test_what_was_taken_and_never_run_does_not_count_as_run_again(bench: Bench) -> None:
    bench.server.world.add_build(bench.project, 7, platform="1.0")
    bench.project.dont_build = "no-followers"
    delivery = new_id()
    with pytest.raises(DeliveryError):
        bench.do(Retry(), about_build(7), delivery=delivery)
    bench.project.dont_build = None

    replayed = bench.do(Retry(), about_build(7), delivery=delivery)

    assert (
        replayed.excerpt
        == "ran it again: build #9 (v1.1 retry); no workflow is known; ran the one build again through v1.1"
    )


def test_an_intent_without_an_answer_is_only_ever_looked_for(bench: Bench) -> None:
    bench.server.script("POST", "/rerun$", dropped())
    event, delivery = about(bench.workflow()), new_id()

    for minutes, permanent in ((0, False), (1, False), (3, True), (600, True)):
        with pytest.raises(Unresolved) as caught:
            bench.do(Retry(), event, delivery=delivery, now=NOON + timedelta(minutes=minutes))
        assert caught.value.permanent is permanent

    run = bench.store.runs.find(delivery)
    assert run is not None
    assert run.state is RunState.UNKNOWN
    assert len(bench.posts()) == 1


def test_what_shows_late_is_still_found(bench: Bench) -> None:
    bench.server.script("POST", "/rerun$", dropped())
    workflow, delivery = bench.workflow(), new_id()
    with pytest.raises(Unresolved):
        bench.do(Retry(), about(workflow), delivery=delivery)
    late = bench.server.world.add_workflow(bench.server.world.pipelines[workflow["pipeline_id"]])

    answer = bench.do(Retry(), about(workflow), delivery=delivery, now=NOON + timedelta(hours=1))

    assert late["id"] in answer.excerpt


def test_looking_that_fails_leaves_it_open(bench: Bench) -> None:
    event, delivery = about(bench.workflow()), new_id()
    bench.server.script("POST", "/rerun$", dropped())
    with pytest.raises(Unresolved):
        bench.do(Retry(), event, delivery=delivery)
    bench.server.script("GET", "", says(403, {"message": "not now"}), times=9)

    with pytest.raises(Unresolved, match=r"looking for what came of it failed: .* not now") as caught:
        bench.do(Retry(), event, delivery=delivery, now=NOON + timedelta(hours=1))

    assert not caught.value.permanent
    assert len(bench.posts()) == 1


def test_an_event_of_nothing_is_refused(bench: Bench) -> None:
    with pytest.raises(DeliveryError, match="names no workflow or build"):
        bench.do(Retry(), replace(about_build(7), number=None))


def test_without_a_token_it_says_what_is_missing(bench: Bench) -> None:
    bench.client = None

    with pytest.raises(DeliveryError, match=r"there is no circleci\.token"):
        bench.do(Retry(), about(bench.workflow()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "would run workflow build again from its failed jobs, at most 1 time"),
        (
            {"from": "start", "limit": 2, "delay": "30s"},
            "would run workflow build again from the start in 30s, at most 2 times",
        ),
    ],
)
def test_it_says_what_it_would_do(bench: Bench, options: dict[str, object], words: str) -> None:
    assert Retry.model_validate(options).would(about(bench.workflow())) == words
