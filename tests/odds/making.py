"""Attempts, outcomes, runs and cases for tests of the odds."""

from datetime import datetime, timedelta
from typing import Any

from relay.failures.record import FailureClass
from relay.odds.attempts import Attempt, Source
from relay.odds.beta import Beta
from relay.odds.branches import Run
from relay.odds.case import Case
from relay.odds.economics import Costs
from relay.odds.outcomes import Logical, LogicalOutcome
from tests.factories import NOON

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
JOB = "acme/web/build/integration"
RED, GREEN = False, True
RESET = "9f2c11d07a3b4e58"  # a fingerprint
OTHER = "1b7740aa93cd02ef"


def attempt(passed: bool | None, minutes: float = 0, **changes: Any) -> Attempt:
    """Of commit a1, `minutes` after noon; a failure is one of the network unless told otherwise."""
    fields: dict[str, Any] = {
        "signal": JOB,
        "commit": "a1",
        "passed": passed,
        "at": NOON + timedelta(minutes=minutes),
        "source": Source.FIRST if minutes == 0 else Source.AUTOMATIC,
    }
    if passed is False:
        fields |= {"failure_class": FailureClass.NET, "fingerprint": RESET}
    return Attempt(**(fields | changes))


def outcome(kind: Logical, at: datetime = NOON, weight: float = 1.0, commit: str = "a1") -> LogicalOutcome:
    return LogicalOutcome(signal=JOB, commit=commit, kind=kind, weight=weight, began=at, at=at)


def run(number: int, kind: Logical, failed_retries: int = 0, fingerprint: str = RESET) -> Run:
    """Of commit c<number>, pushed that many hours after noon."""
    return Run(
        commit=f"c{number}",
        pushed=NOON + number * HOUR,
        kind=kind,
        fingerprint=None if kind is Logical.CLEAN else fingerprint,
        failed_retries=failed_retries,
    )


def case(**changes: Any) -> Case:
    """The integration job of the worked example: a 12-minute job whose log ends in a registry's reset."""
    fields: dict[str, Any] = {
        "failure_class": FailureClass.REGISTRY,
        "flake_rate": 7 / 228,
        "break_rate": 3 / 213,
        "success": Beta(a=9.4, b=1.6),
        "costs": Costs(minutes=12),
        "lr_transient": 12.0,
    }
    return Case(**(fields | changes))
