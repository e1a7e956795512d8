"""`relay explain --why-not`: one route, condition by condition."""

import pytest

from relay.sandbox import fields_of_condition
from tests.cli.desk import Desk
from tests.factories import workflow_completed

BROKE = workflow_completed(status="failed", number=7812)
STOPPING = """\
version: 1
people:
  alice: { emails: [alice@example.com], slack: U012ABCDE }
notifiers:
  console: { type: console }
routes:
  - name: robots
    match: { project.name: api }
    when: "not author.bot"
    notify: console
    stop: true
  - name: trunk
    match: { branch: ["*", "!main"], duration: "> 20m" }
    when: "author.known == 'bob' and branch.startswith('release')"
    notify: console
    routes:
      - name: odd
        match:
          any: [{ tag: "v*" }, { status: success, trigger: api }]
          all: [{ job.name: test }, { project.org: acme }]
          not: [{ fork: false }, { branch: develop }]
          failed_steps.name: { every: "lint*" }
      - name: plain
"""


def account(desk: Desk, route: str) -> list[str]:
    """What is told below the head of the report, without the last line."""
    desk.save("event.json", BROKE)
    lines = desk.run("explain", "event.json", "--why-not", route).output.splitlines()
    return lines[3:-1]


def test_the_failing_condition_stands_beside_what_is_wanted(desk: Desk) -> None:
    desk.arrive(workflow_completed(number=7809))
    desk.work()
    desk.save("event.json", BROKE)

    result = desk.run("explain", "event.json", "--why-not", "trunk-fixed")

    short = BROKE["id"][:8]
    assert (
        result.output
        == f"""\
event    workflow-completed  {short}  gh/acme/api #7812  build-and-deploy  FAILED on main (a1b2c3d by alice)
state    gh/acme/api | main | build-and-deploy:  #7809 success -> #7812 failed   change = broke
config   relay.yaml {desk.fingerprint}, 7 routes, 3 notifiers
route    trunk-fixed does not fire

  route        holds  condition
  trunk        yes    project.slug like gh/acme/*
               yes    branch main in [main, release/*, !release/legacy]
  trunk-fixed  no     change = broke, wanted fixed

for it to fire
  change is broke and would have to match fixed (fixed: red before, and a new pipeline passes)

dry run: nothing was sent, no state was changed
"""
    )
    assert result.exit_code == 1


def test_a_route_that_fires_says_so(desk: Desk) -> None:
    desk.save("event.json", BROKE)

    result = desk.run("explain", "event.json", "--why-not", "everything-to-audit")

    assert result.output.endswith("""\
route    everything-to-audit fires

  route                holds  condition
  everything-to-audit  yes    no conditions

dry run: nothing was sent, no state was changed
""")
    assert result.exit_code == 0


def test_a_route_that_fires_and_is_kept_quiet_says_why(desk: Desk) -> None:
    text = (desk.folder / "relay.yaml").read_text()
    desk.write(text + "silences: [{ match: { branch: main }, why: moving house }]\n")
    desk.save("event.json", BROKE)

    result = desk.run("explain", "event.json", "--why-not", "everything-to-audit")

    assert result.output.endswith("""\
  quiet      by       until         because
  audit-log  silence  no end known  silences[0]: moving house

dry run: nothing was sent, no state was changed
""")
    assert result.exit_code == 0


def test_children_that_speak_are_named(desk: Desk) -> None:
    desk.save("green.json", workflow_completed())

    result = desk.run("explain", "green.json", "--why-not", "trunk")

    assert "route    trunk matches, and its children speak for it\n" in result.output
    assert "\n  trunk-quiet would have to not match; children speak for their parent\n" in result.output
    assert result.exit_code == 1


def test_a_stop_before_it_and_every_failing_condition_are_told(desk: Desk) -> None:
    desk.write(STOPPING)

    told = account(desk, "trunk")

    assert told == [
        "route    trunk is not tried",
        "",
        "  route  holds  condition",
        '  trunk  no     branch = main is excluded by "!main"',
        "         no     duration = 4m 12s, wanted > 20m",
        "         no     when \"author.known == 'bob' and branch.startswith('release')\" is false",
        "                  author.known = alice; branch = main",
        "",
        "for it to fire",
        "  branch is main and would have to match [*, !main]",
        "  duration is 4m 12s and would have to match > 20m",
        "  when \"author.known == 'bob' and branch.startswith('release')\" would have to be true",
        "  robots would have to not match; its `stop: true` ends the list before",
        "",
    ]


def test_blocks_say_each_way(desk: Desk) -> None:
    desk.write(STOPPING)

    told = account(desk, "odd")

    assert told[told.index("for it to fire") + 4 : -2] == [
        "  tag is missing and would have to match v*, or else status is failed and would have to match"
        " success, and trigger is push and would have to match api",
        "  job.name is missing and would have to match test",
        "  this would have to be otherwise: fork = false",
        "  failed_steps.name is missing and would have to match every lint*",
    ]


def test_a_child_without_conditions_waits_for_its_parent(desk: Desk) -> None:
    desk.write(STOPPING)

    told = account(desk, "plain")

    assert told[5:8] == [
        "         no     when \"author.known == 'bob' and branch.startswith('release')\" is false",
        "                  author.known = alice; branch = main",
        "  plain  yes    no conditions",
    ]


def test_a_condition_that_breaks_down_is_told(desk: Desk) -> None:
    desk.write(
        "version: 1\nnotifiers: { console: { type: console } }\n"
        'routes: [{ name: odd, when: "duration + branch", notify: console }]\n'
    )

    told = account(desk, "odd")

    assert told[0] == "route    odd cannot be decided"
    assert told[3].startswith('  odd    no     when "duration + branch": ')
    assert told[4] == "                branch = main; duration = 252.5".rjust(len(told[4]))
    assert told[-2] == '  when "duration + branch" would have to work'


def test_scripts_get_the_same_as_json(desk: Desk) -> None:
    desk.save("event.json", BROKE)

    found = desk.json("explain", "event.json", "--why-not", "trunk-fixed")

    needed = (
        "change is first_failure and would have to match fixed (fixed: red before, and a new pipeline passes)"
    )
    assert (found["route"], found["result"], found["fires"]) == ("trunk-fixed", "no", False)
    assert found["steps"][1] == {
        "route": "trunk-fixed",
        "conditions": [
            {"because": "change = first_failure, wanted fixed", "holds": False, "needed": [needed]}
        ],
        "values": [],
    }
    assert found["needed"] == [needed]


def test_a_route_that_is_not_there(desk: Desk) -> None:
    desk.save("event.json", BROKE)

    result = desk.run("explain", "event.json", "--why-not", "trunk-fixd")

    assert result.stderr == "no route is called trunk-fixd, did you mean trunk-fixed?\n"
    assert result.exit_code == 2


def test_payload_and_why_not_do_not_go_together(desk: Desk) -> None:
    desk.save("event.json", BROKE)

    result = desk.run("explain", "event.json", "--why-not", "trunk", "--payload", "team-slack")

    assert result.stderr == "either --payload or --why-not\n"
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("author.known and not author.bot", ("author.bot", "author.known")),
        ("branch.upper() == 'MAIN'", ("branch",)),
        ("(failed_steps | length) > 3", ("failed_steps",)),
        ("'x' in build.parameters.deploy", ("build.parameters", "build.parameters.deploy")),
        ("true", ()),
    ],
)
def test_the_fields_of_a_condition(text: str, names: tuple[str, ...]) -> None:
    assert fields_of_condition(text) == names
