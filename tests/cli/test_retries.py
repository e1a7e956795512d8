"""`relay retry`: what retries came to, whether they are on, and the switch."""

import re
from collections.abc import Iterator

import pytest

from tests.cli.desk import Desk
from tests.cli.judged import AT_ONCE, BROKEN, ON, SHADOW, JudgedDesk, judged_desk

PLAIN = "version: 1\nstore: 'sqlite:///relay.db'\nnotifiers: { console: { type: console } }\n"
ROUTES = "routes: [{ notify: console }]\n"
IDLE = f"{PLAIN}retry: {{ mode: on }}\n{ROUTES}"


@pytest.fixture
def judged(desk: Desk) -> Iterator[JudgedDesk]:
    desk.environ["LOGNAME"] = "alice"
    with judged_desk(desk) as judged:
        yield judged


@pytest.fixture
def empty(desk: Desk) -> Desk:
    """Nothing was judged, and no word of retries is in the configuration."""
    desk.environ["LOGNAME"] = "alice"
    desk.write(PLAIN + ROUTES)
    desk.arrive()
    return desk


def tables(output: str) -> list[list[list[str]]]:
    """Cells of each table, by lines that are empty between them."""
    return [[re.split(r"  +", line) for line in block.splitlines()] for block in output.strip().split("\n\n")]


def test_the_report_of_retries_that_passed(judged: JudgedDesk) -> None:
    judged.fail(AT_ONCE)
    judged.pass_again(AT_ONCE)

    by_mode, by_rule, by_class, flakes = tables(judged.desk.run("retry", "report").output)

    heads = ["judged", "again", "passed", "failed", "passes between", "minutes", "masked"]
    assert by_mode == [["by mode", *heads], ["on", "1", "1", "1", "0", "21% and 100%", "0", "0"]]
    assert by_rule[1][:2] == ["network", "1"]
    assert by_class[1][:2] == ["registry", "1"]
    assert flakes[0][:7] == ["mend first", "job", "class", "runs", "before", "passed again", "minutes"]
    assert flakes[1][:6] == ["gh/acme/api", "test", "registry", "1", "0", "1"]
    assert flakes[1][-1] == "npm ERR! network request to https://registry.example.com/left failed"


def test_the_report_of_what_was_not_run_again(judged: JudgedDesk) -> None:
    judged.fail(ON, BROKEN)

    by_mode, by_rule, why_not, by_class, flakes = tables(judged.desk.run("retry", "report").output)

    assert by_mode[1] == ["on", "1", "0", "0", "0", "0", "0"]
    assert by_rule[1][0] == "–"
    assert why_not == [["not run again", "runs", "passed later"], ["never", "1", "0"]]
    assert by_class[1][0] == "genuine.compile"
    assert flakes == [["nothing failed and passed when it was run again"]]


def test_the_report_for_scripts(judged: JudgedDesk) -> None:
    judged.fail(AT_ONCE)
    judged.pass_again(AT_ONCE)

    found = judged.desk.json("retry", "report")

    (mode,) = found["groups"]["by mode"]
    (flake,) = found["flakes"]
    assert (mode["name"], mode["retried"], mode["passed"], mode["masked"], mode["by_lot"]) == (
        "on",
        1,
        1,
        0,
        0,
    )
    assert (flake["signature"], flake["runs"], flake["recovered"], flake["before"]) == (
        "reg.npm_net",
        1,
        1,
        0,
    )
    assert flake["first_seen"] == flake["last_seen"]


def test_what_came_before_is_left_out(judged: JudgedDesk) -> None:
    judged.fail(SHADOW)

    result = judged.desk.run("retry", "report", "--since", "2030-01-01")

    assert result.output == "no failed run was judged in this time; retry.mode is shadow\n"


def test_evidence_in_the_report_shows_no_secret_and_no_escape(judged: JudgedDesk) -> None:
    judged.fail(AT_ONCE, "npm ERR! code ECONNRESET personal-secret \x1b[2J\x07left\r\n")
    judged.pass_again(AT_ONCE)
    text = (judged.desk.folder / "relay.yaml").read_text()
    judged.desk.write(text.replace("circleci: { ", 'circleci: { hooks: { secrets: ["personal-secret"] }, '))

    output = judged.desk.run("retry", "report").output

    assert "npm ERR! code ECONNRESET ***" in output
    assert "personal-secret" not in output
    assert "\x1b" not in output
    assert "\x07" not in output


def test_retries_by_lot_are_told_with_their_share(judged: JudgedDesk) -> None:
    never_worth_it = AT_ONCE + "  defaults: { expect_passes: 1 }\n  explore: 0.5\n"
    for number in range(41, 44):
        judged.fail(never_worth_it, number=number)

    output = judged.desk.run("retry", "report").output
    (mode,) = judged.desk.json("retry", "report")["groups"]["by mode"]

    lots = mode["by_lot"]
    assert 0 < lots < 3
    assert mode["retried"] == lots
    assert f"by lot, in mode on: {lots} of 3 rulings ({lots / 3:.0%}), none has ended\n" in output


def test_without_a_section_the_report_says_that_nothing_is_judged(empty: Desk) -> None:
    assert empty.run("retry", "report").output == (
        "no failed run was judged in this time; nothing is judged: the configuration has no section `retry`\n"
    )


def test_a_time_that_cannot_be_read_is_said(empty: Desk) -> None:
    result = empty.run("retry", "report", "--since", "soon")

    assert result.output == '--since: "soon" is no time; write 7d, 12h or 2026-11-16\n'
    assert result.exit_code == 2


def test_the_switch_is_told_with_who_and_why(empty: Desk) -> None:
    result = empty.run("retry", "off", "--why", "an \x1b[31moutage")

    assert result.output == (
        "retries are switched off by alice: an \N{REPLACEMENT CHARACTER}[31moutage;"
        " what is held goes out in its time\n"
    )
    assert empty.json("retry", "status")["state"].startswith("retries are switched off by alice: an ")


def test_the_first_who_switched_off_stays(empty: Desk) -> None:
    empty.run("retry", "off", "--why", "an outage")
    empty.environ["LOGNAME"] = "bob"

    result = empty.run("retry", "off", "--why", "me too")

    assert result.output.startswith("retries are switched off by alice: an outage;")


def test_switching_on_says_what_the_configuration_has(empty: Desk) -> None:
    empty.run("retry", "off")

    assert empty.run("retry", "on").output == (
        "retries are on again; nothing is judged: the configuration has no section `retry`\n"
    )
    assert empty.run("retry", "on").output.startswith("retries were not switched off; ")


def test_status_tells_the_mode_and_what_is_left(judged: JudgedDesk) -> None:
    judged.fail(AT_ONCE)

    assert judged.desk.run("retry", "status").output == (
        "state       retry.mode is on\n"
        "last hour   1 of at most 20\n"
        "last day    0 of 240 minutes\n"
        "last month  0 of 3000 minutes\n"
    )


@pytest.mark.parametrize(
    ("configuration", "environ", "state"),
    [
        (PLAIN + ROUTES, {}, "nothing is judged: the configuration has no section `retry`"),
        (IDLE, {}, "retry.mode is on, but no action has `policy: flaky`, so nothing is run again"),
        (IDLE.replace("on }", "shadow }"), {}, "retry.mode is shadow"),
        (IDLE.replace("mode: on", 'mode: "off"'), {}, "retry.mode is off"),
        (IDLE, {"RELAY_RETRY_OFF": "1"}, "off: RELAY_RETRY_OFF is set, here at least"),
    ],
    ids=["no section", "no action", "shadow", "off", "environment"],
)
def test_status_says_why_nothing_is_run_again(
    empty: Desk, configuration: str, environ: dict[str, str], state: str
) -> None:
    empty.write(configuration)
    empty.environ |= environ

    assert empty.json("retry", "status")["state"] == state


def test_without_a_database_it_says_what_to_do(desk: Desk) -> None:
    result = desk.run("retry", "status")

    assert result.exit_code == 1
    assert "there is no database " in result.output
    assert "run `relay db upgrade`" in result.output
