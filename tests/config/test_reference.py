"""docs/configuration.md is what the models say."""

import subprocess
import sys
from pathlib import Path

from relay import actions, notifiers
from relay.config.reference import render
from tests.config.kinds import ACTIONS, NOTIFIERS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    assert render(notifiers.types(), actions.types()) == PAGE.read_text(), (
        "write it again: python -m relay.config.reference > docs/configuration.md"
    )


def test_the_command_writes_the_page() -> None:
    written = subprocess.run(
        [sys.executable, "-m", "relay.config.reference"], cwd=ROOT, capture_output=True, check=True, text=True
    )

    assert written.stdout == PAGE.read_text()


def test_options_of_a_type_are_told_apart_from_those_of_all() -> None:
    page = render(NOTIFIERS, ACTIONS)

    assert page.count("| `template` | text | – |") == 2  # of all types, and of a route
    assert "| `from` | text | required |  |" in page
    assert "### `type: console`\n\nPrints messages.\n\nNo keys of its own.\n" in page


def test_defaults_are_shown_as_somebody_would_write_them() -> None:
    page = render(NOTIFIERS, ACTIONS)

    assert "| `retries` | list: duration | `[5s, 30s, 2m, 10m, 30m, 2h]` |" in page
    assert "| `store` | secret | `sqlite:///relay.db` |" in page
    assert "| `ignore_status` | list: status | `[canceled, not_run, unauthorized]` |" in page
