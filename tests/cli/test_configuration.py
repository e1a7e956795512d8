"""`relay check` and `relay schema`."""

import json

import jsonschema
import yaml

from tests.cli.desk import Desk

FAULTY = """\
version: 1
notifiers:
  team: { type: slak }
routes:
  - match: { brnch: main }
    notify: tema
"""


def test_a_fine_file_is_counted(desk: Desk) -> None:
    result = desk.run("check")

    assert result.output == "relay.yaml: fine (3 notifiers, 7 routes)\n"
    assert result.exit_code == 0


def test_every_fault_is_told_with_its_place(desk: Desk) -> None:
    desk.write(FAULTY)

    result = desk.run("check")

    assert (
        result.output
        == """\
relay.yaml:3:17 notifiers.team.type: unknown type, did you mean slack?
relay.yaml:5:14 routes[0].match.brnch: unknown field, did you mean branch?
relay.yaml:6:13 routes[0].notify: unknown notifier tema, did you mean team?
3 faults
"""
    )
    assert result.exit_code == 2


def test_another_file_may_be_named(desk: Desk) -> None:
    desk.write(FAULTY, "new.yaml")

    result = desk.run("check", "new.yaml")

    assert result.output.startswith("new.yaml:3:17 ")
    assert result.exit_code == 2


def test_faults_for_scripts(desk: Desk) -> None:
    desk.write(FAULTY)

    faults = desk.json("check")

    assert faults[0] == {
        "file": "relay.yaml",
        "line": 3,
        "column": 17,
        "path": "notifiers.team.type",
        "problem": "unknown type, did you mean slack?",
        "level": "error",
    }


def test_what_is_odd_is_a_warning(desk: Desk) -> None:
    desk.write(
        "version: 1\nnotifiers:\n  console: { type: console }\n  spare: { type: console }\n"
        "routes: [{ notify: console }]\n"
    )

    result = desk.run("check")

    assert result.output == (
        "relay.yaml:4:3 notifiers.spare: no route notifies it (warning)\n"
        "relay.yaml: fine (2 notifiers, 1 route)\n"
    )
    assert result.exit_code == 0


def test_a_broken_template_file_is_a_warning(desk: Desk) -> None:
    folder = desk.folder / "messages"
    folder.mkdir()
    (folder / "standard.j2").write_text("{% block title %}{{ brnch }}{% endblock %}")

    result = desk.run("check")

    assert "messages: standard.j2: " in result.output
    assert "did you mean branch?" in result.output
    assert result.exit_code == 0


def test_a_template_file_that_is_no_text_is_a_warning(desk: Desk) -> None:
    folder = desk.folder / "messages"
    folder.mkdir()
    (folder / "standard.j2").write_bytes(b"\xff\xfe")

    result = desk.run("check")

    assert "messages: standard.j2: standard.j2 cannot be read: " in result.output
    assert result.exit_code == 0


def test_a_missing_file_is_told_with_a_remedy(desk: Desk) -> None:
    result = desk.run("check", "gone.yaml")

    assert result.output.startswith("gone.yaml:1:1 no such file; begin with config.example.yaml")
    assert result.exit_code == 2


def test_a_secret_in_the_wrong_place_is_not_repeated(desk: Desk) -> None:
    desk.environ["SLACK_TOKEN"] = "xoxb-0123456789"
    desk.write('version: 1\nnotifiers: { team: { type: "${SLACK_TOKEN}" } }\nroutes: [{ notify: team }]\n')

    result = desk.run("check")

    assert "xoxb-0123456789" not in result.output
    assert result.exit_code == 2


def test_the_schema_accepts_a_good_file(desk: Desk) -> None:
    schema = json.loads(desk.run("schema").output)

    jsonschema.validate(yaml.safe_load((desk.folder / "relay.yaml").read_text()), schema)


def test_the_schema_is_printed_without_a_configuration(desk: Desk) -> None:
    (desk.folder / "relay.yaml").unlink()

    result = desk.run("schema")

    assert json.loads(result.output)["title"] == "relay configuration"
    assert result.exit_code == 0
