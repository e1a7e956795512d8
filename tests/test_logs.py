"""Log lines: one JSON object each, secrets masked."""

import json
from collections.abc import Iterator

import pytest
import structlog

from relay import logs
from relay.secret import Masker

SECRET = "correct-horse"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_a_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", Masker(), as_json=True)

    structlog.get_logger().info("delivered", delivery="delivery-1", attempt=1, error=None)

    (line,) = lines(capsys)
    assert line.pop("timestamp")
    assert line == {"event": "delivered", "level": "info", "delivery": "delivery-1", "attempt": 1}


def test_less_important_lines_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", Masker(), as_json=True)

    structlog.get_logger().info("delivered")
    structlog.get_logger().warning("refused")

    assert [line["event"] for line in lines(capsys)] == ["refused"]


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_are_masked_wherever_they_stand(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    logs.configure("info", Masker([SECRET]), as_json=as_json)
    try:
        int(SECRET)
    except ValueError:
        structlog.get_logger().exception(f"about {SECRET}", error=SECRET, urls=[f"/hooks/{SECRET}"])

    said = capsys.readouterr().err
    assert "invalid literal for int() with base 10: '***'" in said
    assert SECRET not in said


def test_a_new_configuration_masks_its_secrets_in_loggers_already_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = structlog.get_logger()
    logs.configure("info", Masker(), as_json=True)
    log.info("before")
    logs.configure("info", Masker([SECRET]), as_json=True)

    log.info("after", token=SECRET)

    assert lines(capsys)[1]["token"] == "***"


def test_lines_for_people_are_plain_text_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", Masker(), as_json=False)

    structlog.get_logger().info("delivered", attempt=1)

    said = capsys.readouterr().err
    assert said.rstrip().endswith("attempt=1")
    assert "\x1b" not in said


def test_without_a_terminal_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", Masker())

    structlog.get_logger().info("delivered")

    assert lines(capsys)[0]["event"] == "delivered"
