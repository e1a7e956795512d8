"""Whether a failed run is tried again: rules, odds, budgets, breakers, and in which order they are asked."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.failures import Evidence, Failure, FailureClass
from relay.model import Event, Status
from relay.policy import (
    NEVER,
    RULES,
    Breakers,
    Budgets,
    Case,
    Odds,
    Policy,
    Rule,
    Ruling,
    Used,
    as_match,
    rule_on,
)
from tests.factories import make_event

NOW = datetime(2026, 11, 23, 21, 15, tzinfo=UTC)
GOOD = Odds(p_transient=0.96, p_passes=0.82, floor=0.25)


def rules(*written: Mapping[str, Any]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            id=each["id"],
            when=as_match(each.get("when", {})),
            retry=each.get("do", {}).get("retry", 1),
            delay=each.get("do", {}).get("delay", 0.0),
        )
        for each in written
    )


SHIPPED = Policy(rules=rules(*RULES), never=tuple(map(as_match, NEVER)))


def failure(of: FailureClass = FailureClass.REGISTRY, **its: Any) -> Failure:
    evidence = Evidence(signature="reg.pip_net", failure_class=of, lr=14, line="Retrying")
    return Failure(
        **{"job": "unit", "failure_class": of, "fingerprint": "ab" * 8, "evidence": evidence, **its}
    )


def noted(event: Event, found: Failure, **more: Any) -> Event:
    """The event as rules read it for one failed job."""
    note = {"class": str(found.failure_class), "name": found.job, "step": found.step, **more}
    return replace(event, notes={**event.notes, "failure": note})


def case(*failures: Failure, odds: Odds = GOOD, event: Event | None = None, **its: Any) -> Case:
    event = event or make_event(status=Status.FAILED, branch="main")
    jobs = tuple((noted(event, found), found, odds) for found in failures)
    return Case(
        **{"event": event, "jobs": jobs, "jobs_failed": len(jobs), "tests_failed": 0, "minutes": 12.0, **its}
    )


def ruled(*failures: Failure, policy: Policy = SHIPPED, **its: Any) -> Ruling:
    return rule_on(case(*failures, **its), policy, NOW)


def test_a_lost_download_is_tried_again_after_two_minutes_and_the_words_say_by_which_rule() -> None:
    ruling = ruled(failure())
    assert (ruling.retry, ruling.rules, ruling.limit, ruling.delay) == (True, ("registry",), 1, 120.0)
    assert ruling.words == ("unit: rule registry: again at most once, since failure.class = registry",)


@pytest.mark.parametrize(
    "of", [FailureClass.COMPILE, FailureClass.LINT, FailureClass.GATE, FailureClass.CANCEL]
)
def test_what_compilers_linters_and_gates_refuse_is_never_tried_again(of: FailureClass) -> None:
    ruling = ruled(failure(of))
    assert (ruling.retry, ruling.stop) == (False, "never")


@pytest.mark.parametrize(
    "of", [FailureClass.DEP, FailureClass.CONFIG, FailureClass.AUTH, FailureClass.UNKNOWN]
)
def test_a_class_that_no_rule_names_is_not_tried_again(of: FailureClass) -> None:
    ruling = ruled(failure(of))
    assert (ruling.retry, ruling.stop) == (False, "no rule")
    assert ruling.words == (f"unit: no rule for a failure of class {of} (reg.pip_net)",)


def test_a_job_that_deploys_is_never_tried_again_whatever_its_failure() -> None:
    ruling = ruled(failure(job="deploy-production"))
    assert ruling.stop == "never"
    assert "deploy-production is never run again" in ruling.words[0]


def test_a_fork_is_never_tried_again_unless_that_is_asked_for() -> None:
    event = make_event(status=Status.FAILED, fork=True)
    assert ruled(failure(), event=event).stop == "never"
    assert ruled(failure(), event=event, policy=replace(SHIPPED, forks=True)).retry


@pytest.mark.parametrize("status", [Status.CANCELED, Status.UNAUTHORIZED, Status.NOT_RUN])
def test_what_somebody_stopped_is_never_tried_again(status: Status) -> None:
    assert ruled(failure(), event=make_event(status=status)).stop == "never"


def test_the_switch_comes_before_everything_else() -> None:
    ruling = ruled(failure(job="deploy"), is_off="retries were switched off by alice")
    assert (ruling.stop, ruling.words) == ("off", ("retries were switched off by alice",))


def test_one_job_that_is_really_broken_keeps_the_others_from_being_tried_again() -> None:
    ruling = ruled(failure(), failure(FailureClass.TEST, job="integration"))
    assert (ruling.retry, ruling.stop) == (False, "no rule")


def test_of_two_jobs_the_longer_wait_and_the_smaller_limit_hold() -> None:
    ruling = ruled(failure(FailureClass.AGENT), failure(FailureClass.QUOTA, job="images"))
    assert (ruling.rules, ruling.limit, ruling.delay) == (("lost-executor", "quota"), 1, 1200.0)


def test_a_retry_that_hardly_passes_is_not_worth_it() -> None:
    ruling = ruled(failure(), odds=replace(GOOD, p_passes=0.2))
    assert ruling.stop == "odds"
    assert ruling.words[-1] == "unit: a retry passes with 20%, which is less than 25%"


def test_a_floor_of_ones_own_takes_the_place_of_what_it_costs() -> None:
    low = replace(GOOD, p_passes=0.2)
    assert ruled(failure(), odds=low, policy=replace(SHIPPED, expect_passes=0.1)).retry


def test_a_branch_that_is_broken_by_this_very_failure_is_left_alone() -> None:
    assert ruled(failure(), odds=replace(GOOD, is_broken=True)).stop == "broken"


def test_known_flaky_tests_are_tried_again_and_others_are_not() -> None:
    event = make_event(status=Status.FAILED)
    found = failure(FailureClass.TEST)
    known = noted(event, found, known_flaky="all", test_count=2)
    stable = noted(event, found, known_flaky="some", test_count=2)
    many = noted(event, found, known_flaky="all", test_count=4)
    whole = case(found)
    answers = [
        rule_on(replace(whole, jobs=((read, found, GOOD),)), SHIPPED, NOW).retry
        for read in (known, stable, many)
    ]
    assert answers == [True, False, False]


def test_more_than_five_failed_jobs_are_no_flake() -> None:
    ruling = ruled(failure(), jobs_failed=6)
    assert ruling.stop == "too_many_failures"


@pytest.mark.parametrize(
    ("spent", "stop"),
    [
        (Used(on_root=1), "per_build"),
        (Used(on_commit=2), "per_commit"),
        (Used(on_branch=6), "per_branch"),
        (Used(in_hour=2), "per_hour"),
        (Used(minutes_day=229), "minutes.day"),
        (Used(minutes_month=2989), "minutes.month"),
    ],
)
def test_each_budget_ends_it(spent: Used, stop: str) -> None:
    ruling = ruled(failure(), spent=spent)
    assert (ruling.retry, ruling.stop, ruling.rules) == (False, stop, ("registry",))


def test_the_hour_has_room_for_a_tenth_of_the_runs_that_ended_in_it() -> None:
    budgets = Budgets()
    assert [budgets.hourly(ended) for ended in (0, 20, 35, 100, 1000)] == [2, 2, 3, 10, 20]


def test_an_outage_stops_retries_until_it_has_been_quiet_for_a_while() -> None:
    spent = Used(hits_projects=3, last_hit=NOW - timedelta(minutes=44))
    ruling = ruled(failure(), spent=spent)
    assert (ruling.stop, ruling.until) == ("outage", NOW + timedelta(minutes=1))
    assert ruled(failure(), spent=replace(spent, last_hit=NOW - timedelta(minutes=45))).retry


def test_after_an_outage_one_probe_goes_first() -> None:
    spent = Used(hits_here=5, last_hit=NOW - timedelta(hours=1), probed_at=NOW - timedelta(minutes=1))
    assert ruled(failure(), spent=spent).stop == "outage"


def test_an_outage_is_no_reason_against_a_flaky_test() -> None:
    event = make_event(status=Status.FAILED)
    found = failure(FailureClass.FLAKY)
    read = noted(event, found, known_flaky="all", test_count=1)
    spent = Used(hits_projects=9, last_hit=NOW)
    assert rule_on(replace(case(found, spent=spent), jobs=((read, found, GOOD),)), SHIPPED, NOW).retry


def test_retries_that_hardly_ever_pass_stop_for_two_hours() -> None:
    decided = (False,) * 8 + (True, True)
    spent = Used(decided=decided, last_decided=NOW - timedelta(hours=1))
    assert ruled(failure(), spent=spent).stop == "low_yield"
    assert ruled(failure(), spent=replace(spent, last_decided=NOW - timedelta(hours=2))).retry
    assert ruled(failure(), spent=replace(spent, decided=(True, *decided[:9]))).stop == "low_yield"
    assert ruled(failure(), spent=replace(spent, decided=(True, True, True, *decided[:7]))).retry


def test_a_clock_that_was_set_back_closes_no_breaker_for_ever() -> None:
    ahead = NOW + timedelta(days=300)
    spent = Used(hits_here=5, last_hit=NOW - timedelta(hours=1), probed_at=ahead)
    assert ruled(failure(), spent=spent).retry


counts = st.integers(0, 12)


@given(counts, counts, counts, counts, st.floats(0, 500), st.sampled_from(list(FailureClass)), counts)
def test_no_budget_is_ever_exceeded(
    root: int, commit: int, branch: int, hour: int, minutes: float, of: FailureClass, jobs: int
) -> None:
    spent = Used(
        on_root=root, on_commit=commit, on_branch=branch, in_hour=hour, ended_in_hour=30, minutes_day=minutes
    )
    ruling = ruled(failure(of), spent=spent, jobs_failed=jobs)
    if ruling.retry:
        assert root < 2
        assert commit < 2
        assert branch < 6
        assert hour < 3
        assert minutes + 12 <= 240
        assert jobs <= Breakers().jobs
        assert not of.is_genuine
