"""How a budget is written, with every notifier that may have one."""

from typing import Any

import pytest

from relay import actions, notifiers
from relay.config import load_text
from relay.errors import ConfigError
from relay.notifiers.parts.budget import Budget

FILE = "version: 1\nnotifiers:\n  team: { type: console, budget: %s }\nroutes:\n  - notify: team\n"
PAGER = "type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef"
WANTED = "wanted a number and a time, such as 20 per 1h or { messages: 20, per: 1h }"
APART = "it speaks of one thing at a time and cannot tell what goes beyond in one message"


def load(text: str) -> Any:
    return load_text(text, "relay.yaml", notifiers.types(), actions.types(), {})


@pytest.mark.parametrize(
    ("written", "messages", "per"),
    [
        ("20 per 1h", 20, 3600.0),
        ("1 per 90s", 1, 90.0),
        ("{ messages: 20, per: 1h }", 20, 3600.0),
        ("{ messages: 1000, per: 7d }", 1000, 7 * 86400.0),
    ],
)
def test_a_budget_is_a_number_of_messages_in_a_time(written: str, messages: int, per: float) -> None:
    budget = load(FILE % written).notifiers["team"].budget

    assert isinstance(budget, Budget)
    assert (budget.messages, budget.per) == (messages, per)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("20/h", f"3:34 notifiers.team.budget: {WANTED}"),
        ("20", f"3:34 notifiers.team.budget: {WANTED}"),
        (
            "20 per hour",
            "3:34 notifiers.team.budget: 'hour' is not a duration; write 20s, 5m, 1h30m or 7d",
        ),
        ("20 per 60", "3:34 notifiers.team.budget: wanted a duration such as 10m or 1h"),
        ("20 per 30d", "3:34 notifiers.team.budget: wanted between 1s and 7d"),
        ("20 per 10ms", "3:34 notifiers.team.budget: wanted between 1s and 7d"),
        ("0 per 1h", "3:34 notifiers.team.budget: wanted between 1 and 1000 messages"),
        (
            "{ messages: 1001, per: 1h }",
            "3:46 notifiers.team.budget.messages: wanted between 1 and 1000 messages",
        ),
        ("{ messages: many, per: 1h }", "3:46 notifiers.team.budget.messages: wanted a whole number"),
        ("{ messages: 20 }", "3:26 notifiers.team.budget.per: missing; this key is required"),
        (
            "{ messages: 20, per: 1h, by: x }",
            "3:59 notifiers.team.budget.by: unknown key; known: messages, per",
        ),
    ],
)
def test_what_is_no_budget_is_refused_in_its_place(written: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(FILE % written)

    assert [str(each) for each in caught.value.faults] == [f"relay.yaml:{fault}"]


def test_who_speaks_of_one_thing_at_a_time_has_no_budget() -> None:
    with pytest.raises(ConfigError) as caught:
        load((FILE % "20 per 1h").replace("type: console", PAGER))

    assert [each.problem for each in caught.value.faults] == [APART]


def test_those_are_the_ones_that_are_about_an_incident_or_a_commit() -> None:
    apart = {name for name, each in notifiers.types().items() if not each.gathers}

    assert apart == {"github_comment", "github_status", "pagerduty"}
