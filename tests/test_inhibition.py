"""A branch's failure stays quiet while trunk fails the same way."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay.model import Change, Event, EventKind, FailedStep, Outcome, Status
from relay.planning import NewDelivery
from relay.quieting import Control, Facts, Quieted, Terms, Trunk, quieted, wanted
from tests.factories import MINUTE, NOON, make_event

MAIN = "gh/acme/api | main | build-and-deploy"
NEXT = "gh/acme/api | next | build-and-deploy"
TRUNK = Trunk(
    branches=("main",),
    key=("project.slug", "branch", "workflow.name", "job.name"),
    ignore=(Status.CANCELED,),
    zone=ZoneInfo("Europe/Paris"),
)
TERMS = Terms(trunk=TRUNK)


def owed(**overrides: Any) -> NewDelivery:
    fields = {"id": "d1", "target": "chat", "kind": "notify", "destination": "chat", "route": "topics"}
    return NewDelivery(**{**fields, **overrides})


def failure(*steps: str, **overrides: Any) -> Event:
    failed = tuple(FailedStep(name=name) for name in steps)
    fields = {"branch": "topic", "change": Change.BROKE, "failed_steps": failed}
    return make_event(**{**fields, **overrides})


def outcome(number: int, status: Status = Status.FAILED, *how: str) -> Outcome:
    at = NOON + number * MINUTE
    return Outcome(
        event_id=f"e{number}", status=status, number=number, started_at=at, run=f"w{number}", how=how
    )


def left_by(
    *trunk: Outcome, event: Event | None = None, key: str = MAIN, terms: Terms = TERMS, **its: Any
) -> Quieted:
    """What is left of a message while the history of trunk is this, the newest first."""
    return quieted(event or failure(), [owed(**its)], terms, Facts(histories={key: trunk}), NOON)


def is_quiet(*trunk: Outcome, **overrides: Any) -> bool:
    return bool(left_by(*trunk, **overrides).quiet)


def test_what_trunk_does_as_well_is_not_told_and_the_reason_says_since_when() -> None:
    history = (outcome(9), outcome(8), outcome(7, Status.SUCCESS), outcome(6))

    left = left_by(*history)

    assert left.deliveries == ()
    assert left.is_untold
    assert [(each.control, each.reason, each.until) for each in left.quiet] == [
        (Control.INHIBITION, "main fails the same way since 2026-11-23 13:08 (#8)", None)
    ]


@pytest.mark.parametrize(
    ("trunk", "own", "expected"),
    [
        (("Run tests", "Lint"), ("Lint", "Run tests"), True),
        (("Run tests",), ("Lint",), False),
        ((), ("Lint",), True),
        (("Run tests",), (), True),
    ],
    ids=["a step in common", "other steps", "trunk tells none", "the branch tells none"],
)
def test_the_same_way_is_a_step_in_common_where_both_tell_steps(
    trunk: tuple[str, ...], own: tuple[str, ...], expected: bool
) -> None:
    assert is_quiet(outcome(9, Status.FAILED, *trunk), event=failure(*own)) is expected


@pytest.mark.parametrize(
    ("trunk", "own", "expected"),
    [
        (("fingerprint aa", "Run tests"), ("aa",), True),
        (("fingerprint aa", "Run tests"), ("bb", "aa"), True),
        (("fingerprint aa", "Run tests"), ("bb",), False),
        (("Run tests",), ("bb",), True),
        (("fingerprint aa",), (), True),
    ],
    ids=["the same failure", "one of several", "another failure", "trunk's logs unread", "own logs unread"],
)
def test_what_the_logs_say_goes_before_the_names_of_steps(
    trunk: tuple[str, ...], own: tuple[str, ...], expected: bool
) -> None:
    notes = {"failure": {"jobs": [{"fingerprint": each} for each in own]}} if own else {}
    event = replace(failure("Run tests"), notes=notes)

    assert is_quiet(outcome(9, Status.FAILED, *trunk), event=event) is expected


def test_the_step_in_common_is_named() -> None:
    (quiet,) = left_by(outcome(9, Status.FAILED, "Run tests"), event=failure("Run tests")).quiet

    assert quiet.reason == "main fails the same way since 2026-11-23 13:09 (#9, step Run tests)"


def test_a_long_step_is_compared_as_far_as_it_is_kept() -> None:
    kept = outcome(9, Status.FAILED, "x" * 80)

    assert is_quiet(kept, event=failure("x" * 3000))


@pytest.mark.parametrize(
    "trunk",
    [(), (outcome(9, Status.SUCCESS), outcome(8)), (outcome(9, Status.UNKNOWN), outcome(8, Status.SUCCESS))],
    ids=["nothing known", "passes again", "says nothing"],
)
def test_while_trunk_does_not_fail_a_branch_is_told(trunk: tuple[Outcome, ...]) -> None:
    assert not is_quiet(*trunk)


def test_a_cancelled_run_of_trunk_changes_nothing() -> None:
    assert is_quiet(outcome(9, Status.CANCELED), outcome(8))


@pytest.mark.parametrize(
    "event",
    [
        failure(branch="main"),
        failure(branch=None),
        failure(branch=None, tag="v1"),
        failure(status=Status.SUCCESS, change=Change.FIXED),
        failure(status=Status.CANCELED, change=Change.NONE),
        failure(change=Change.NONE),
        failure(kind=EventKind.RELAY),
    ],
    ids=["trunk", "no branch", "tag", "fixed", "cancelled", "late", "our own"],
)
def test_only_failures_of_branches_are_inhibited(event: Event) -> None:
    assert not is_quiet(outcome(9), event=event)


def test_a_route_may_want_to_hear_of_it_all_the_same() -> None:
    left = left_by(outcome(9), settings={"inhibit": False})

    assert (len(left.deliveries), left.quiet, left.is_untold) == (1, (), False)


def test_without_trunk_nothing_is_inhibited() -> None:
    assert not is_quiet(outcome(9), terms=Terms())


def test_any_branch_of_trunk_inhibits() -> None:
    terms = Terms(trunk=replace(TRUNK, branches=("main", "next")))

    (quiet,) = left_by(outcome(9), key=NEXT, terms=terms).quiet

    assert quiet.reason.startswith("next fails the same way")


def test_a_state_that_all_branches_share_does_not_inhibit_itself() -> None:
    terms = Terms(trunk=replace(TRUNK, key=("project.slug",)))

    assert not is_quiet(outcome(9), key="gh/acme/api", terms=terms)


def test_trunk_is_asked_for_only_when_a_failure_of_a_branch_is_told() -> None:
    told = wanted(failure(), [owed()], "k", TERMS)
    acted = wanted(failure(), [owed(kind="act")], "k", TERMS)
    passed = wanted(failure(status=Status.SUCCESS, change=Change.FIXED), [owed()], "k", TERMS)

    assert (told.states, acted.states, passed.states) == ((MAIN,), (), ())


def test_actions_are_done_all_the_same() -> None:
    act = owed(kind="act")

    left = quieted(failure(), [owed(), act], TERMS, Facts(histories={MAIN: (outcome(9),)}), NOON)

    assert (left.deliveries, left.is_untold) == ((act,), True)


def test_a_message_that_another_route_sends_tells_it() -> None:
    deliveries = [owed(), owed(id="d2", target="log", route="audit", settings={"inhibit": False})]

    left = quieted(failure(), deliveries, TERMS, Facts(histories={MAIN: (outcome(9),)}), NOON)

    assert [each.target for each in left.deliveries] == ["log"]
    assert not left.is_untold


def test_nobody_hears_what_is_sent_in_shadow() -> None:
    heard = {"inhibit": False, "shadow": True}
    deliveries = [owed(), owed(id="d2", route="trial", settings=heard)]

    left = quieted(failure(), deliveries, TERMS, Facts(histories={MAIN: (outcome(9),)}), NOON)

    assert [each.id for each in left.deliveries] == ["d2"]
    assert left.is_untold
