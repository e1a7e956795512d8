"""The command as a process of its own: what its exit status says."""

import os
import subprocess
import sys

import pytest

from tests.cli.desk import Desk
from tests.factories import workflow_completed


def relay(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "relay", *arguments],
        cwd=desk.folder,
        env={**os.environ, **desk.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param(("explain", "event.json"), 0, id="something would be sent"),
        pytest.param(("explain", "event.json", "--payload", "ops-mail"), 1, id="the answer is no"),
        pytest.param(("explain", "gone.json"), 2, id="not readable"),
        pytest.param(("explain",), 2, id="usage"),
    ],
)
def test_exit_status(desk: Desk, arguments: tuple[str, ...], status: int) -> None:
    desk.save("event.json", workflow_completed(status="failed"))

    assert relay(desk, *arguments).returncode == status


def test_errors_go_to_standard_error(desk: Desk) -> None:
    done = relay(desk, "event", "4ksq2z8d")

    assert done.stdout == ""
    assert done.stderr == (
        f"there is no database {desk.database} yet; `relay serve` makes it, or run `relay db upgrade`\n"
    )
    assert done.returncode == 1


def test_every_command_has_help_with_an_example(desk: Desk) -> None:
    commands = ("check", "explain", "send-test", "events", "event", "deliveries", "replay", "prune")

    helps = {command: desk.run(command, "--help").output for command in commands}

    assert [command for command in commands if f"  relay {command}" not in helps[command]] == []
