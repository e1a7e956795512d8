"""`relay backtest`: another configuration tried on the ledger."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.desk import Desk
from tests.factories import ping, workflow_completed

CONFIG = """\
version: 1
store: "sqlite:///relay.db"
notifiers:
  console: { type: console }
  pager: { type: pagerduty, routing_key: "${KEY:-p4ger-k3y}" }
routes:
  - { name: reds, match: { status: failed }, notify: console }
"""
BROKE = "  - { name: trunk-broke, match: { change: broke }, notify: pager }\n"
THROTTLED = CONFIG.replace("notify: console }", "notify: console, throttle: 4h }")


@pytest.fixture
def past(desk: Desk) -> Desk:
    """A branch that was green once and then red eight times, and a ping."""
    desk.write(CONFIG)
    statuses = ["success", *["failed"] * 8]
    for at, status in enumerate(statuses):
        desk.arrive(workflow_completed(number=7800 + at, status=status))
    desk.arrive(ping())
    desk.work()
    return desk


def headline(text: str) -> str:
    today = datetime.now(UTC).date()
    return f"10 events replayed ({today} .. {today}), {text}\n"


def test_the_configuration_in_use_differs_in_nothing(past: Desk) -> None:
    found = past.run("backtest")

    assert found.stdout == headline("no decision differs")
    assert found.exit_code == 0


def test_what_differs_is_told_by_notifier(past: Desk) -> None:
    past.write(THROTTLED + BROKE, "new.yaml")

    found = past.run("backtest", "--config", "new.yaml")

    assert found.stdout == headline("8 decisions differ") + (
        "  console  8 -> 1 messages   -7 still_failing (throttle 4h)\n"
        "  pager    0 -> 1 incidents  + #7801 (trunk-broke)\n"
    )
    assert found.exit_code == 1


def test_the_events_that_differ_at_a_notifier_are_listed(past: Desk) -> None:
    past.write(CONFIG + BROKE, "new.yaml")

    found = past.run("backtest", "--config", "new.yaml", "--show", "pager")

    *_, last = found.stdout.splitlines()
    event = past.json("events")[-2]["id"]
    assert last.startswith(f"  {event}  2026-")
    assert last.endswith("  #7801  broke  no route  -> message by trunk-broke")


def test_nothing_that_differs_at_a_notifier_is_said(past: Desk) -> None:
    found = past.run("backtest", "--show", "pager")

    assert found.stdout == headline("no decision differs") + "\nnothing differs at pager\n"


def test_a_notifier_that_nobody_knows_is_refused(past: Desk) -> None:
    found = past.run("backtest", "--show", "pagre")

    assert found.stderr == "--show: no notifier or action is called pagre\n"
    assert found.exit_code == 2


def test_scripts_get_every_difference(past: Desk) -> None:
    past.write(CONFIG + BROKE, "new.yaml")

    found = past.json("backtest", "--config", "new.yaml")

    assert (found["events"], found["decisions_that_differ"], found["refused"]) == (10, 1, {})
    assert [_short(each) for each in found["targets"]] == [("pager", 0, 1, [(1, "broke", "trunk-broke", 1)])]
    assert found["differences"][0]["after"]["became"] == "message"


def _short(each: dict[str, Any]) -> tuple[Any, ...]:
    changes = [(one["gain"], one["change"], one["why"], len(one["events"])) for one in each["changes"]]
    return each["target"], each["before"], each["after"], changes


def test_only_the_newest_are_looked_at_when_that_is_asked_for(past: Desk) -> None:
    past.write(THROTTLED, "new.yaml")

    found = past.json("backtest", "--config", "new.yaml", "--limit", "4")

    assert found["events"] == 4
    assert found["targets"][0]["before"] == 3


def test_a_change_of_the_configuration_meanwhile_is_pointed_out(past: Desk) -> None:
    past.write(CONFIG + "# and a remark\n")
    past.arrive(workflow_completed(number=7900))
    past.work()

    found = past.run("backtest")

    _, note = found.stdout.splitlines()
    assert note.startswith(
        f"planned by 2 configurations; what differs may come from the change at {datetime.now(UTC):%Y-%m-%d }"
    )
    assert found.exit_code == 0


def test_events_without_a_decision_are_counted(past: Desk) -> None:
    past.arrive(workflow_completed(number=7901), workflow_completed(number=7902))
    past.give_up_planning("RelayError: the rules are broken")
    past.arrive(workflow_completed(number=7903))

    found = past.run("backtest")

    assert (
        found.stdout
        == headline("no decision differs") + "left out: 1 not planned yet, 2 could not be planned\n"
    )


def test_a_ledger_without_events_of_that_time_has_nothing_to_replay(past: Desk) -> None:
    found = past.run("backtest", "--since", "0s")

    assert found.stdout == "no events to replay in this time\n"
    assert found.exit_code == 0


def test_a_broken_configuration_is_refused(past: Desk) -> None:
    past.write(CONFIG.replace("failed", "faild").replace("routes:", "rutes:"), "new.yaml")

    found = past.run("backtest", "--config", "new.yaml")

    assert "new.yaml:6:1 rutes: unknown key" in found.stderr
    assert found.exit_code == 2


def test_without_a_database_there_is_nothing_to_try_on(desk: Desk) -> None:
    found = desk.run("backtest")

    assert "there is no database" in found.stderr
    assert found.exit_code == 1


def test_a_time_nobody_understands_is_refused(past: Desk) -> None:
    found = past.run("backtest", "--since", "soon")

    assert found.stderr == '--since: "soon" is no time; write 7d, 12h or 2026-11-16\n'
    assert found.exit_code == 2


def test_the_past_is_left_as_it_was(past: Desk) -> None:
    before = past.json("deliveries"), past.json("events")
    past.write(THROTTLED + BROKE, "new.yaml")

    past.run("backtest", "--config", "new.yaml")

    assert (past.json("deliveries"), past.json("events")) == before
