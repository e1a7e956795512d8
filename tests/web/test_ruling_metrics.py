"""What /metrics says of failed runs that were judged."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.store.retried import Counted
from relay.web.metrics import Board, exposition
from relay.web.ruling_metrics import RulingCollector
from tests.web.ledgers import ScriptedLedger
from tests.web.test_health import client_on


def counted(**overrides: Any) -> Counted:
    fields: dict[str, Any] = {
        "mode": "on",
        "retry": True,
        "explored": False,
        "stop": None,
        "passed": None,
        "verdict": None,
        "count": 1,
        "masked": 0,
    }
    return Counted(**{**fields, **overrides})


RULINGS = (
    counted(passed=True, verdict="infrastructure", count=5, masked=2),
    counted(passed=True, verdict="flaky", count=1),
    counted(passed=False, verdict="genuine", count=3),
    counted(explored=True, passed=True, verdict="infrastructure", count=1),
    counted(mode="shadow", count=4),
    counted(retry=False, stop="never", count=7),
    counted(retry=False, stop="odds", passed=True, verdict="recovered-unexplained", count=2),
)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "relay_retries",
            {("on", "passed"): 7, ("on", "failed"): 3, ("shadow", "open"): 4},
        ),
        ("relay_retries_by_lot", {("on", "passed"): 1}),
        ("relay_retries_refused", {("on", "never"): 7, ("on", "odds"): 2}),
        ("relay_retries_missed", {("on", "odds"): 2}),
        (
            "relay_verdicts",
            {
                ("on", "infrastructure"): 6,
                ("on", "flaky"): 1,
                ("on", "genuine"): 3,
                ("on", "recovered-unexplained"): 2,
            },
        ),
        ("relay_retries_masked", {("on",): 2, ("shadow",): 0}),
    ],
)
def test_rulings_are_added_up(name: str, wanted: dict[tuple[str, ...], float]) -> None:
    text = exposition(Board(), RulingCollector(RULINGS)).decode()

    family = next(each for each in text_string_to_metric_families(text) if each.name == name)

    assert {tuple(each.labels.values()): each.value for each in family.samples} == wanted


def test_the_endpoint_tells_of_the_last_30_days() -> None:
    lines = client_on(ScriptedLedger(rulings=RULINGS)).get("/metrics").get_data(as_text=True).splitlines()

    assert 'relay_retries{mode="on",outcome="passed"} 7.0' in lines
    assert 'relay_retries_masked{mode="on"} 2.0' in lines
