"""Help that teaches: every command says what it does, and asking for it stays quick."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from relay.cli import main
from relay.cli.circleci import COMMANDS, circleci

PAGE = (Path(__file__).parents[2] / "docs" / "circleci.md").read_text()


def leaves() -> list[tuple[str, ...]]:
    """Each command with its words."""
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = circleci.get_command(click.Context(circleci), name)
        inner = command.commands if isinstance(command, click.Group) else {}
        found += [(name, each) for each in inner] or [(name,)]
    return found


LEAVES = leaves()


def helped(*words: str) -> Result:
    return CliRunner().invoke(main, ["circleci", *words, "--help"], prog_name="relay")


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_each_command_has_help(words: tuple[str, ...]) -> None:
    result = helped(*words)

    assert result.exit_code == 0
    assert "Connection and output:" in result.stdout
    assert re.match(r"Usage: relay circleci .*\n\n  [A-Z][^.]*\.", result.stdout)


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_each_command_is_documented(words: tuple[str, ...]) -> None:
    assert re.search(rf"\| `{' '.join(words)}[ `]", PAGE)


def test_the_group_lists_all_commands_by_subject() -> None:
    listed = helped().stdout

    assert [name for name in COMMANDS if f"\n  {name} " not in listed] == []
    assert "\nStart and stop:\n" in listed


def test_naming_the_group_imports_nothing_heavy() -> None:
    program = (
        "import sys, relay.cli.circleci; print(*{'requests', 'rich', 'relay.circleci'} & {*sys.modules})"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"
