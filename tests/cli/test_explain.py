"""`relay explain`: exactly what would happen, and why."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.desk import Desk
from tests.factories import MINUTE, NOON, classic, ping, workflow_completed

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cli"
BROKE = workflow_completed(status="failed", number=7812)


def broken_main(desk: Desk) -> str:
    """Main was green at #7809, two runs were cancelled, and #7812 failed; that one's webhook."""
    desk.arrive(workflow_completed(number=7809))
    desk.arrive(*(workflow_completed(status="canceled", number=number) for number in (7810, 7811)))
    desk.work()
    return desk.save("event.json", BROKE)


def test_the_report_reads_as_documented(desk: Desk) -> None:
    event = broken_main(desk)

    result = desk.run("explain", event)

    wanted = (FIXTURES / "explain_broke.txt").read_text()
    named = wanted.replace("EVENT-ID", BROKE["id"][:8]).replace("FINGERPRINT", desk.fingerprint)
    assert result.output == named
    assert result.exit_code == 0


def test_without_a_database_there_is_no_history_and_none_is_made(desk: Desk) -> None:
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event)

    state = "gh/acme/api | main | build-and-deploy:  no history yet -> #7812 failed   change = first_failure"
    assert f"state    {state}\n" in result.output
    assert not desk.database.exists()


def test_a_database_without_tables_is_said_and_left_alone(desk: Desk) -> None:
    desk.database.touch()
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event)

    assert (
        "no history: the database has no tables yet; run `relay db upgrade` -> #7812 failed" in result.output
    )


def test_what_was_fetched_when_it_was_planned_counts_and_is_shown(desk: Desk) -> None:
    broken_main(desk)
    (id,) = desk.arrive(BROKE)
    desk.work()
    with desk.store() as store:
        failed = {"class": "net", "signature": "net.reset", "evidence": "Connection reset by peer"}
        store.add_notes(id, {"failure": failed})

    assert "\nfailure  net (net.reset)  Connection reset by peer\n" in desk.run("explain", id).output


def test_nothing_is_sent_and_nothing_is_recorded(desk: Desk, sink: Any) -> None:
    event = broken_main(desk)
    sent, listed = len(sink.requests), desk.json("events")

    desk.run("explain", event)

    assert len(sink.requests) == sent
    assert desk.json("events") == listed


def test_exit_status_1_when_nobody_would_be_told(desk: Desk) -> None:
    desk.write(
        "version: 1\nnotifiers: { console: { type: console } }\n"
        "routes: [{ name: fixed, match: { change: fixed }, notify: console }]\n"
    )
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event)

    assert result.exit_code == 1
    assert result.output.endswith("""\
  route  result   because
  fixed  no       change = first_failure, wanted fixed

  nothing would be sent: no route fires

dry run: nothing was sent, no state was changed
""")


def test_a_route_that_silences_is_named(desk: Desk) -> None:
    desk.write(
        "version: 1\nnotifiers: { console: { type: console } }\n"
        "routes: [{ name: hush, notify: [] }]\nunmatched: { notify: console }\n"
    )
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event)

    assert "  nothing would be sent: hush fires and notifies nobody\n" in result.output


def test_unmatched_says_why_it_speaks(desk: Desk) -> None:
    desk.write(
        "version: 1\nnotifiers: { console: { type: console } }\n"
        "routes: [{ name: tags, match: { tag: '*' }, notify: console }]\nunmatched: { notify: console }\n"
    )
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event)

    assert "  console   post      now              no route took the event\n" in result.output


def test_a_ping_is_only_answered(desk: Desk) -> None:
    event = desk.save("ping.json", ping())

    result = desk.run("explain", event)

    assert "state    none: a ping says nothing about a branch\n" in result.output
    assert "  nothing would be sent: the relay only answers a ping\n" in result.output
    assert result.exit_code == 1


def test_an_ignored_result_leaves_the_state(desk: Desk) -> None:
    event = desk.save("event.json", workflow_completed(status="canceled", number=7812))

    result = desk.run("explain", event)

    assert "no history yet -> #7812 canceled   change = none\n" in result.output
    assert "         canceled results are ignored, the state stays as it was\n" in result.output


def test_a_run_counted_before_changes_nothing(desk: Desk) -> None:
    (seen,) = desk.arrive(BROKE)
    desk.work()
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event)

    hint = f"this run was counted before, by event {seen[-8:]}; explain that id to see it as it arrived"
    assert f"         {hint}\n" in result.output


def test_an_event_of_the_ledger_is_judged_as_of_its_arrival(desk: Desk) -> None:
    desk.arrive(workflow_completed(number=7809))
    (broke,) = desk.arrive(BROKE)
    desk.arrive(workflow_completed(number=7813))
    desk.work()

    result = desk.run("explain", broke[-8:])

    assert "#7809 success -> #7812 failed   change = broke\n" in result.output


def test_standard_input_is_read(desk: Desk) -> None:
    result = desk.run("explain", "-", given=json.dumps(BROKE).encode())

    assert result.output.startswith("event    workflow-completed")


def test_nothing_on_standard_input_is_told(desk: Desk) -> None:
    result = desk.run("explain", "-", given=b"")

    assert result.output == "standard input: not JSON: the body is empty\n"
    assert result.exit_code == 2


@pytest.mark.parametrize(
    "hook",
    [
        pytest.param(json.dumps(classic(outcome="failed", status="failed")).encode(), id="classic"),
        pytest.param(
            b'{"build_num": 42, "outcome": "failed", "branch": "main", "vcs_url": "https://github.com/acme/api"}',
            id="flat",
        ),
        pytest.param(
            b"payload=%7B%22build_num%22%3A+42%2C+%22outcome%22%3A+%22failed%22%2C+%22branch%22%3A+%22main%22%2C"
            b"+%22vcs_url%22%3A+%22https%3A%2F%2Fgithub.com%2Facme%2Fapi%22%7D",
            id="form",
        ),
    ],
)
def test_every_accepted_shape_is_understood(desk: Desk, hook: bytes) -> None:
    event = desk.save("event", hook)

    result = desk.run("explain", event)

    assert result.output.startswith("event    build  gh/acme/api #42  FAILED on main")


def test_at_moves_the_clock(desk: Desk) -> None:
    event = desk.save("event.json", BROKE)

    record = desk.json("explain", event, "--at", "2026-11-23 21:15")

    assert record["deliveries"][0]["due_at"] == "2026-11-23T20:15:00Z"  # Paris is an hour ahead


@pytest.mark.parametrize(
    ("at", "due_at"),
    [
        ("2026-03-29 01:59", "2026-03-29T00:59:00Z"),
        ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),
        ("2026-03-29 03:00", "2026-03-29T01:00:00Z"),
        ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30+01:00", "2026-10-25T01:30:00Z"),
        ("2028-02-29 12:00", "2028-02-29T11:00:00Z"),
    ],
    ids=["before the gap", "in the gap", "after the gap", "first of two", "second of two", "leap day"],
)
def test_at_is_meant_in_the_timezone_of_that_day(desk: Desk, at: str, due_at: str) -> None:
    event = desk.save("event.json", BROKE)

    record = desk.json("explain", event, "--at", at)

    assert record["deliveries"][0]["due_at"] == due_at


def test_an_offset_in_at_counts(desk: Desk) -> None:
    event = desk.save("event.json", BROKE)

    record = desk.json("explain", event, "--at", "2026-11-23T21:15:00Z")

    assert record["deliveries"][0]["due_at"] == "2026-11-23T21:15:00Z"


def test_json_tells_the_same(desk: Desk) -> None:
    event = broken_main(desk)

    record = desk.json("explain", event)

    assert record["state"] == {
        "key": "gh/acme/api | main | build-and-deploy",
        "previous": record["event"]["previous"],
        "change": "broke",
        "ignored": [{"number": 7810, "status": "canceled"}, {"number": 7811, "status": "canceled"}],
        "history": "read",
        "why_no_change": None,
    }
    assert [(line["route"], line["result"], line["nearest_miss"]) for line in record["routes"]][:4] == [
        ("everything-to-audit", "FIRE", False),
        ("flaky-e2e", "no", True),
        ("trunk", "children", False),
        ("trunk-broke", "FIRE", False),
    ]
    assert [delivery["target"] for delivery in record["deliveries"]] == [
        "audit-log",
        "team-slack",
        "ops-mail",
    ]


def test_payload_is_the_request_body(desk: Desk) -> None:
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event, "--payload", "audit-log", "--at", NOON.isoformat())

    sent = json.loads(result.output)
    assert sent["type"] == "relay.notification"
    assert sent["timestamp"] == "2026-11-23T12:00:00+00:00"
    assert sent["data"]["reason"] == {"route": "everything-to-audit", "change": "first_failure"}
    assert sent["data"]["events"][0]["id"] == BROKE["id"]


def test_payload_of_mail_is_its_headers_and_text(desk: Desk) -> None:
    event = broken_main(desk)

    result = desk.run("explain", event, "--payload", "ops-mail")

    assert result.output.startswith(
        "From: ci@example.com\nTo: ops@example.com\nSubject: 🔴 api / build-and-deploy"
    )
    assert "\n\nCache the price list (https://github.com/acme/api/commit/" in result.output
    assert "\nFor alice\n" in result.output


def test_payload_hides_secrets_that_a_stranger_guessed(desk: Desk) -> None:
    desk.environ["SLACK_TOKEN"] = "xoxb-in-the-commit"
    commit = {"subject": "Add xoxb-in-the-commit to the tests"}
    hook = workflow_completed(status="failed", pipeline={"vcs": {"branch": "main", "commit": commit}})
    event = desk.save("event.json", hook)

    result = desk.run("explain", event, "--payload", "audit-log")

    assert "Add *** to the tests" in result.output
    assert "xoxb-in-the-commit" not in result.output


def test_payload_of_a_notifier_without_a_delivery_is_no(desk: Desk) -> None:
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event, "--payload", "ops-mail")

    assert result.exit_code == 1
    assert (
        result.output == "ops-mail would be sent nothing for this event; without --payload explain says why\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ("gone.json",),
            "there is no file gone.json, and no event with that id in the ledger (no history yet)\n",
            id="no such file",
        ),
        pytest.param(("relay.yaml",), "relay.yaml: not JSON: Expecting value (character 0)\n", id="not JSON"),
        pytest.param((".",), ".: cannot be read: Is a directory\n", id="a folder"),
        pytest.param(
            ("event.json", "--payload", "team-slak"),
            "no notifier is called team-slak, did you mean team-slack?\n",
            id="misspelt notifier",
        ),
        pytest.param(
            ("event.json", "--at", "tomorrow"),
            '--at: "tomorrow" is not a time; write "2026-11-23 21:15" or 2026-11-23T21:15:00Z\n',
            id="unreadable time",
        ),
        pytest.param(
            ("event.json", "--at", "0001-01-01 00:00"),
            '--at: "0001-01-01 00:00" is not a time; write "2026-11-23 21:15" or 2026-11-23T21:15:00Z\n',
            id="time before all zones",
        ),
        pytest.param(
            ("bad\x1b[2J\x00.json",),
            "there is no file bad\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}.json,"
            " and no event with that id in the ledger (no history yet)\n",
            id="hostile name",
        ),
    ],
)
def test_what_cannot_be_explained_is_one_line(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    desk.save("event.json", BROKE)

    result = desk.run("explain", *arguments)

    assert result.output == said
    assert result.exit_code == 2


def test_a_webhook_without_a_build_says_what_is_missing(desk: Desk) -> None:
    event = desk.save("event.json", {"payload": {"branch": "main"}})

    result = desk.run("explain", event)

    assert result.output == (
        "event.json: no build: `payload` has neither `build_num` nor `build_url`, "
        "nor an `outcome` or `status` with a `vcs_url` or `reponame`\n"
    )
    assert result.exit_code == 2


def test_a_terminal_obeys_nothing_of_what_strangers_wrote(desk: Desk) -> None:
    hook = classic(branch="\x1b[31mmain\x9b2J\u202e", author_name="\x1b]0;owned\x07", outcome="failed")
    event = desk.save("event.json", hook)

    outputs = [
        desk.run("explain", event, *more).output for more in ((), ("--json",), ("--payload", "audit-log"))
    ]

    assert not [char for text in outputs for char in text if not char.isprintable() and char != "\n"]


def test_a_faulty_configuration_is_told_with_its_faults(desk: Desk) -> None:
    desk.write("version: 1\nroutes: [{ notify: nobody }]\n")
    event = desk.save("event.json", BROKE)

    result = desk.run("explain", event)

    assert "relay.yaml:2:" in result.output
    assert result.exit_code == 2


def test_an_incident_is_told_with_its_key(desk: Desk) -> None:
    config = (
        (desk.folder / "relay.yaml")
        .read_text()
        .replace(
            "notifiers:\n", 'notifiers:\n  pager: { type: pagerduty, routing_key: "0123456789abcdef" }\n', 1
        )
    )
    desk.write(f"{config}\n  - {{ name: page, notify: pager }}\n")

    result = desk.run("explain", desk.save("event.json", BROKE))

    line = next(line for line in result.output.splitlines() if line.startswith("  pager"))
    assert " trigger " in line
    assert 'incident key "gh/acme/api | main | build-and-deploy"' in line


def test_a_digest_is_explained_with_its_time(desk: Desk) -> None:
    config = (desk.folder / "relay.yaml").read_text()
    weekly = "    notify: audit-log\n    digest: weekly\n"
    desk.write(config.replace("    notify: audit-log\n", weekly))
    name = desk.save("first.json", workflow_completed(number=1))

    told = desk.run("explain", name, "--at", "2026-11-23 12:00")
    payload = json.loads(desk.run("explain", name, "--payload", "audit-log").output)

    lines = [line.split() for line in told.output.splitlines()]
    (delivery,) = [line for line in lines if line[:2] == ["audit-log", "post"]]
    note = "one message with all since Mon 2026-11-23 09:00, in the digest of everything-to-audit"
    assert " ".join(delivery[2:4]) == "in 6"
    assert note in told.output
    assert "digest 2026-11-30 09:00 gathered for the digest of" in " ".join(told.output.split())
    assert payload["data"]["message"]["title"].startswith("🟢 1 result since ")


def test_what_goes_beyond_a_budget_is_explained_and_recorded(desk: Desk) -> None:
    config = (desk.folder / "relay.yaml").read_text()
    limited = config.replace("audit-log: { ", "audit-log: { budget: 1 per 1h, ")
    assert limited != config
    desk.write(limited)
    first, second = sorted(desk.arrive(workflow_completed(number=1), workflow_completed(number=2)))
    desk.work()

    recorded = desk.run("event", second).output
    told = desk.run("explain", desk.save("third.json", workflow_completed(number=3))).output

    assert "budget of 1 message in 1h used up" not in desk.run("event", first).output
    assert "budget of 1 message in 1h used up" in recorded
    assert "budget of 1 message in 1h used up" in told
    assert "budget used up: one message with all that goes beyond" in told
    (quiet,) = desk.json("explain", "third.json")["quiet"]
    assert (quiet["control"], quiet["fate"]) == ("budget", "later")


def test_what_a_throttle_lets_through_and_keeps_back_is_explained(desk: Desk) -> None:
    config = (desk.folder / "relay.yaml").read_text()
    desk.write(
        config.replace(
            "    notify: audit-log\n",
            '    notify: audit-log\n    throttle: 4h\n    once_per: "{{ branch }} {{ number }}"\n',
        )
    )
    name = desk.save("first.json", workflow_completed(number=1))

    first = desk.run("explain", name)
    desk.arrive(workflow_completed(number=2))
    desk.work()
    second = desk.json("explain", name)

    assert "signed; the only one with its key; at most one in 4h" in first.output
    assert [(each["target"], each["control"], each["reason"]) for each in second["quiet"]] == [
        ("audit-log", "throttle", "at most one message in 4h")
    ]


def test_an_inhibited_failure_tells_since_when_trunk_fails(desk: Desk) -> None:
    text = (desk.folder / "relay.yaml").read_text()
    desk.write(text.replace("defaults: {", "defaults: { trunk: main,"))
    desk.arrive(workflow_completed(status="failed", number=7809))
    desk.work()
    hook = workflow_completed(status="failed", number=7812)
    hook["pipeline"]["vcs"]["branch"] = "topic"

    quiet = desk.json("explain", desk.save("event.json", hook))["quiet"]

    assert {each["control"] for each in quiet} == {"inhibition"}
    assert quiet[0]["reason"].startswith("main fails the same way since ")
    assert quiet[0]["reason"].endswith(" (#7809)")


def test_a_held_failure_tells_until_when_and_what_comes_next_decides(desk: Desk) -> None:
    text = (desk.folder / "relay.yaml").read_text()
    desk.write(text.replace("    group: { by: [pipeline.id], wait: 20s, max_wait: 2m }\n", "    hold: 20m\n"))
    desk.arrive(workflow_completed(number=7809))
    desk.work()
    (event_id,) = desk.arrive(BROKE)

    held = desk.json("explain", event_id)
    desk.work()
    fixed = desk.json("explain", desk.save("fixed.json", workflow_completed(number=7813)))
    shown = desk.run("event", event_id).output

    assert {(each["target"], each["reason"], each["fate"]) for each in held["quiet"]} == {
        ("team-slack", "held for a verdict, at most 20m", "later"),
        ("ops-mail", "held for a verdict, at most 20m", "later"),
    }
    slack = next(each for each in held["deliveries"] if each["target"] == "team-slack")
    assert "held for a verdict, at most 20m" in slack["remarks"]
    assert [each["fate"] for each in fixed["quiet"]] == ["sent", "sent"]
    slack = next(each for each in fixed["deliveries"] if each["target"] == "team-slack")
    assert "decides what was held" in slack["remarks"]
    assert "held for a verdict, at most 20m" in shown


def test_a_result_whose_message_was_under_way_when_it_came_again_is_kept_quiet(desk: Desk) -> None:
    desk.arrive(BROKE)
    (second,) = desk.arrive({**BROKE, "id": f"{BROKE['id']} again"})
    desk.work()

    quiet = {each["target"]: each for each in desk.json("explain", second)["quiet"]}

    assert quiet["audit-log"]["reason"] == "the same result of this run is under way"


def test_an_event_that_came_again_says_how_often(desk: Desk) -> None:
    (event,) = desk.arrive(BROKE)
    desk.arrive(BROKE, BROKE, at=NOON + MINUTE)
    desk.work()

    assert "\n         received 3 times, last 13:01:00\n" in desk.run("explain", event).output
    assert desk.json("explain", event)["received"] == {
        "id": event,
        "times": 3,
        "last_at": "2026-11-23T12:01:00Z",
    }


def test_a_webhook_that_is_in_the_ledger_says_so(desk: Desk) -> None:
    (event,) = desk.arrive(BROKE)
    desk.work()

    result = desk.run("explain", desk.save("event.json", BROKE))

    assert f"received 1 time, as event {event[-8:]}; a duplicate is only counted\n" in result.output
    assert "the same result of this run was told at" in result.output


def test_an_open_group_that_it_would_join_is_told(desk: Desk) -> None:
    desk.write((desk.folder / "relay.yaml").read_text().replace("wait: 20s, max_wait: 2m", "wait: 9h"))
    desk.arrive(BROKE, workflow_completed(status="failed", number=7812, name="lint"))
    desk.work()
    event = desk.save("event.json", workflow_completed(status="failed", number=7812, name="docs"))

    remarks = " ".join(desk.json("explain", event)["deliveries"][1]["remarks"])

    assert re.search(r"joins the message that waits until [-\d ]*\d\d:\d\d:\d\d with 2 events", remarks)


def test_a_cancelled_workflow_that_was_told_is_kept_quiet(desk: Desk) -> None:
    hook = workflow_completed(status="canceled", number=7810)
    desk.arrive(hook)
    desk.work()
    (second,) = desk.arrive({**hook, "id": f"{hook['id']} again"}, at=datetime.now(UTC))
    desk.work()

    for command in ("event", "explain"):
        quiet = {each["target"]: each for each in desk.json(command, second)["quiet"]}
        assert quiet["audit-log"]["control"] == "dedupe"
        assert quiet["audit-log"]["reason"].startswith("the same result of this run was told at ")
        assert quiet["audit-log"]["until"]
