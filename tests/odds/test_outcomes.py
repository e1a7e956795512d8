"""Attempts come to one logical outcome for each commit."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.failures.record import FailureClass
from relay.model import Status
from relay.odds.attempts import Attempt, Source, passed_by
from relay.odds.outcomes import Logical, outcomes
from tests.odds.making import GREEN, HOUR, RED, attempt


@pytest.mark.parametrize(
    ("passed", "kind"),
    [
        ([GREEN], Logical.CLEAN),
        ([GREEN, GREEN], Logical.CLEAN),
        ([RED, GREEN], Logical.FLAKE),
        ([GREEN, RED], Logical.FLAKE),
        ([RED, RED, GREEN], Logical.FLAKE),
        ([RED], Logical.HARD),
        ([RED, RED], Logical.HARD),
    ],
)
def test_attempts_at_one_commit_are_clean_flake_or_hard(passed: list[bool], kind: Logical) -> None:
    (found,) = outcomes([attempt(each, minutes=10 * number) for number, each in enumerate(passed)])

    assert found.kind is kind


def test_red_then_green_on_the_next_commit_is_no_flake() -> None:
    found = outcomes([attempt(RED), attempt(GREEN, minutes=10, commit="b2")])

    assert [each.kind for each in found] == [Logical.HARD, Logical.CLEAN]


def test_red_then_green_with_other_settings_is_no_flake() -> None:
    (found,) = outcomes([attempt(RED, epoch="1"), attempt(GREEN, minutes=10, epoch="2")])

    assert found.kind is Logical.CLEAN


def test_a_flake_in_an_earlier_epoch_is_not_forgotten() -> None:
    (found,) = outcomes(
        [attempt(RED), attempt(GREEN, minutes=10), attempt(GREEN, minutes=20, epoch="cache-2")]
    )

    assert found.kind is Logical.FLAKE


def test_cancelled_attempts_tell_nothing() -> None:
    cancelled = attempt(RED, minutes=10, failure_class=FailureClass.CANCEL)

    (found,) = outcomes([attempt(GREEN), cancelled, attempt(None, minutes=20)])

    assert found.kind is Logical.CLEAN


def test_a_commit_with_nothing_but_cancelled_attempts_has_no_outcome() -> None:
    assert outcomes([attempt(None)]) == ()


@pytest.mark.parametrize(
    ("status", "passed"),
    [
        (Status.SUCCESS, True),
        (Status.FAILED, False),
        (Status.TIMEDOUT, False),
        (Status.INFRASTRUCTURE_FAIL, False),
        (Status.CANCELED, None),
        (Status.UNAUTHORIZED, None),
        (Status.NOT_RUN, None),
        (Status.UNKNOWN, None),
    ],
)
def test_a_status_says_passed_failed_or_nothing(status: Status, passed: bool | None) -> None:
    assert passed_by(status) is passed


@pytest.mark.parametrize(
    ("retry", "weight"),
    [
        ({"source": Source.AUTOMATIC, "minutes": 30}, 1.0),
        ({"source": Source.MANUAL, "minutes": 30}, 0.5),
        ({"source": Source.MANUAL, "minutes": 121}, 0.2),
        ({"source": Source.AUTOMATIC, "minutes": 121}, 0.2),
    ],
    ids=["automatic", "manual", "manual and late", "automatic and late"],
)
def test_a_flake_weighs_as_much_as_its_retry_can_be_trusted(retry: dict[str, Any], weight: float) -> None:
    (found,) = outcomes([attempt(RED), attempt(GREEN, **retry)])

    assert found.weight == weight


@pytest.mark.parametrize("settings", [FailureClass.CONFIG, FailureClass.AUTH])
def test_what_a_changed_setting_mended_weighs_nothing(settings: FailureClass) -> None:
    (found,) = outcomes([attempt(RED, failure_class=settings), attempt(GREEN, minutes=30)])

    assert found.weight == 0


def test_retries_that_failed_in_the_same_way_are_counted() -> None:
    others = [attempt(RED, minutes=30, fingerprint="another"), attempt(RED, minutes=40)]

    (found,) = outcomes([attempt(RED), attempt(RED, minutes=20), *others])

    assert found.failed_retries == 2


@st.composite
def some_attempts(draw: st.DrawFn) -> list[Attempt]:
    rows = st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.sampled_from([True, False, None]))
    drawn = draw(st.lists(rows, max_size=12))
    return [
        attempt(passed, minutes=number, commit=commit, epoch=epoch)
        for number, (commit, epoch, passed) in enumerate(drawn)
    ]


@given(some_attempts(), st.randoms())
def test_the_order_in_which_attempts_are_told_changes_nothing(attempts: list[Attempt], random: Any) -> None:
    shuffled = list(attempts)
    random.shuffle(shuffled)

    assert outcomes(shuffled) == outcomes(attempts)


@given(some_attempts())
def test_each_commit_that_told_anything_has_one_outcome(attempts: list[Attempt]) -> None:
    commits = [each.commit for each in outcomes(attempts)]

    assert sorted(commits) == sorted({each.commit for each in attempts if each.passed is not None})


def test_outcomes_are_in_the_order_in_which_they_began() -> None:
    late = attempt(GREEN, commit="a0", minutes=HOUR / timedelta(minutes=1))

    assert [each.commit for each in outcomes([late, attempt(GREEN)])] == ["a1", "a0"]
