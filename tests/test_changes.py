"""The state of a branch and what each result does to it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.changes import in_order, is_red, judge, state_key
from relay.model import (
    Build,
    Change,
    Event,
    EventKind,
    Job,
    Outcome,
    Pipeline,
    Previous,
    Project,
    Status,
    Workflow,
)
from tests.factories import MINUTE, NOON, make_commit, make_event
from tests.histories import check_follow

IGNORED = (Status.CANCELED, Status.NOT_RUN, Status.UNAUTHORIZED)
KEY = ("project.slug", "branch", "workflow.name", "job.name")
GOOD, BAD = Status.SUCCESS, Status.FAILED


def result(number: int, status: Status = GOOD, attempt: int = 1, **fields: Any) -> Event:
    """The workflow of pipeline `number`, run for the `attempt`th time."""
    name = f"w{number}.{attempt}"
    created = NOON + (number * 10 + attempt) * MINUTE
    return replace(
        make_event(id=f"{name}-{status}", status=status, finished_at=created + MINUTE),
        workflow=Workflow(id=name, name="build-and-deploy", created_at=created),
        pipeline=Pipeline(number=number),
        **fields,
    )


def build(number: int, status: Status, retry_of: int | None = None) -> Event:
    return make_event(
        id=f"b{number}",
        kind=EventKind.BUILD,
        status=status,
        number=number,
        started_at=NOON + number * MINUTE,
        workflow=Workflow(),
        pipeline=Pipeline(),
        build=Build(retry_of=retry_of),
    )


def job(pipeline: int, status: Status = GOOD) -> Event:
    """The job of a workflow, by the modern webhook."""
    return replace(
        result(pipeline, status),
        id=f"j{pipeline}",
        kind=EventKind.JOB,
        number=5000 + pipeline,
        job=Job(name="test", number=5000 + pipeline),
        workflow=Workflow(id=f"w{pipeline}", name="build", created_at=NOON + pipeline * 10 * MINUTE),
    )


def classic_job(number: int, status: Status, *, workflow: str, minute: int | None = None) -> Event:
    """The job of a workflow, by the classic webhook, which knows no pipeline."""
    start = NOON + ((number - 5000) * 10 + 1 if minute is None else minute) * MINUTE
    return make_event(
        id=f"c{number}",
        kind=EventKind.BUILD,
        status=status,
        number=number,
        started_at=start,
        finished_at=start + MINUTE,
        job=Job(name="test", number=number),
        workflow=Workflow(id=workflow, name="build"),
        pipeline=Pipeline(),
    )


def play(events: Iterable[Event]) -> tuple[list[Change], list[Outcome]]:
    """The changes announced and the history left when events arrive one after the other."""
    changes, history = [], list[Outcome]()
    for event in events:
        judgement = judge(event, history, IGNORED)
        changes.append(judgement.event.change)
        history += [judgement.outcome] if judgement.outcome else []
    return changes, history


def told(*events: Event) -> list[str]:
    return [str(change) for change in play(events)[0]]


@pytest.mark.parametrize(
    ("events", "changes"),
    [
        ([result(1)], ["first_success"]),
        ([result(1, BAD)], ["first_failure"]),
        ([result(1), result(2, BAD)], ["first_success", "broke"]),
        ([result(1, BAD), result(2, BAD)], ["first_failure", "still_failing"]),
        ([result(1, BAD), result(2)], ["first_failure", "fixed"]),
        ([result(1), result(2)], ["first_success", "still_passing"]),
        ([result(1), result(2, Status.TIMEDOUT)], ["first_success", "broke"]),
        ([result(1), result(2, Status.NO_TESTS)], ["first_success", "broke"]),
        (
            [result(1), result(2, BAD), result(3), result(4, BAD)],
            ["first_success", "broke", "fixed", "broke"],
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) else "",
)
def test_pipelines_one_after_the_other(events: Sequence[Event], changes: list[str]) -> None:
    assert told(*events) == changes


@pytest.mark.parametrize(
    ("statuses", "changes"),
    [
        ([BAD, GOOD], ["broke", "passed_on_retry"]),
        ([BAD, BAD], ["broke", "still_failing"]),
        ([BAD, BAD, GOOD], ["broke", "still_failing", "passed_on_retry"]),
        ([BAD, GOOD, BAD], ["broke", "passed_on_retry", "still_failing"]),
        ([BAD, GOOD, GOOD], ["broke", "passed_on_retry", "passed_on_retry"]),
        ([GOOD, BAD], ["still_passing", "broke"]),
        ([GOOD, BAD, GOOD], ["still_passing", "broke", "passed_on_retry"]),
        ([GOOD, GOOD], ["still_passing", "still_passing"]),
    ],
    ids=str,
)
def test_attempts_of_one_pipeline_after_a_green_one(statuses: list[Status], changes: list[str]) -> None:
    attempts = [result(2, status, attempt) for attempt, status in enumerate(statuses, 1)]

    assert told(result(1), *attempts) == ["first_success", *changes]


def test_retry_that_goes_green_is_never_fixed_but_the_next_green_pipeline_is_once() -> None:
    changes = told(result(1), result(2, BAD), result(2, GOOD, 2), result(3), result(4))

    assert changes == ["first_success", "broke", "passed_on_retry", "fixed", "still_passing"]


def test_failure_after_a_green_retry_is_still_failing() -> None:
    assert told(result(1), result(2, BAD), result(2, GOOD, 2), result(3, BAD))[-1] == "still_failing"


def test_first_attempt_that_fixes_and_then_breaks_is_told_both_times() -> None:
    assert told(result(1, BAD), result(2), result(2, BAD, 2))[1:] == ["fixed", "broke"]


@pytest.mark.parametrize("status", [*IGNORED, Status.UNKNOWN])
def test_ignored_status_changes_nothing_and_is_not_recorded(status: Status) -> None:
    _, history = play([result(1, BAD)])

    judgement = judge(result(2, status), history, IGNORED)

    assert (judgement.event.change, judgement.outcome) == (Change.NONE, None)


def test_ignored_result_does_not_come_between_two_others() -> None:
    changes = told(result(1), result(2, Status.CANCELED), result(3, BAD))

    assert changes == ["first_success", "none", "broke"]


def test_rerun_of_a_cancelled_pipeline_counts_as_its_first_attempt() -> None:
    changes = told(result(1, BAD), result(2, Status.CANCELED), result(2, GOOD, 2))

    assert changes == ["first_failure", "none", "fixed"]


def test_status_taken_off_the_ignore_list_counts_as_bad() -> None:
    _, history = play([result(1)])

    assert judge(result(2, Status.CANCELED), history, ()).event.change is Change.BROKE


@pytest.mark.parametrize("kind", [EventKind.PING, EventKind.RELAY, EventKind.UNKNOWN])
def test_events_that_are_no_results_change_nothing(kind: EventKind) -> None:
    event = make_event(kind=kind)

    judgement = judge(event, (), IGNORED)

    assert (judgement.event, judgement.outcome) == (event, None)


def test_late_result_is_recorded_and_leaves_what_was_told() -> None:
    _, history = play([result(1), result(3)])

    judgement = judge(result(2, BAD), history, IGNORED)

    assert judgement.event.change is Change.NONE
    assert judgement.outcome is not None
    assert judgement.outcome.red is False


def test_late_result_of_an_older_pipeline_does_not_flip_the_state() -> None:
    changes, history = play([result(1), result(3), result(2, BAD)])

    assert changes[-1] is Change.NONE
    assert is_red(in_order(history)) is False


def test_late_result_becomes_the_previous_one_of_what_follows_it_only() -> None:
    _, history = play([result(1), result(4), result(2, BAD)])

    assert judge(result(3, BAD), history, IGNORED).event.previous.number == 2
    assert judge(result(5, BAD), history, IGNORED).event.previous.number == 4


def test_late_failure_counts_for_the_results_after_it() -> None:
    assert told(result(1), result(3, BAD), result(2), result(4)) == [
        "first_success",
        "broke",
        "none",
        "fixed",
    ]


def test_late_first_attempt_does_not_make_what_was_told_as_fixed_be_fixed_again() -> None:
    changes = told(result(1, BAD), result(2, GOOD, 2), result(2, BAD, 1), result(3))

    assert changes == ["first_failure", "fixed", "none", "still_passing"]


def test_late_first_attempt_does_not_hide_that_the_next_pipeline_breaks() -> None:
    changes = told(result(1), result(2, GOOD, 2), result(2, BAD, 1), result(3, BAD))

    assert changes == ["first_success", "still_passing", "none", "broke"]


def test_break_that_comes_after_a_late_bad_attempt_counts_from_itself() -> None:
    _, history = play([result(1), result(2, GOOD, 2), result(2, BAD, 1)])

    previous = judge(result(3, BAD), history, IGNORED).event.previous

    assert (previous.number, previous.red_since, previous.failures) == (2, None, 0)


def test_same_run_with_the_same_status_is_told_once() -> None:
    again = replace(result(2, BAD), id="another", finished_at=NOON + 90 * MINUTE)

    changes, history = play([result(1), result(2, BAD), again])

    assert changes == [Change.FIRST_SUCCESS, Change.BROKE, Change.NONE]
    assert [outcome.run for outcome in history] == ["w1.1", "w2.1"]


def test_run_that_was_seen_bad_is_not_healed_by_a_second_word_about_it() -> None:
    other_word = replace(result(2, BAD), id="another", status=GOOD)

    assert told(result(1), result(2, BAD), other_word)[-1] == "none"


def test_judging_an_event_again_gives_the_same_answer() -> None:
    _, history = play([result(1), result(2, BAD)])

    first = judge(result(2, BAD), history[:1], IGNORED)

    assert judge(result(2, BAD), history, IGNORED) == first


def test_history_may_come_in_any_order() -> None:
    _, history = play([result(1), result(2, BAD), result(3, BAD)])

    assert judge(result(4), history[::-1], IGNORED).event.change is Change.FIXED


def test_outcome_holds_what_later_results_need() -> None:
    event = result(7, BAD)

    assert judge(event, (), IGNORED).outcome == Outcome(
        event_id=event.id,
        status=BAD,
        number=7,
        started_at=NOON + 71 * MINUTE,
        commit=event.commit.sha,
        run="w7.1",
        red=True,
        finished_at=NOON + 72 * MINUTE,
    )


def test_previous_is_the_result_of_the_pipeline_before() -> None:
    before = result(2, BAD, 2, commit=make_commit(sha="2" * 40))
    _, history = play([result(1), result(2), before, result(3)])

    event = judge(result(3, BAD, 2), history, IGNORED).event

    assert event.previous == Previous(status=BAD, number=2, commit="2" * 40, at=before.finished_at)


def test_previous_tells_since_when_the_branch_is_red_and_how_often_it_failed() -> None:
    broke = result(2, BAD)
    _, history = play([result(1), broke, result(3, BAD), result(3, BAD, 2)])

    previous = judge(result(4), history, IGNORED).event.previous

    assert (previous.red_since, previous.failures) == (broke.finished_at, 2)


def test_first_result_has_no_previous() -> None:
    event = result(1, previous=Previous(status=BAD))

    assert judge(event, (), IGNORED).event.previous == Previous()


def test_attempt_counts_the_runs_of_the_pipeline() -> None:
    _, history = play([result(1), result(2, BAD), result(2, BAD, 2)])

    assert judge(result(2, GOOD, 3), history, IGNORED).event.workflow.attempt == 3
    assert judge(result(3), history, IGNORED).event.workflow.attempt == 1


def test_ignored_results_in_the_history_are_named_as_skipped() -> None:
    outcomes = [
        Outcome(event_id=str(number), status=status, number=number, started_at=NOON, run=str(number))
        for number, status in [
            (1, GOOD),
            (2, Status.CANCELED),
            (3, GOOD),
            (4, Status.CANCELED),
            (5, Status.NOT_RUN),
        ]
    ]

    judgement = judge(result(6, BAD), outcomes, IGNORED)

    assert [outcome.number for outcome in judgement.skipped] == [4, 5]
    assert judgement.event.previous.number == 3


def test_classic_builds_are_ordered_by_number() -> None:
    assert told(build(10, GOOD), build(11, BAD), build(12, GOOD)) == ["first_success", "broke", "fixed"]


def test_classic_retry_is_a_later_attempt_of_the_build_it_retries() -> None:
    changes = told(build(10, GOOD), build(11, BAD), build(12, GOOD, retry_of=11), build(13, GOOD))

    assert changes == ["first_success", "broke", "passed_on_retry", "fixed"]


def test_classic_retry_of_a_retry_stays_with_the_first_build() -> None:
    chain = [build(11, BAD), build(12, BAD, retry_of=11), build(13, GOOD, retry_of=12)]

    changes, history = play([build(10, GOOD), *chain])

    assert changes == [Change.FIRST_SUCCESS, Change.BROKE, Change.STILL_FAILING, Change.PASSED_ON_RETRY]
    assert [outcome.number for outcome in history] == [10, 11, 11, 11]


def test_classic_retry_of_an_old_build_is_late() -> None:
    changes = told(build(10, BAD), build(11, BAD), build(12, GOOD, retry_of=10))

    assert changes == ["first_failure", "still_failing", "none"]


@pytest.mark.parametrize("status", [GOOD, BAD])
@pytest.mark.parametrize("is_modern_first", [True, False], ids=["modern first", "classic first"])
def test_run_that_classic_and_modern_webhooks_tell_of_is_told_once(
    status: Status, is_modern_first: bool
) -> None:
    twins = [job(7, status), classic_job(5007, status, workflow="w7")]

    changes = told(job(6, BAD), *(twins if is_modern_first else reversed(twins)), job(8))

    assert changes[1:3] == ["fixed" if status is GOOD else "still_failing", "none"]
    assert changes[3] == ("still_passing" if status is GOOD else "fixed")


def test_modern_results_follow_classic_ones_although_pipelines_have_smaller_numbers() -> None:
    before = [classic_job(5001, GOOD, workflow="w1"), classic_job(5002, BAD, workflow="w2")]

    assert told(*before, job(8), job(9, BAD)) == ["first_success", "broke", "fixed", "broke"]


def test_classic_results_follow_modern_ones() -> None:
    broke, again = classic_job(5009, BAD, workflow="w9"), classic_job(5011, BAD, workflow="w11")

    changes = told(job(8), broke, job(10), again)

    assert changes == ["first_success", "broke", "fixed", "broke"]


def test_classic_result_of_an_old_build_stays_behind_the_pipelines_that_began_after_it() -> None:
    assert told(job(8), job(9), classic_job(5008, BAD, workflow="old", minute=85))[-1] == "none"


def test_late_modern_webhook_gives_a_classic_result_the_number_of_its_pipeline() -> None:
    _, history = play([job(6), classic_job(5007, BAD, workflow="w7"), job(7, BAD)])

    assert [(each.run, each.number) for each in in_order(history)] == [("w6", 6), ("w7", 7)]


def test_cancelled_storm_changes_nothing_and_leaves_nothing() -> None:
    storm = [replace(result(2, Status.CANCELED), id=f"word-{word}") for word in range(5)]

    changes, history = play([result(1, BAD), *storm, result(3)])

    assert changes == [Change.FIRST_FAILURE, *[Change.NONE] * 5, Change.FIXED]
    assert [outcome.number for outcome in history] == [1, 3]


def test_cancelled_storm_that_counts_is_told_once() -> None:
    history = list(play([result(1)])[1])
    changes = []
    for word in range(5):
        judgement = judge(replace(result(2, Status.CANCELED), id=f"word-{word}"), history, ())
        changes.append(judgement.event.change)
        history += [judgement.outcome] if judgement.outcome else []

    assert changes == [Change.BROKE, *[Change.NONE] * 4]


def test_run_told_as_passed_and_then_as_failed_has_broken() -> None:
    other_word = replace(result(2), id="another", status=BAD)

    changes, history = play([result(1, BAD), result(2), other_word, result(3)])

    assert changes == [Change.FIRST_FAILURE, Change.FIXED, Change.BROKE, Change.FIXED]
    assert [(each.run, each.status) for each in in_order(history)][1] == ("w2.1", BAD)


def test_setup_workflow_has_a_state_of_its_own() -> None:
    setup = replace(result(7), workflow=Workflow(id="s7", name="setup", created_at=NOON))

    assert state_key(setup, KEY) != state_key(result(7), KEY)
    assert told(result(6, BAD), result(7)) == ["first_failure", "fixed"]


def test_continuation_that_bears_the_name_of_its_setup_workflow_is_a_later_attempt() -> None:
    setup, continuation = result(7, GOOD, 1), result(7, BAD, 2)

    _, history = play([result(6), setup])
    event = judge(continuation, history, IGNORED).event

    assert (event.change, event.workflow.attempt, event.previous.number) == (Change.BROKE, 2, 6)


def test_results_without_a_number_are_ordered_by_time() -> None:
    def numberless(minute: int, status: Status) -> Event:
        return replace(build(0, status), id=f"m{minute}", number=None, started_at=NOON + minute * MINUTE)

    assert told(numberless(1, GOOD), numberless(3, BAD), numberless(2, BAD), numberless(4, GOOD)) == [
        "first_success",
        "broke",
        "none",
        "fixed",
    ]


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """(results in their order, the same as they arrive: shuffled and with repeats)."""
    events = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        statuses = draw(st.lists(st.sampled_from([GOOD, BAD, Status.CANCELED]), min_size=1, max_size=3))
        events += [result(number, status, attempt) for attempt, status in enumerate(statuses, 1)]
    arrivals = draw(st.permutations([*events, *draw(st.lists(st.sampled_from(events), max_size=3))]))
    return events, [replace(event, id=f"{at}") for at, event in enumerate(arrivals)]


@settings(max_examples=200, deadline=None)
@given(story=stories())
def test_order_of_arrival_and_repeats_do_not_change_the_final_state(
    story: tuple[list[Event], list[Event]],
) -> None:
    events, arrivals = story

    in_time, shuffled = play(events)[1], play(arrivals)[1]

    assert is_red(in_order(shuffled)) is is_red(in_order(in_time))
    assert [o.run for o in in_order(shuffled)] == [o.run for o in in_time]


@settings(max_examples=200, deadline=None)
@given(story=stories())
def test_no_pipeline_breaks_or_fixes_twice(story: tuple[list[Event], list[Event]]) -> None:
    for events in story:
        changes = play(events)[0]
        loud = [
            (event.pipeline.number, change)
            for event, change in zip(events, changes, strict=True)
            if change in (Change.BROKE, Change.FIXED)
        ]

        assert len(loud) == len(set(loud))


@settings(max_examples=300, deadline=None)
@given(story=stories())
def test_each_announcement_follows_from_the_one_before_whatever_the_order(
    story: tuple[list[Event], list[Event]],
) -> None:
    for events in story:
        check_follow(change for change in play(events)[0] if change is not Change.NONE)


@settings(max_examples=300, deadline=None)
@given(story=stories())
def test_each_run_is_told_of_once(story: tuple[list[Event], list[Event]]) -> None:
    _, arrivals = story

    changes = play(arrivals)[0]

    told = [event.workflow.id for event, change in zip(arrivals, changes, strict=True) if change != "none"]
    assert len(told) == len(set(told))


@settings(max_examples=100, deadline=None)
@given(story=stories())
def test_recorded_state_is_the_folded_state(story: tuple[list[Event], list[Event]]) -> None:
    history = play(story[0])[1]

    assert [outcome.red for outcome in history] == [is_red(history[: at + 1]) for at in range(len(history))]


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (make_event(), "gh/acme/api | main | build-and-deploy"),
        (make_event(job=Job(name="test")), "gh/acme/api | main | build-and-deploy | test"),
        (make_event(branch=None, tag="v1"), "gh/acme/api | - | build-and-deploy"),
        (make_event(workflow=Workflow(), job=Job(name="test")), "gh/acme/api | main | - | test"),
        (make_event(branch="a\n\x00\ud800"), r"gh/acme/api | a\n\x00\ud800 | build-and-deploy"),
    ],
    ids=["workflow", "job", "tag", "job without workflow", "control characters"],
)
def test_state_key(event: Event, key: str) -> None:
    assert state_key(event, KEY) == key


def test_long_state_keys_are_cut_and_stay_distinct() -> None:
    keys = [state_key(make_event(project=Project(slug="x" * 5000 + end)), KEY) for end in "ab"]

    assert len(set(keys)) == 2
    assert max(map(len, keys)) < 450


def test_time_stands_in_for_a_workflow_without_a_creation_time() -> None:
    event = replace(result(1), workflow=Workflow(id="w"), started_at=None, finished_at=None)

    outcome = judge(event, (), IGNORED).outcome

    assert outcome is not None
    assert outcome.started_at == event.received_at
    assert outcome.started_at.utcoffset() == timedelta(0)
