"""`relay test --record`: a webhook becomes a test of the configuration."""

import json

import pytest

from tests.cli.desk import Desk
from tests.factories import ping, workflow_completed

GREEN = workflow_completed(number=7809)
BROKE = workflow_completed(status="failed", number=7812)
CONFIG = """\
version: 1
store: "${DATABASE_URL}"
people:
  alice: { emails: [alice@example.com] }
notifiers:
  console: { type: console }
routes:
  - name: broke # told at once
    match: { change: broke }
    notify: console
    mention: [author]
"""


@pytest.fixture
def broken(desk: Desk, database_url: str) -> str:
    """The id of an event that broke main."""
    desk.url = desk.environ["DATABASE_URL"] = database_url
    desk.write(CONFIG)
    desk.arrive(GREEN)
    (event,) = desk.arrive(BROKE)
    desk.work()
    return event


def test_an_event_of_the_ledger_becomes_a_test_that_passes(desk: Desk, broken: str) -> None:
    result = desk.run("test", "--record", broken, "--name", "a broken main: ${HOME}")

    file = "tests/events/a-broken-main-home.json"
    assert result.output == f"wrote {file}, and the test a broken main: ${{HOME}} into relay.yaml\n"
    assert json.loads((desk.folder / file).read_text()) == BROKE
    assert (
        (desk.folder / "relay.yaml").read_text()
        == CONFIG
        + f"""
tests:
  - name: "a broken main: $${{HOME}}"
    event: "{file}"
    given:
      now: "2026-11-23T12:00:00+00:00"
      history: [{{"status": "success", "number": 7809, "at": "2026-11-23T11:55:47.500000+00:00"}}]
    expect:
      change: "broke"
      routes: ["broke"]
      notify: ["console"]
      mention: ["alice"]
      act: []
"""
    )
    assert desk.run("test").output == (
        "ok    a broken main: ${HOME}\n1 passed; every route is hit by a test\n"
    )


def test_the_next_one_is_added_below(desk: Desk, broken: str) -> None:
    desk.run("test", "--record", broken)
    desk.save("green.json", GREEN)

    result = desk.run("test", "--record", "green.json", "--name", "a green main")

    assert result.exit_code == 0
    assert desk.run("test").output == (
        "ok    build-and-deploy failed on main\nok    a green main\n2 passed; every route is hit by a test\n"
    )


def test_a_name_that_is_taken_gets_a_number(desk: Desk, broken: str) -> None:
    desk.run("test", "--record", broken)

    result = desk.run("test", "--record", broken)

    assert "and the test build-and-deploy failed on main 2 into" in result.output


def test_a_name_that_was_given_must_be_new(desk: Desk, broken: str) -> None:
    desk.run("test", "--record", broken, "--name", "it")

    result = desk.run("test", "--record", broken, "--name", "it")

    assert result.stderr == "there is a test it already; give another --name\n"
    assert result.exit_code == 2


def test_where_it_cannot_be_added_it_is_printed(desk: Desk) -> None:
    desk.write(
        "tests: []\nversion: 1\nnotifiers: { console: { type: console } }\nroutes: [{ notify: console }]\n"
    )
    before = (desk.folder / "relay.yaml").read_text()
    desk.save("event.json", BROKE)

    result = desk.run("test", "--record", "event.json", "--name", "it")

    assert result.output.startswith("""\
wrote tests/events/it.json; add this to `tests:` in relay.yaml
  - name: "it"
    event: "tests/events/it.json"
""")
    assert (desk.folder / "relay.yaml").read_text() == before


def test_a_file_that_is_there_is_left_alone(desk: Desk) -> None:
    before = (desk.folder / "relay.yaml").read_text()
    desk.save("event.json", BROKE)
    (desk.folder / "tests" / "events").mkdir(parents=True)
    desk.save("tests/events/it.json", b"precious")

    result = desk.run("test", "--record", "event.json", "--name", "it")

    assert result.stderr == "tests/events/it.json is there already; give another --name\n"
    assert result.exit_code == 2
    assert (desk.folder / "tests/events/it.json").read_bytes() == b"precious"
    assert (desk.folder / "relay.yaml").read_text() == before


def test_secrets_in_the_webhook_are_masked(desk: Desk) -> None:
    hook = workflow_completed(pipeline={"vcs": BROKE["pipeline"]["vcs"] | {"branch": "xoxb-0123456789"}})
    desk.save("event.json", hook)

    desk.run("test", "--record", "event.json", "--name", "it")

    written = (desk.folder / "tests/events/it.json").read_text() + (desk.folder / "relay.yaml").read_text()
    assert "xoxb-0123456789" not in written


def test_a_ping_expects_silence(desk: Desk) -> None:
    desk.save("ping.json", ping())

    desk.run("test", "--record", "ping.json", "--name", "a ping")

    assert desk.run("test").output.startswith("ok    a ping\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--name", "x"), "--name goes with --record\n"),
        (("--record", "gone.json"), "there is no file gone.json, and no event with that id in the ledger"),
        (("--record", "half.json"), "half.json: not JSON: "),
        (("--record", "event.json", "--name", ""), "--name: wanted 1 to 200 characters\n"),
        (("--record", "event.json", "--name", "x" * 201), "--name: wanted 1 to 200 characters\n"),
    ],
    ids=["name alone", "no file", "no webhook", "no name", "long name"],
)
def test_what_cannot_be_recorded_is_said(desk: Desk, arguments: tuple[str, ...], problem: str) -> None:
    desk.save("half.json", b"{")
    desk.save("event.json", BROKE)

    result = desk.run("test", *arguments)

    assert result.stderr.startswith(problem)
    assert result.exit_code == 2
    assert not (desk.folder / "tests").exists()


def test_what_was_kept_quiet_is_recorded(desk: Desk) -> None:
    config = (desk.folder / "relay.yaml").read_text()
    desk.write(f'{config}\nsilences:\n  - {{ match: {{ project.slug: "*" }}, why: holidays }}\n')
    desk.save("event.json", BROKE)

    desk.run("test", "--record", "event.json", "--name", "in the holidays")

    assert '"audit-log": "silence"' in (desk.folder / "relay.yaml").read_text()
    assert desk.run("test").output.startswith("ok    in the holidays\n")
