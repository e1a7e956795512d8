"""A retry that the policy decided on is looked at once more before it is made."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from relay.actions.base import Doing, NotYet, Tools
from relay.actions.retry import Retry
from relay.ids import new_id
from relay.model import Answer, Event
from tests.actions.conftest import Bench, about, about_build
from tests.factories import NOON
from tests.fakes.circleci_server import says

JUDGED = Retry(policy="flaky")
HOUR = timedelta(hours=1)


def done(
    bench: Bench,
    event: Event,
    *,
    limit: int = 1,
    from_start: bool = False,
    now: datetime = NOON,
    off: str | None = None,
    action: Retry = JUDGED,
) -> Answer:
    """What the action answers, with the ruling among the settings of its delivery."""
    doing = Doing(
        delivery_id=new_id(),
        name="it",
        event=event,
        scope="scope",
        now=now,
        settings={"retry": {"limit": limit, "from_start": from_start}},
    )
    tools: Tools = replace(bench.tools(), is_off=lambda: off)
    return action.perform(doing, tools)


def test_it_is_run_again_from_its_failed_jobs(bench: Bench) -> None:
    answer = done(bench, about(bench.workflow()))

    assert bench.server.asked("POST")[0].json == {"from_failed": True}
    assert answer.leads_on


def test_a_rule_may_want_it_from_the_start(bench: Bench) -> None:
    answer = done(bench, about(bench.workflow()), from_start=True)

    assert bench.server.asked("POST")[0].json == {}
    assert answer.excerpt.startswith("ran it again from the start: workflow ")


@pytest.mark.parametrize(("limit", "posts"), [(1, 1), (2, 2)])
def test_the_limit_is_that_of_the_ruling(bench: Bench, limit: int, posts: int) -> None:
    done(bench, about(bench.workflow()), limit=limit)
    child = list(bench.server.world.workflows.values())[-1]
    child["status"] = "failed"

    answer = done(bench, about(child), limit=limit)

    assert len(bench.posts()) == posts
    assert answer.leads_on is (posts == limit == 2)


def test_a_classic_build_is_run_again(bench: Bench) -> None:
    bench.server.world.add_build(bench.project, 7, platform="1.0")

    answer = done(bench, about_build(7))

    assert bench.posts() == ["/api/v1.1/project/github/acme/api/7/retry"]
    assert answer.leads_on


@pytest.mark.parametrize("status", ["success", "on_hold"])
def test_what_people_have_to_approve_is_left_to_them(bench: Bench, status: str) -> None:
    """Whether the approval was given or is still waited for."""
    jobs = ({"name": "test", "status": "failed"}, {"name": "ship?", "type": "approval", "status": status})
    pipeline = bench.server.world.add_pipeline(bench.project)
    of_workflow = "on_hold" if status == "on_hold" else "failed"
    workflow = bench.server.world.add_workflow(pipeline, jobs=jobs, status=of_workflow)

    answer = done(bench, about(workflow))

    assert answer.excerpt == (
        "not started: its workflow has an approval (ship?):"
        " what people have to approve is run again by people"
    )
    assert bench.posts() == []
    assert not answer.leads_on


def test_a_retry_that_is_always_made_asks_for_no_approvals(bench: Bench) -> None:
    jobs = ({"name": "test", "status": "failed"}, {"name": "ship?", "type": "approval", "status": "success"})
    workflow = bench.server.world.add_workflow(bench.server.world.add_pipeline(bench.project), jobs=jobs)

    bench.do(Retry(), about(workflow), now=NOON + 9 * HOUR)

    assert len(bench.posts()) == 1


def test_where_the_jobs_of_a_workflow_cannot_be_asked_for_it_is_run_again(bench: Bench) -> None:
    bench.server.script("GET", "/job$", says(404, {"message": "Not found"}))

    done(bench, about(bench.workflow()))

    assert len(bench.posts()) == 1


@pytest.mark.parametrize("late", ["the webhook came in time", "the webhook came a day later"])
def test_what_ended_hours_ago_is_not_run_again(bench: Bench, late: str) -> None:
    now = NOON + 24 * HOUR
    received = NOON if late == "the webhook came in time" else now
    event = about(bench.workflow(), finished_at=NOON, received_at=received)

    answer = done(bench, event, now=now)

    assert answer.excerpt == "not started: it ended at 2026-11-23 12:00 UTC, more than 8 hours ago"
    assert bench.posts() == []
    assert not answer.leads_on


def test_what_ended_eight_hours_ago_is(bench: Bench) -> None:
    done(bench, about(bench.workflow(), finished_at=NOON), now=NOON + 8 * HOUR)

    assert len(bench.posts()) == 1


def test_while_retries_are_switched_off_nothing_is_run_again(bench: Bench) -> None:
    answer = done(bench, about(bench.workflow()), off="switched off")

    assert answer.excerpt == "not started: switched off"
    assert not answer.leads_on


def test_a_result_is_awaited_when_somebody_was_quicker(bench: Bench) -> None:
    workflow = bench.workflow()
    bench.server.world.add_workflow(bench.server.world.pipelines[workflow["pipeline_id"]])

    answer = done(bench, about(workflow))

    assert answer.excerpt.startswith("not started: it was run again already, as workflow ")
    assert answer.leads_on


def test_a_result_is_awaited_when_circleci_runs_it_again_by_itself(bench: Bench) -> None:
    answer = done(bench, about(bench.workflow(auto_rerun_number=0, max_auto_reruns=2)))

    assert answer.excerpt == "not started: CircleCI itself is about to run it again"
    assert bench.posts() == []
    assert answer.leads_on


def test_a_workflow_that_still_runs_is_waited_for(bench: Bench) -> None:
    with pytest.raises(NotYet):
        done(bench, about(bench.workflow(status="failing")))
