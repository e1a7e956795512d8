"""A failed run judged by its history: odds, ruling, what rules can read, and the verdict afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay.failures import Evidence, Failure, FailureClass, as_notes
from relay.judging import Known, RetryTerms
from relay.judging.asking import question
from relay.judging.ending import conclude_attempt
from relay.judging.verdict import judge_failure
from relay.model import Event, EventKind, Pipeline, Status, Workflow
from relay.policy import (
    NEVER,
    RULES,
    Memory,
    Mode,
    PastFailure,
    PastRetry,
    PastRun,
    Policy,
    Rule,
    RuledBefore,
    Sighting,
    Used,
    as_match,
)
from tests.factories import make_commit, make_event, make_project

NOW = datetime(2026, 11, 23, 21, 15, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = "gh/acme/api | main | build-and-deploy"
KEYS = ("project.slug", "branch", "workflow.name", "job.name")
PRINT = "ab" * 8


def terms(**overrides: Any) -> RetryTerms:
    rules = tuple(
        Rule(id=each["id"], when=as_match(each["when"]), retry=each["do"]["retry"], delay=each["do"]["delay"])
        for each in RULES
    )
    policy = Policy(rules=rules, never=tuple(map(as_match, NEVER)))
    fields: dict[str, Any] = {
        "mode": Mode.ON,
        "policy": policy,
        "explore": 0.0,
        "keys": KEYS,
        "trunk": ("main",),
    }
    return RetryTerms(**{**fields, **overrides})


def failure(of: str = FailureClass.NET, **its: Any) -> Failure:
    evidence = Evidence(signature="net.reset", failure_class=of, lr=12, line="Connection reset by peer")
    fields: dict[str, Any] = {
        "job": "integration",
        "failure_class": of,
        "signatures": ("net.reset",),
        "evidence": evidence,
        "lr_transient": 12.0,
        "fingerprint": PRINT,
    }
    return Failure(**{**fields, **its})


def failed_event(*failures: Failure, **overrides: Any) -> Event:
    notes = [as_notes(each) for each in failures]
    fields: dict[str, Any] = {
        "kind": EventKind.WORKFLOW,
        "status": Status.FAILED,
        "branch": "main",
        "project": make_project(slug="gh/acme/api"),
        "workflow": Workflow(id="w-2", name="build-and-deploy"),
        "pipeline": Pipeline(id="p-1", number=7812),
        "commit": make_commit(sha="c-new"),
        "started_at": NOW - timedelta(minutes=12),
        "finished_at": NOW,
        "duration": 720.0,
        "notes": {"failure": {**notes[0], "jobs": notes}} if notes else {},
    }
    return make_event(**{**fields, **overrides})


def past(status: Status, days: float, commit: str, failures: Sequence[PastFailure] | None = None) -> PastRun:
    given = tuple(failures) if failures is not None else None
    at = NOW - days * DAY
    return PastRun(
        event_id=f"e-{commit}-{days}", number=1, at=at, commit=commit, status=status, failures=given
    )


def history() -> list[PastRun]:
    """172 commits that passed, six that flaked, two that were broken: the example of failures.md 4.9."""
    broken = PastFailure(job="integration", failure_class="genuine.test", fingerprint="ff" * 8)
    flaked = PastFailure(job="integration", failure_class="net", fingerprint=PRINT)
    found = [past(Status.SUCCESS, 0.01, f"good-{at}") for at in range(172)]
    found += [past(Status.FAILED, 0.02, f"bad-{at}", [broken]) for at in range(2)]
    for at in range(6):
        found.append(past(Status.FAILED, 0.03, f"flake-{at}", [flaked]))
        found.append(replace(past(Status.SUCCESS, 0.02, f"flake-{at}"), is_ours=True))
    return found


def known(runs: Sequence[PastRun] = (), **overrides: Any) -> Known:
    memory = Memory(runs={KEY: tuple(runs)}, **overrides)
    return Known(memory=memory, spent=Used())


def judged(event: Event, given: Known, **its: Any) -> Any:
    how = terms(**its)
    asked = question(event, how)
    assert asked is not None
    found = judge_failure(event, asked, given, how, NOW)
    assert found is not None
    return found


def test_the_worked_example_comes_out_as_it_is_written() -> None:
    retried = [
        PastRetry(
            project="gh/acme/api",
            job="integration",
            failure_class="net",
            passed=at > 0,
            is_ours=True,
            failed_at=NOW - timedelta(minutes=20),
            ended_at=NOW - timedelta(minutes=10),
        )
        for at in range(7)
    ]
    found = judged(failed_event(failure()), known(history(), retries=tuple(retried)))
    (odds,) = found.judged
    assert round(odds.p_transient, 2) == 0.96
    assert round(odds.success, 2) == 0.84  # the page has 0.85, with a prior that other projects had raised
    assert round(odds.p_passes, 2) == 0.81
    assert found.ruled.ruling.retry
    assert found.awaits_retry


def test_what_rules_and_messages_read_is_noted_with_the_event() -> None:
    event = judged(failed_event(failure()), known(history())).event
    assert event.notes["history"]["known_flaky"] is True
    assert event.notes["failure"]["class"] == "net"
    assert 0.9 < event.notes["failure"]["p_transient"] < 1


def test_in_shadow_it_is_decided_and_nothing_is_awaited() -> None:
    found = judged(failed_event(failure()), known(), mode=Mode.SHADOW)
    assert found.ruled.ruling.retry
    assert not found.awaits_retry


def test_a_compiler_error_is_genuine_and_told_at_once() -> None:
    broken = failure(FailureClass.COMPILE, lr_transient=1.0, lr_genuine=0.03)
    assert judged(failed_event(broken), known(history())).ruled.ruling.stop == "never"


def test_the_same_failure_on_trunk_is_broken_there_and_not_tried_again() -> None:
    test = failure(FailureClass.FLAKY, lr_transient=1.0)
    seen = Sighting(fingerprint=PRINT, project="gh/acme/api", branch="main", author="bob")
    event = failed_event(test, branch="feature")
    rule = Rule(id="all", when=as_match({}), retry=1)
    policy = Policy(rules=(rule,), never=())
    found = judged(event, known(sightings=(seen,)), policy=policy)
    assert found.ruled.ruling.stop == "broken"


def test_known_flaky_tests_are_known_by_passing_again_at_two_commits() -> None:
    def flaked(commit: str, days: float) -> list[PastRun]:
        test = PastFailure(
            job="integration", failure_class="flaky", fingerprint="cc" * 8, tests=("test_pay",)
        )
        return [past(Status.FAILED, days, commit, [test]), past(Status.SUCCESS, days - 0.01, commit)]

    once = judged(
        failed_event(failure(FailureClass.TEST, tests=("test_pay",), test_count=1)), known(flaked("a", 3))
    )
    twice = judged(
        failed_event(failure(FailureClass.TEST, tests=("test_pay",), test_count=1)),
        known([*flaked("a", 3), *flaked("b", 2)]),
    )
    assert once.event.notes["failure"]["known_flaky"] == "none"
    assert twice.event.notes["failure"]["known_flaky"] == "all"
    assert (once.ruled.ruling.retry, twice.ruled.ruling.retry) == (False, True)


def test_a_pull_request_has_to_be_surer_than_trunk() -> None:
    doubtful = failure(lr_transient=1.5)
    on_trunk = judged(failed_event(doubtful), known())
    on_branch = judged(failed_event(doubtful, branch="feature"), known())
    assert on_trunk.ruled.ruling.retry
    assert on_branch.ruled.ruling.stop == "odds"


def test_by_lot_a_few_are_tried_again_against_the_odds_and_never_against_a_limit() -> None:
    doubtful = failure(lr_transient=1.5)
    event = failed_event(doubtful, branch="feature")
    explored = judged(event, known(), explore=1.0)
    assert (explored.ruled.ruling.retry, explored.ruled.explored) == (True, True)
    spent = replace(known(), spent=Used(on_commit=2))
    assert judged(failed_event(failure()), spent, explore=1.0).ruled.ruling.stop == "per_commit"


def test_a_lot_is_not_drawn_where_the_odds_speak_against_it_and_a_budget_is_spent_too() -> None:
    event = failed_event(failure(lr_transient=1.5), branch="feature")
    spent = replace(known(), spent=Used(in_hour=2))
    ruled = judged(event, spent, explore=1.0).ruled
    assert (ruled.ruling.retry, ruled.ruling.stop, ruled.explored) == (False, "odds", False)


def test_by_lot_a_run_is_tried_again_once_and_no_more() -> None:
    event = failed_event(failure(lr_transient=1.5), branch="feature")
    again = replace(known(), spent=Used(on_root=1))
    assert judged(event, known(), explore=1.0).ruled.ruling.limit == 1
    assert judged(event, again, explore=1.0).ruled.ruling.retry is False


def test_a_lot_drawn_for_one_job_helps_no_other_that_has_no_rule() -> None:
    other = failure(FailureClass.UNKNOWN, job="unit", signatures=(), evidence=None)
    event = failed_event(failure(lr_transient=1.5), other, branch="feature")
    assert judged(event, known(), explore=1.0).ruled.ruling.retry is False


def test_a_failure_that_came_back_alike_is_less_likely_to_pass() -> None:
    first = PastFailure(job="integration", failure_class="net", fingerprint=PRINT)
    again = known([past(Status.FAILED, 0.02, "c-new", [first])])
    once = judged(failed_event(failure()), known()).judged[0]
    twice = judged(failed_event(failure()), again).judged[0]
    assert twice.p_passes < once.p_passes


def test_an_event_that_is_no_result_is_not_asked_about() -> None:
    assert question(failed_event(status=Status.CANCELED), terms(ignore=(Status.CANCELED,))) is None
    assert question(failed_event(kind=EventKind.PING), terms()) is None


def ruled_before(of: str = "net") -> RuledBefore:
    failed = PastFailure(
        job="integration", failure_class=of, fingerprint=PRINT, evidence="Connection reset by peer"
    )
    return RuledBefore(
        event_id="e-1",
        root="p-1 build-and-deploy",
        at=NOW - timedelta(minutes=20),
        mode=Mode.ON,
        retry=True,
        explored=False,
        rule="network",
        stop=None,
        p_transient=0.96,
        p_passes=0.82,
        passed=None,
        verdict=None,
        ended_at=None,
        failures=(failed,),
    )


def ended(event: Event, *before: RuledBefore) -> Any:
    rerun = replace(event, workflow=replace(event.workflow, attempt=2))
    asked = question(rerun, terms())
    assert asked is not None
    given = replace(known(), before=before)
    return conclude_attempt(rerun, asked, given, terms(), NOW, is_final=True)


def test_a_retry_that_passes_says_that_it_was_not_the_change() -> None:
    end, said = ended(failed_event(status=Status.SUCCESS), ruled_before())
    assert (end.passed, end.verdict) == (True, "infrastructure")
    assert said.words == "recovered; not your change; Connection reset by peer"


def test_a_retry_that_fails_alike_is_not_called_flaky() -> None:
    end, said = ended(failed_event(failure()), ruled_before())
    assert end.passed is False
    assert "flaky" not in said.words


@pytest.mark.parametrize("of", ["net", "flaky", "genuine.test", "unknown", "my.class"])
def test_every_class_comes_to_some_verdict(of: str) -> None:
    for event in (failed_event(status=Status.SUCCESS), failed_event(failure(of)), failed_event()):
        assert ended(event, ruled_before(of)) is not None


def test_without_a_ruling_before_there_is_nothing_to_conclude() -> None:
    assert ended(failed_event(status=Status.SUCCESS)) is None
