"""`relay explain` and `relay event` tell what was ruled on a failed run, and why."""

import re
from collections.abc import Iterator

import pytest

from relay.store import SwitchedOff
from tests.cli.desk import Desk
from tests.cli.judged import AT_ONCE, BROKEN, ON, SHADOW, JudgedDesk, judged_desk
from tests.factories import NOON

ODDS = [
    "odds      2 % of its runs fail by chance and 3 % of commits break it, so 40 % of its failures are"
    " transient (odds ×0.66, transient with 40 %)",
    "its log has a line seen 14 times as often in failures that pass again (odds ×14, transient with 90 %)",
    "a retry passes with 72 %: 90 % transient, of which 80 % pass when run again",
    "worth it from 25 %: costs and delay ask for 0.37 %, caution for 25 %",
    "so it is worth a retry",
]
FRESH = (
    "budgets   this run 0 of 2, its commit 0 of 2, its branch 0 of 6, the last hour 0 of 2,"
    " minutes in 24 hours 0 of 240, minutes in 30 days 0 of 3000"
)
WORTH_IT = [
    "retry     yes: again after 2m, by rule network",
    "because   test: rule network: again at most once, since failure.class registry in [net, registry]",
    "evidence  test, npm test: npm ERR! network request to https://registry.example.com/left failed"
    " (reg.npm_net)",
    *ODDS,
    FRESH,
    "breakers  none is open",
]


@pytest.fixture
def judged(desk: Desk) -> Iterator[JudgedDesk]:
    with judged_desk(desk) as judged:
        yield judged


def section(judged: JudgedDesk, *arguments: str) -> list[str]:
    return [line.strip() for line in judged.section(*arguments)]


def test_explain_tells_rule_evidence_odds_budgets_and_breakers(judged: JudgedDesk) -> None:
    judged.fail(ON)

    assert section(judged, "explain", judged.first) == WORTH_IT


def test_an_event_tells_what_was_recorded(judged: JudgedDesk) -> None:
    judged.fail(ON)

    assert section(judged, "event", judged.first) == WORTH_IT


def test_the_action_says_when_it_would_run(judged: JudgedDesk) -> None:
    judged.fail(ON)

    (line,) = (
        line for line in judged.desk.run("explain", judged.first).output.splitlines() if "action" in line
    )

    assert re.sub(r"in 1m 59s|in 2m", "in TIME", line) == (
        "  action  again (retry)  would run workflow build again from its failed jobs in TIME, at most 1 time"
    )


def test_the_action_says_why_not(judged: JudgedDesk) -> None:
    judged.fail(ON, BROKEN)

    output = judged.desk.run("explain", judged.first).output

    reason = (
        "test is never run again: failure.class genuine.compile in"
        " [genuine.compile, genuine.lint, genuine.gate, cancel]"
    )
    assert f"  action  again (retry)  not: {reason}\n" in output
    assert "quiet  by" not in output
    assert section(judged, "explain", judged.first)[:2] == ["retry     no (never)", f"because   {reason}"]
    assert section(judged, "explain", judged.first)[-1] == "verdict   genuine"


def test_in_shadow_it_is_said_to_be_only_noted(judged: JudgedDesk) -> None:
    judged.fail(SHADOW)

    lines = section(judged, "event", judged.first)

    assert lines[0] == "retry     yes: again after 2m, by rule network, but only noted (mode shadow)"


def test_while_retries_are_switched_off_the_reason_is_that(judged: JudgedDesk) -> None:
    judged.store.switch_off(SwitchedOff(at=NOON, who="alice", why="an outage"))
    judged.fail(ON)

    lines = section(judged, "explain", judged.first)

    assert lines[:2] == [
        "retry     no (off)",
        "because   retries are switched off by alice: an outage",
    ]


def test_an_event_tells_what_came_of_the_retry(judged: JudgedDesk) -> None:
    judged.fail(AT_ONCE)
    judged.pass_again(AT_ONCE)

    assert section(judged, "event", judged.first)[-1] == (
        "since     passed when it was run again: infrastructure"
    )
    assert section(judged, "event", judged.store.events()[0].id)[0].startswith(
        "verdict   infrastructure: recovered; not your change"
    )


def test_explain_counts_what_was_spent_before_the_event_and_nothing_after(judged: JudgedDesk) -> None:
    judged.fail(AT_ONCE)
    judged.fail(AT_ONCE, number=42)
    first, second = judged.first, judged.store.events()[0].id

    assert "this run 0 of 2, its commit 0 of 2," in judged.desk.run("explain", first).output
    assert "this run 0 of 2, its commit 1 of 2," in judged.desk.run("explain", second).output


def test_all_of_it_for_scripts(judged: JudgedDesk) -> None:
    judged.fail(ON)

    found = judged.desk.json("explain", judged.first)
    ruling = found["ruling"]

    assert (ruling["retry"], ruling["mode"], ruling["rules"], ruling["delay"]) == (
        True,
        "on",
        ["network"],
        120,
    )
    (job,) = ruling["jobs"]
    assert (job["name"], job["class"], job["signature"]) == ("test", "registry", "reg.npm_net")
    assert [term["name"] for term in job["terms"]] == ["prior", "log"]
    assert job["p_passes"] > job["floor"] == 0.25
    assert ruling["budgets"][0] == {"name": "per_build", "used": 0, "room": 2}
    assert ruling["breakers"] == []
    assert [each["target"] for each in found["actions"]] == ["again"]
    recorded = judged.desk.json("event", judged.first)
    assert recorded["ruling"]["jobs"] == ruling["jobs"]
    assert recorded["came_of_it"] is None


def test_a_refused_action_for_scripts(judged: JudgedDesk) -> None:
    judged.fail(ON, BROKEN)

    (action,) = judged.desk.json("explain", judged.first)["actions"]

    assert (action["would"], action["until"]) == (None, None)
    assert action["why_not"].startswith("test is never run again")


def test_what_passed_has_no_ruling(judged: JudgedDesk) -> None:
    judged.fail(ON)
    judged.desk.save("green.json", judged.stage.completed(judged.stage.newest_workflow(), "success"))

    result = judged.desk.run("explain", "green.json")

    assert "evidence" not in result.output
