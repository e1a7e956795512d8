"""`relay db`."""

from relay.store import migrations
from tests.cli.desk import Desk
from tests.factories import workflow_completed

NEWEST = migrations.head()


def test_upgrade_makes_the_tables(desk: Desk) -> None:
    result = desk.run("db", "upgrade")

    assert result.output == f"upgraded from nothing to revision {NEWEST}\n"
    assert desk.run("events").output == "no events\n"


def test_upgrade_again_changes_nothing(desk: Desk) -> None:
    desk.run("db", "upgrade")

    result = desk.run("db", "upgrade")

    assert result.output == f"up to date at revision {NEWEST}\n"
    assert result.exit_code == 0


def test_upgrade_for_scripts(desk: Desk) -> None:
    assert desk.json("db", "upgrade") == {"before": None, "after": NEWEST}


def test_status_without_a_database_is_no(desk: Desk) -> None:
    result = desk.run("db", "status")

    assert result.output == f"there is no database {desk.database} yet; run `relay db upgrade`\n"
    assert result.exit_code == 1
    assert not desk.database.exists()


def test_status_of_an_empty_file_is_no(desk: Desk) -> None:
    desk.database.touch()

    result = desk.run("db", "status")

    assert result.output == "the database has no tables yet; run `relay db upgrade`\n"
    assert result.exit_code == 1


def test_status_counts_what_waits(desk: Desk) -> None:
    desk.run("db", "upgrade")

    status = desk.json("db", "status")

    assert status["problem"] is None
    assert (status["revision"], status["planning"], status["dead"]) == (NEWEST, 0, 0)


def test_a_database_that_cannot_be_is_told(desk: Desk) -> None:
    desk.write(
        'version: 1\nstore: "mysql://localhost/relay"\nnotifiers: { console: { type: console } }\n'
        "routes: [{ notify: console }]\n"
    )

    result = desk.run("db", "upgrade")

    assert "mysql" in result.output
    assert result.exit_code == 2


def test_a_file_that_is_no_database_is_told(desk: Desk) -> None:
    desk.database.write_text("this is a diary, not a database " * 200)

    result = desk.run("events")

    assert result.output == "file is not a database\n"
    assert result.exit_code == 2


def test_either_database_serves(desk: Desk, bare_url: str) -> None:
    """Of PostgreSQL the URL alone says that it is there, so it is asked."""
    config = (desk.folder / "relay.yaml").read_text()
    desk.write(config.replace("sqlite:///relay.db", bare_url))
    event = desk.save("event.json", workflow_completed(status="failed"))
    before = desk.run("explain", event)

    desk.run("db", "upgrade")

    assert " -> #7812 failed   change = first_failure\n" in before.output
    assert desk.run("events").output == "no events\n"
    assert "no earlier result -> #7812 failed" in desk.run("explain", event).output
