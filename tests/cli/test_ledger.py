"""`relay events`, `event`, `deliveries`, `replay` and `prune` on a database that a worker filled."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.factories import MINUTE, NOON, classic, workflow_completed
from tests.fakes.sink import Play, Sink

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cli"
GREEN = workflow_completed(number=7809)
BROKE = workflow_completed(status="failed", number=7812)
AGO = re.compile(r"\d+ (s|min|h|d) ago")


@pytest.fixture
def green(desk: Desk) -> str:
    """An event whose message to audit-log was delivered; its id."""
    (event,) = desk.arrive(GREEN)
    desk.work()
    return event


@pytest.fixture
def dead(desk: Desk, sink: Sink) -> str:
    """An event whose message to audit-log was refused for good; its id."""
    sink.plays.append(Play(status=404, body=b"no \x1b[31mhook xoxb-0123456789"))
    (event,) = desk.arrive(GREEN)
    desk.work()
    return event


@pytest.fixture
def stuck(desk: Desk) -> str:
    """An event that could not be planned; its id."""
    (event,) = desk.arrive(GREEN)
    desk.give_up_planning("LookupError: no such planet")
    return event


def delivery_of(desk: Desk, event: str) -> str:
    (row,) = desk.json("deliveries", "--event", event)
    return str(row["id"])


def undated(text: str) -> str:
    """Without what differs from run to run; widths included."""
    dated = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d C?ES?T", "TIME", text)
    return re.sub(r"in \d+\.\d\d s", "in TIME", re.sub(r" +\n", "\n", AGO.sub("AGO", dated)))


def test_events_are_listed(desk: Desk, green: str) -> None:
    (broke,) = desk.arrive(BROKE)

    result = desk.run("events")

    lines = [re.split(r"  +", line) for line in undated(result.output).splitlines()]
    assert lines == [
        ["id", "arrived", "project", "what", "status", "change", "where", "author", "messages"],
        [broke[-8:], "AGO", "workflow-completed", "new"],
        [
            *(green[-8:], "AGO", "gh/acme/api", "build-and-deploy #7809", "success", "first_success"),
            *("main", "Alice Archer", "delivered"),
        ],
    ]


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((), [7813, 7812, 7809]),
        (("--status", "failed"), [7812]),
        (("--change", "fixed"), [7813]),
        (("--branch", "main"), [7813, 7812, 7809]),
        (("--branch", "other"), []),
        (("--project", "gh/acme/api", "--limit", "2"), [7813, 7812]),
        (("--state", "stuck"), []),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_events_are_narrowed_down(desk: Desk, arguments: tuple[str, ...], numbers: list[int]) -> None:
    desk.arrive(GREEN)
    desk.arrive(BROKE)
    desk.arrive(workflow_completed(number=7813))
    desk.work()

    assert [row["number"] for row in desk.json("events", *arguments)] == numbers


def test_the_next_page_begins_after_an_id(desk: Desk, green: str) -> None:
    (broke,) = desk.arrive(BROKE)

    assert [row["id"] for row in desk.json("events", "--before", broke[-8:])] == [green]


def test_an_unknown_status_is_a_usage_error(desk: Desk) -> None:
    result = desk.run("events", "--status", "exploded")

    assert "'exploded' is not one of 'success', 'failed'" in result.output
    assert result.exit_code == 2


def test_an_event_is_shown_with_routes_deliveries_and_attempts(desk: Desk, green: str) -> None:
    result = desk.run("event", green[-8:])

    named = {
        "SOURCE-ID": GREEN["id"][:8],
        "EVENT": green,
        "URL": GREEN["workflow"]["url"],
        "FINGERPRINT": desk.fingerprint,
        "DELIVERY": delivery_of(desk, green)[-8:],
    }
    wanted = (FIXTURES / "event_green.txt").read_text()
    assert undated(result.output) == re.sub("|".join(named), lambda found: named[found[0]], wanted)


def test_an_event_for_scripts(desk: Desk, green: str) -> None:
    record = desk.json("event", green)

    assert (record["id"], record["change"], record["event"]["branch"]) == (green, "first_success", "main")
    assert record["routes"][0]["route"] == "everything-to-audit"
    assert record["deliveries"][0]["state"] == "delivered"
    assert record["deliveries"][0]["attempts"][0]["status"] == 200


def test_the_raw_body_is_the_webhook(desk: Desk, green: str) -> None:
    result = desk.run("event", green, "--raw")

    assert json.loads(result.output) == GREEN


def test_the_raw_body_is_masked_and_harmless(desk: Desk) -> None:
    (event,) = desk.arrive(classic(subject="\x9b2J uses xoxb-0123456789"))

    result = desk.run("event", event, "--raw")

    assert json.loads(result.output)["payload"]["subject"] == "\x9b2J uses ***"
    assert "\x9b" not in result.output


def test_a_stuck_event_says_why_and_what_to_do(desk: Desk, stuck: str) -> None:
    result = desk.run("event", stuck)

    assert (
        f"planning stuck: LookupError: no such planet; `relay replay {stuck[-8:]}` tries again\n"
        in result.output
    )


def test_an_event_that_waits_says_so(desk: Desk) -> None:
    (event,) = desk.arrive(GREEN)

    assert "planning waits for a worker\n" in desk.run("event", event).output


def test_deliveries_are_listed(desk: Desk, dead: str) -> None:
    result = desk.run("deliveries", "--state", "dead")

    lines = [re.split(r"  +", line) for line in undated(result.output).splitlines()]
    delivery = delivery_of(desk, dead)
    assert lines == [
        ["id", "made", "target", "state", "tries", "when", "route", "message"],
        [
            *(delivery[-8:], "AGO", "audit-log", "dead", "1", "AGO", "everything-to-audit"),
            "HTTP 404: no such address",
        ],
    ]


def test_deliveries_are_narrowed_to_a_state(desk: Desk, dead: str) -> None:
    assert desk.json("deliveries", "--state", "delivered") == []


def test_a_delivery_is_shown_with_its_attempts(desk: Desk, dead: str) -> None:
    delivery = delivery_of(desk, dead)

    result = desk.run("deliveries", delivery[-8:])

    assert (
        undated(result.output)
        == f"""\
delivery audit-log: 🟢 api / build-and-deploy passed on main
id       {delivery}
state    dead, AGO; `relay replay {delivery[-8:]}` sends it again
made     TIME, AGO
route    everything-to-audit
about    {dead}
error    HTTP 404: no such address

    1. TIME  permanent 404 in TIME  HTTP 404: no such address: no ␛[31mhook ***
"""
    )


def test_a_delivery_for_scripts(desk: Desk, dead: str) -> None:
    record = desk.json("deliveries", delivery_of(desk, dead))

    assert (record["state"], record["event_ids"]) == ("dead", [dead])
    assert record["attempts"][0]["error"] == "HTTP 404: no such address"


def test_a_target_that_does_not_exist_is_suggested(desk: Desk, green: str) -> None:
    result = desk.run("deliveries", "--target", "audit-lok")

    assert result.output == "nothing for audit-lok, and no notifier is called so, did you mean audit-log?\n"


def test_a_dead_delivery_is_sent_again(desk: Desk, dead: str) -> None:
    delivery = delivery_of(desk, dead)

    result = desk.run("replay", delivery[-8:])
    desk.work()

    assert result.output == f"1 put back into the queue: {delivery[-8:]}\n"
    assert desk.json("deliveries", delivery)["state"] == "delivered"


def test_all_dead_deliveries_of_a_target_are_sent_again(desk: Desk, dead: str) -> None:
    assert desk.json("replay", "--dead", "--target", "team-slack") == {"replayed": []}
    assert desk.json("replay", "--dead", "--target", "audit-log") == {"replayed": [delivery_of(desk, dead)]}


def test_stuck_events_are_planned_again(desk: Desk, stuck: str) -> None:
    result = desk.run("replay", "--stuck")
    desk.work()

    assert result.output == f"1 put back into the queue: {stuck[-8:]}\n"
    assert desk.json("event", stuck)["state"] == "planned"


def test_a_delivered_message_is_sent_again_only_when_forced(desk: Desk, green: str, sink: Sink) -> None:
    delivery = delivery_of(desk, green)

    refused = desk.run("replay", delivery)
    forced = desk.run("replay", delivery, "--force")
    desk.work()

    assert (refused.exit_code, forced.exit_code) == (1, 0)
    assert "has not failed" in refused.output
    assert len(sink.requests) == 2


def test_nothing_to_replay_is_said(desk: Desk, green: str) -> None:
    result = desk.run("replay", "--dead", "--stuck")

    assert result.output == "nothing is dead or stuck, nothing was put back\n"
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to replay: IDs, --dead or --stuck"),
        (("4ksq2z8d", "--dead"), "either IDs, or --dead and --stuck"),
        (("--stuck", "--target", "audit-log"), "--target goes with --dead"),
        (("--dead", "--force"), "--force goes with IDs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_replay_that_makes_no_sense_is_refused(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    result = desk.run("replay", *arguments)

    assert result.output == f"{said}\n"
    assert result.exit_code == 2


def test_old_events_are_forgotten(desk: Desk, green: str) -> None:
    result = desk.run("prune", "--older-than", "0d")

    assert result.output == "forgot 1 event, 1 delivery and 0 results older than 0d\n"
    assert desk.json("events") == []


def test_young_events_stay(desk: Desk, green: str) -> None:
    assert desk.json("prune", "--older-than", "36500d") == {"events": 0, "deliveries": 0, "outcomes": 0}


@pytest.mark.parametrize("age", ["90", "soon", "-1d", "999999999999999d", "\x1b[2J"])
def test_an_age_that_makes_no_sense_is_refused(desk: Desk, green: str, age: str) -> None:
    result = desk.run("prune", f"--older-than={age}")

    assert result.output.endswith(" is not a duration; write 90d or 12h\n")
    assert result.exit_code == 2
    assert len(desk.json("events")) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("event", "zzzzzzzz"), "there is no event zzzzzzzz; `relay events` lists them\n"),
        (("events", "--before", "zzzzzzzz"), "there is no event zzzzzzzz; `relay events` lists them\n"),
        (("deliveries", "zzzzzzzz"), "there is no delivery zzzzzzzz; `relay deliveries` lists them\n"),
        (("deliveries", "--event", "%"), "there is no event %; `relay events` lists them\n"),
        (("replay", "zzzzzzzz"), "there is no delivery or event zzzzzzzz\n"),
        (("replay", "\x1b[2J"), "there is no delivery or event \N{REPLACEMENT CHARACTER}[2J\n"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_is_not_there_is_one_line(desk: Desk, green: str, command: tuple[str, ...], said: str) -> None:
    result = desk.run(*command)

    assert result.output == said
    assert result.exit_code == 1


@pytest.mark.parametrize("command", [("events",), ("deliveries",), ("replay", "--dead"), ("prune",)])
def test_without_a_database_the_remedy_is_named(desk: Desk, command: tuple[str, ...]) -> None:
    result = desk.run(*command)

    wanted = f"there is no database {desk.database} yet; `relay serve` makes it, or run `relay db upgrade`\n"
    assert result.output == wanted
    assert result.exit_code == 1
    assert not desk.database.exists()


def test_a_terminal_obeys_nothing_of_what_strangers_wrote(desk: Desk) -> None:
    hostile = "\x1b]0;owned\x07\x9b2J\u202e"
    desk.arrive(classic(branch=f"fix{hostile}", author_name=hostile, subject=hostile, outcome="failed"))
    desk.work()
    (event,) = (row["id"] for row in desk.json("events"))

    commands = (
        ("events",),
        ("event", event),
        ("deliveries",),
        ("events", "--json"),
        ("event", event, "--json"),
    )
    shown = "".join(desk.run(*command).output for command in commands)

    assert {char for char in shown if not char.isprintable()} == {"\n"}


def test_an_event_that_came_again_says_how_often_and_when(desk: Desk, green: str) -> None:
    desk.arrive(GREEN, GREEN, at=NOON + MINUTE)

    output = desk.run("event", green).output

    assert "\nrepeats  received again 2 times, last 2026-11-23 13:01:00 CET\n" in output
    (row,) = desk.json("events")
    assert (row["repeats"], row["repeated_at"]) == (2, "2026-11-23T12:01:00Z")


def test_what_is_in_shadow_is_not_called_delivered(desk: Desk) -> None:
    config = (desk.folder / "relay.yaml").read_text()
    desk.write(config.replace("    notify: audit-log\n", "    notify: audit-log\n    shadow: true\n", 1))
    (event,) = desk.arrive(GREEN)
    desk.work()

    assert [row["state"] for row in desk.json("deliveries")] == ["shadow"]
    assert desk.json("deliveries", "--state", "delivered") == []
    assert "delivered" not in desk.run("event", event).output
    assert desk.run("events").output.splitlines()[1].endswith("  shadow")
