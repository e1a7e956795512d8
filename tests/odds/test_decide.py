"""What speaks against a retry, and in which order."""

from typing import Any

import pytest

from relay.failures.record import FailureClass
from relay.odds.beta import Beta
from relay.odds.branches import BranchState
from relay.odds.chances import FailedRetry
from relay.odds.decide import Advice, decide
from relay.odds.economics import Costs
from relay.odds.limits import class_limit
from relay.odds.terms import Elsewhere
from tests.odds.making import case

SPENT = {"failed_retries": (FailedRetry(same=False),)}


@pytest.mark.parametrize(
    ("changes", "advice", "words"),
    [
        ({}, Advice.RETRY, "so it is worth a retry"),
        (
            {"branch": BranchState.BROKEN},
            Advice.BROKEN_BRANCH,
            "but the branch is broken in this way, so no retry",
        ),
        (
            {"elsewhere": Elsewhere.DEFAULT_BRANCH},
            Advice.BROKEN_BRANCH,
            "but the branch is broken in this way, so no retry",
        ),
        (
            {"outage": True},
            Advice.OUTAGE,
            "but others meet the same, which looks like an outage, so no retry now",
        ),
        (
            {"elsewhere": Elsewhere.PROJECTS},
            Advice.OUTAGE,
            "but others meet the same, which looks like an outage, so no retry now",
        ),
        ({"failed_twice": True}, Advice.GENUINE, "so it is genuine, and no retry"),
        (
            {"failure_class": FailureClass.UNKNOWN},
            Advice.NEVER,
            "but no retry is allowed for failures of this kind",
        ),
        ({"limit": 0}, Advice.NEVER, "but no retry is allowed for failures of this kind"),
        (SPENT, Advice.SPENT, "but as many retries as are allowed were made"),
        ({"success": Beta(a=1, b=9)}, Advice.NOT_WORTH_IT, "so a retry is not worth it"),
        (
            {"costs": Costs(minutes=500, credits_per_minute=160)},
            Advice.NOT_WORTH_IT,
            "so a retry is not worth it",
        ),
        ({"branch": BranchState.SUSPECT}, Advice.RETRY, "so it is worth a retry"),
    ],
    ids=[
        "retry",
        "broken",
        "upstream",
        "outage",
        "projects",
        "two pushes",
        "class",
        "rules",
        "spent",
        "floor",
        "too dear",
        "suspect",
    ],
)
def test_the_advice_is_given_with_its_reason(changes: dict[str, Any], advice: Advice, words: str) -> None:
    judged = decide(case(**changes))

    assert (judged.advice, judged.words[-1]) == (advice, words)


@pytest.mark.parametrize(
    ("failure_class", "success", "limit"),
    [
        (FailureClass.AGENT, 0.9, 2),
        (FailureClass.REGISTRY, 0.8, 1),
        (FailureClass.TIMEOUT, 0.49, 0),
        (FailureClass.TIMEOUT, 0.5, 1),
        (FailureClass.TEST, 0.15, 1),
        (FailureClass.LINT, 0.9, 0),
        (FailureClass.AUTH, 0.9, 0),
        (FailureClass.CANCEL, 0.9, 0),
        (FailureClass.UNKNOWN, 0.9, 0),
    ],
)
def test_each_class_has_its_limit(failure_class: FailureClass, success: float, limit: int) -> None:
    assert class_limit(failure_class, success) == limit


def test_rules_cannot_ask_for_more_retries_than_make_sense() -> None:
    assert decide(case(limit=5)).at_most == 2


def test_a_retry_that_nearly_always_passes_needs_no_second() -> None:
    assert decide(case(limit=5, success=Beta(a=99, b=1))).at_most == 1
