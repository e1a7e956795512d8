"""`relay explain` says what actions would do, and does nothing."""

from tests.cli.desk import Desk
from tests.factories import workflow_completed

CONFIG = """\
version: 1
circleci: { token: t }
notifiers: { console: { type: console } }
actions:
  again: { type: retry, delay: 30s }
  keep-reports: { type: artifacts }
routes:
  - { name: red, match: { status: failed }, notify: %s, act: [again, keep-reports] }
"""


def test_one_line_for_each_action(desk: Desk) -> None:
    desk.write(CONFIG % "console")
    event = desk.save("event.json", workflow_completed(status="failed"))

    result = desk.run("explain", event)

    assert result.exit_code == 0
    assert result.output.splitlines()[-4:] == [
        "",
        "  action  again (retry)  would run workflow build-and-deploy again from its failed jobs in 30s,"
        " at most 1 time",
        "  action  keep-reports (artifacts)  would fetch up to 50 files, 50 MB",
        "dry run: nothing was sent, no state was changed            --payload console shows the request body",
    ]


def test_actions_without_messages(desk: Desk) -> None:
    desk.write(CONFIG % "[]")
    event = desk.save("event.json", workflow_completed(status="failed"))

    result = desk.run("explain", event)

    assert result.exit_code == 0
    assert "  nothing would be sent: red fires and notifies nobody\n" in result.output
    assert "  action  again (retry)  would run" in result.output


def test_actions_for_scripts(desk: Desk) -> None:
    desk.write(CONFIG % "console")
    event = desk.save("event.json", workflow_completed(status="failed"))

    record = desk.json("explain", event)

    assert [delivery["target"] for delivery in record["deliveries"]] == ["console"]
    assert [(each["target"], each["type"]) for each in record["actions"]] == [
        ("again", "retry"),
        ("keep-reports", "artifacts"),
    ]
