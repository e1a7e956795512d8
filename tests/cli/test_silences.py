"""`relay silence`, and what a silence does to a real webhook."""

import re

import pytest

from tests.cli.desk import Desk
from tests.factories import workflow_completed
from tests.fakes.sink import Sink

BROKE = workflow_completed(status="failed", number=7812)


@pytest.fixture
def login(desk: Desk) -> str:
    desk.environ["LOGNAME"] = "alice"
    desk.arrive()
    return "alice"


def add(desk: Desk, *more: str) -> str:
    arguments = more or ("--match", "branch=main", "--for", "2h", "--why", "database upgrade")
    return str(desk.json("silence", "add", *arguments)["id"])


def test_a_silence_is_added_listed_and_removed(desk: Desk, login: str) -> None:
    id = add(desk)

    listed = desk.run("silence", "list").output.splitlines()
    assert re.split(r"  +", listed[0]) == ["id", "until", "match", "who", "why"]
    assert [cell for at, cell in enumerate(re.split(r"  +", listed[1])) if at != 1] == [
        *(id[-8:], "branch=main", "alice", "database upgrade"),
    ]
    assert desk.run("silence", "remove", id[-8:]).output == f"silence {id[-8:]} is ended\n"
    assert desk.run("silence", "list").output == "no silences\n"


def test_a_silent_event_is_planned_and_tells_why_nobody_was_told(desk: Desk, login: str, sink: Sink) -> None:
    id = add(desk)
    (event,) = desk.arrive(BROKE)
    desk.work()

    found = desk.json("event", event)
    assert sink.requests == []
    assert found["deliveries"] == []
    assert {(each["target"], each["control"], each["reason"]) for each in found["quiet"]} == {
        (target, "silence", f"{id[-8:]} by alice: database upgrade") for target in ("audit-log", "team-slack")
    }
    told = desk.run("event", event).output.splitlines()
    assert re.split(r"  +", told[-3].strip()) == ["quiet", "by", "until", "because"]
    assert told[-1].endswith(f"{id[-8:]} by alice: database upgrade")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", re.split(r"  +", told[-1].strip())[2])


def test_after_a_silence_was_removed_messages_come_again(desk: Desk, login: str, sink: Sink) -> None:
    id = add(desk)
    desk.run("silence", "remove", id)
    desk.arrive(BROKE)
    desk.work()

    assert [request.path for request in sink.requests] == ["/ci"]


def test_explain_tells_of_a_silence_of_the_configuration(desk: Desk) -> None:
    config = (desk.folder / "relay.yaml").read_text()
    silences = 'silences: [{ match: { branch: main }, until: "2026-11-24", why: quiet day }]\n'
    desk.write(config + silences)
    name = desk.save("broke.json", BROKE)

    silent = desk.run("explain", name, "--at", "2026-11-23 23:59")
    loud = desk.run("explain", name, "--at", "2026-11-24 00:00")

    lines = [re.split(r"  +", line.strip()) for line in silent.output.splitlines()]
    assert (silent.exit_code, loud.exit_code) == (1, 0)
    assert ["nothing would be sent: everything is kept quiet"] in lines
    assert ["audit-log", "silence", "2026-11-24 00:00", "silences[0]: quiet day"] in lines
    assert "silences[0]" not in loud.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("--match", "branch", "--for", "1h"),
            "--match branch: wanted FIELD=PATTERN, such as --match branch=main",
        ),
        (("--match", "brnch=x", "--for", "1h"), "--match brnch: unknown field, did you mean branch?"),
        (
            ("--match", "branch=/(/", "--for", "1h"),
            "--match branch: cannot read the pattern /(/: missing ): (",
        ),
        (
            ("--match", "failed_jobs.name=x", "--for", "1h"),
            "--match failed_jobs.name: has to be fetched from CircleCI; use another field",
        ),
        (("--match", "branch=x"), "say when it ends: --until TIME or --for DURATION"),
        (
            ("--match", "branch=x", "--for", "1h", "--until", "18:00"),
            "say when it ends: --until TIME or --for",
        ),
        (("--match", "branch=x", "--for", "90"), "--for: 90 is not a duration; write 2h or 3d"),
        (
            ("--match", "branch=x", "--for", "400d"),
            "--for: longer than a year; put it into the configuration",
        ),
        (("--match", "branch=x", "--for", "99999999999d"), "--for: 99999999999d is not a duration"),
        (("--match", "branch=x", "--until", "soon"), '--until: "soon" is not a time; write'),
        (("--match", "branch=x", "--until", "2020-01-01"), "it would end before it begins"),
    ],
)
def test_what_cannot_be_meant_is_told(
    desk: Desk, login: str, arguments: tuple[str, ...], problem: str
) -> None:
    result = desk.run("silence", "add", *arguments)

    assert result.exit_code == 2
    assert result.output.startswith(problem)


def test_a_pattern_from_the_command_line_cannot_act_on_a_terminal(desk: Desk, login: str) -> None:
    add(desk, "--match", "branch=\x1b[31m", "--for", "1h", "--why", "\x1b]0;x\x07")

    assert "\x1b" not in desk.run("silence", "list").output
