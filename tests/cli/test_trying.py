"""`relay test`: the configuration's own tests."""

from typing import Any

import pytest

from relay import wiring
from relay.cli.opening import hook_of
from relay.cli.tried import event_of, history_of
from tests.cli.desk import Desk
from tests.factories import NOON, body, classic, job_completed, ping, workflow_completed

CONFIG = """\
version: 1
defaults: { timezone: Europe/Paris, unknown_author: carol }
people:
  alice: { emails: [alice@example.com], slack: U012ABCDE }
  carol: { emails: [carol@example.com], slack: U078KLMNO }
notifiers:
  audit-log: { type: console }
  team-slack: { type: slack, token: "${SLACK_TOKEN}", channel: "#ci" }
  pager: { type: console }
actions:
  cleanup: { type: http, url: "https://previews.example.com/x" }
routes:
  - name: everything
    notify: audit-log
  - name: trunk
    match: { branch: main }
    notify: team-slack
    routes:
      - name: trunk-broke
        match: { change: broke }
        notify: [+pager]
        mention: [author]
        act: cleanup
      - name: trunk-fixed
        match: { change: fixed }
        notify: [+pager]
      - name: trunk-evening
        when: "received_at.hour == 20"
        match: { change: still_failing }
        notify: "dm:author"
  - name: flaky
    match: { failed_jobs.name: "e2e-*" }
    notify: pager
tests:
"""
BROKE = workflow_completed(status="failed", number=7812)


def desk_with(desk: Desk, *tests: str) -> Desk:
    desk.write(CONFIG + "".join(f"  - {test}\n" for test in tests))
    desk.save("broken.json", BROKE)
    return desk


def expecting(given: str, expect: str, event: str = "broken.json") -> str:
    return f"{{ name: a test, event: {event}, given: {{ {given} }}, expect: {{ {expect} }} }}"


def test_a_test_that_passes_and_the_routes_that_none_reaches(desk: Desk) -> None:
    desk_with(
        desk,
        "{ name: a broken main pages and mentions the author, event: broken.json,"
        " given: { previous_status: success, now: '2026-11-23T21:15:00+01:00' },"
        " expect: { routes: [everything, trunk-broke], notify: [audit-log, team-slack, pager],"
        " mention: [alice], act: [cleanup], change: broke } }",
    )

    result = desk.run("test")

    assert result.output == (
        "ok    a broken main pages and mentions the author\n"
        "1 passed; routes never hit by a test: trunk-fixed, trunk-evening, flaky\n"
    )
    assert result.exit_code == 0


def test_every_difference_is_told_with_its_reason(desk: Desk) -> None:
    expect = "change: broke, routes: [trunk-broke], notify: [pager], mention: [alice], act: [cleanup]"
    desk_with(desk, expecting("history: [success, failed]", expect))

    result = desk.run("test")

    assert (
        result.output
        == """\
FAIL  a test
      change   is still_failing, wanted broke
      routes   trunk-broke does not fire: change = still_failing, wanted broke
      routes   everything fires: no conditions
      routes   trunk fires: branch = main
      notify   pager is not told
      notify   audit-log is told, by everything
      notify   team-slack is told, by trunk
      mention  alice is not mentioned
      act      cleanup is not taken
0 passed, 1 failed; routes never hit by a test: trunk-broke, trunk-fixed, trunk-evening, flaky
"""
    )
    assert result.exit_code == 1


def test_a_webhook_that_cannot_be_read_does_not_stop_the_others(desk: Desk) -> None:
    desk_with(
        desk,
        expecting("", "routes: everything", "gone.json"),
        "{ name: b, event: broken.json, expect: { change: first_failure } }",
    )

    result = desk.run("test")

    assert (
        result.output
        == """\
ERROR a test
      gone.json: cannot be read: No such file or directory
ok    b
1 passed, 1 could not be run; routes never hit by a test: trunk-broke, trunk-fixed, trunk-evening, flaky
"""
    )
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "broken.json: not JSON: "),
        (b"[]", "broken.json: "),
        (b"", "broken.json: not JSON: the body is empty"),
    ],
    ids=["half", "list", "empty"],
)
def test_a_file_that_is_no_webhook_is_said(desk: Desk, content: bytes, problem: str) -> None:
    desk_with(desk, expecting("", "routes: everything"))
    desk.save("broken.json", content)

    result = desk.run("test")

    assert result.output.splitlines()[1].startswith(f"      {problem}")
    assert result.exit_code == 2


PASSING = {
    "the author is whoever wrote it": ("previous_status: success", "mention: [author]"),
    "nobody is mentioned": ("previous_status: failed", "mention: []"),
    "nothing is done": ("previous_status: failed", "act: []"),
    "one route among others": ("previous_status: success", 'routes: [trunk-broke, "!trunk-fixed"]'),
    "only absence": ("", 'routes: ["!trunk-broke"], notify: ["!pager"], mention: ["!alice"]'),
    "order does not matter": ("", "routes: [trunk, everything]"),
    "cancelled results are passed over": ("history: [success, canceled]", "change: broke"),
    "a rerun of the same pipeline": ("history: [{ status: failed, number: 7812 }]", "change: still_failing"),
    "numbers put results in order": (
        "history: [{ status: failed, number: 7801 }, { status: success, number: 7800 }]",
        "change: still_failing",
    ),
    "a newer result is known": ("history: [{ status: success, number: 7813 }]", "change: none"),
    "the clock is given": (
        "history: [failed], now: '2026-11-23 21:15'",
        'routes: [everything, trunk-evening], notify: [audit-log, "dm:alice"]',
    ),
    "a message to the author alone": (
        "history: [failed], now: '2026-11-23 21:15'",
        'notify: [audit-log, "dm:author"]',
    ),
    "what would be fetched": ("notes: { failed_jobs: [{ name: e2e-1 }] }", 'routes: [flaky, "!trunk-fixed"]'),
    "no history at all": ("", "change: first_failure"),
}


@pytest.mark.parametrize(("given", "expect"), PASSING.values(), ids=PASSING)
def test_what_is_given_counts(desk: Desk, given: str, expect: str) -> None:
    result = desk_with(desk, expecting(given, expect)).run("test")

    assert result.output.startswith("ok    a test\n")


FAILING = {
    "told though it must not be": (
        'notify: ["!team-slack"]',
        "notify   team-slack is told, by trunk",
    ),
    "an empty list": ("routes: []", "routes   everything fires: no conditions"),
    "a parent whose children spoke": (
        "routes: [everything, trunk, trunk-broke]",
        "routes   trunk does not fire: its children spoke for it",
    ),
    "somebody is mentioned": ("mention: []", "mention  alice is mentioned, by trunk-broke"),
    "something is done": ("act: []", "act      cleanup is taken, by trunk-broke"),
}


@pytest.mark.parametrize(("expect", "line"), FAILING.values(), ids=FAILING)
def test_what_must_not_be_fails_the_test(desk: Desk, expect: str, line: str) -> None:
    given = "previous_status: failed" if "team-slack" in expect else "previous_status: success"

    result = desk_with(desk, expecting(given, expect)).run("test")

    assert f"      {line}\n" in result.output
    assert result.exit_code == 1


def test_a_stranger_is_stood_in_for(desk: Desk) -> None:
    hook = workflow_completed(status="failed")
    hook["pipeline"]["vcs"]["commit"]["author"] = {"name": "Zoe", "email": "zoe@example.com"}
    desk_with(desk, expecting("previous_status: success", "mention: [author, carol]", "zoe.json"))
    desk.save("zoe.json", hook)

    assert desk.run("test").exit_code == 0


def test_a_condition_that_breaks_down_fails_the_test(desk: Desk) -> None:
    desk_with(desk, expecting("previous_status: failed", "change: still_failing"))
    config = (desk.folder / "relay.yaml").read_text()
    desk.write(config.replace("received_at.hour == 20", "duration + branch"))

    result = desk.run("test")

    assert '      routes   trunk-evening cannot be decided: when "duration + branch": ' in result.output
    assert result.exit_code == 1


def test_a_ping_tells_nobody(desk: Desk) -> None:
    desk_with(desk, expecting("", "notify: []", "ping.json"))
    desk.save("ping.json", ping())

    assert desk.run("test").exit_code == 0


def test_files_are_found_beside_the_configuration(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk_with(desk, expecting("", "change: first_failure"))
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    assert desk.run("--config", "../relay.yaml", "test").exit_code == 0


def test_without_tests_every_route_is_listed(desk: Desk) -> None:
    desk.write(CONFIG.removesuffix("tests:\n"))

    result = desk.run("test")

    assert result.output == (
        "relay.yaml has no tests; `relay test --record EVENT` makes one\n"
        "0 passed; routes never hit by a test: everything, trunk, trunk-broke, trunk-fixed,"
        " trunk-evening, flaky\n"
    )
    assert result.exit_code == 0


def test_scripts_get_the_same_as_json(desk: Desk) -> None:
    desk_with(desk, expecting("", "change: broke"), "{ name: b, event: gone.json, expect: { routes: [] } }")

    assert desk.json("test") == {
        "tests": [
            {
                "name": "a test",
                "result": "failed",
                "problem": None,
                "differences": [{"what": "change", "problem": "is first_failure, wanted broke"}],
                "hit": ["everything", "trunk"],
            },
            {
                "name": "b",
                "result": "error",
                "problem": "gone.json: cannot be read: No such file or directory",
                "differences": [],
                "hit": [],
            },
        ],
        "never_hit": ["trunk-broke", "trunk-fixed", "trunk-evening", "flaky"],
    }


def test_a_broken_configuration_is_an_error(desk: Desk) -> None:
    result = desk_with(desk, expecting("", "routes: [trnk]")).run("test")

    assert "tests[0].expect.routes[0]: unknown route trnk, did you mean trunk?" in result.stderr
    assert result.exit_code == 2


def test_no_database_is_made(desk: Desk) -> None:
    desk_with(desk, expecting("", "change: first_failure")).run("test")

    assert not desk.database.exists()


def test_a_secret_in_a_webhook_is_masked(desk: Desk) -> None:
    desk_with(desk, expecting("", "routes: []", "secret.json"))
    desk.write((desk.folder / "relay.yaml").read_text().replace("{ branch: main }", '{ branch: "xoxb*" }'))
    desk.save(
        "secret.json",
        workflow_completed(pipeline={"vcs": BROKE["pipeline"]["vcs"] | {"branch": "xoxb-0123456789"}}),
    )

    result = desk.run("test")

    assert "xoxb-0123456789" not in result.output
    assert "routes   trunk fires: " in result.output


@pytest.mark.parametrize(
    "hook",
    [BROKE, job_completed(status="failed"), classic(outcome="failed")],
    ids=["workflow", "job", "classic"],
)
def test_earlier_results_stand_just_before_the_event(desk: Desk, hook: Any) -> None:
    desk_with(desk, expecting("history: [failed, success]", "change: broke"))
    desk.save("broken.json", hook)
    relay = wiring.build(wiring.load_config("relay.yaml", desk.environ))
    (example,) = relay.config.tests
    event = event_of(example, hook_of("it", body(hook), NOON), relay)

    past = history_of(example.given.past, event, relay)

    own = event.pipeline.number or event.number or 0
    assert [outcome.number for outcome in past] == [own - 2, own - 1]
    assert desk.run("test").exit_code == 0


QUIET = CONFIG.replace(
    "tests:\n",
    """\
silences:
  - { match: { branch: main }, from: "2026-12-24", until: "2026-12-27", why: holidays }
schedules:
  office: { days: mon-fri, from: "09:00", to: "19:00" }
tests:
""",
).replace("    notify: team-slack\n", "    notify: team-slack\n    during: office\n")
IN_OFFICE = "now: '2026-11-23 12:00'"
AT_NIGHT = "now: '2026-11-23 21:15'"
HOLIDAYS = "now: '2026-12-25 12:00'"


def quiet_desk(desk: Desk, *tests: str, config: str = QUIET) -> Desk:
    desk_with(desk)
    desk.write(config + "".join(f"  - {test}\n" for test in tests))
    return desk


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        (IN_OFFICE, "notify: [audit-log, team-slack], quiet: {}"),
        (AT_NIGHT, "notify: [audit-log, team-slack], quiet: { team-slack: during }"),
        (HOLIDAYS, "notify: [], quiet: { audit-log: silence, team-slack: silence }"),
    ],
    ids=["told", "held is told in the end", "silenced is not told"],
)
def test_noise_controls_have_their_say_at_the_given_time(desk: Desk, given: str, expect: str) -> None:
    result = quiet_desk(desk, expecting(given, expect)).run("test")

    assert (result.exit_code, result.output.splitlines()[0]) == (0, "ok    a test")


def test_a_difference_in_quiet_names_the_control_and_the_reason(desk: Desk) -> None:
    quiet_desk(
        desk,
        expecting(HOLIDAYS, "notify: [audit-log, team-slack], quiet: { audit-log: during, pager: silence }"),
    )

    assert (
        desk.run("test").output
        == """\
FAIL  a test
      notify   audit-log is not told: kept quiet by silence (silences[0]: holidays)
      notify   team-slack is not told: kept quiet by silence (silences[0]: holidays)
      quiet    audit-log is kept quiet by silence (silences[0]: holidays), wanted during
      quiet    pager is not kept quiet, wanted silence
      quiet    team-slack is kept quiet by silence (silences[0]: holidays)
0 passed, 1 failed; routes never hit by a test: trunk-broke, trunk-fixed, trunk-evening, flaky
"""
    )


def test_what_is_in_shadow_is_not_told(desk: Desk) -> None:
    config = CONFIG.replace("    notify: audit-log\n", "    notify: audit-log\n    shadow: true\n")
    quiet_desk(desk, expecting("", "notify: [team-slack], quiet: { audit-log: shadow }"), config=config)

    assert desk.run("test").exit_code == 0
