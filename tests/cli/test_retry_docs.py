"""The examples of docs/retries.md are configurations that hold."""

import re
from pathlib import Path

import pytest

from tests.cli.desk import Desk

DOCS = Path(__file__).parents[2] / "docs" / "retries.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
BASE = "version: 1\nnotifiers: { team: { type: console }, ci-health: { type: console } }\n"
ROUTES = "routes: [{ notify: [team, ci-health] }]\n"


@pytest.mark.parametrize("example", EXAMPLES, ids=["first steps", "rules"])
def test_an_example_is_accepted(desk: Desk, example: str) -> None:
    desk.environ["CIRCLECI_TOKEN"] = "personal-token"
    desk.write(BASE + (example if "routes:" in example else ROUTES + example))

    result = desk.run("check")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "relay.yaml: fine (" in result.stdout
