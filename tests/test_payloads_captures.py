"""Real webhooks, where they lie beside the project: each is accepted and makes sense."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.model import Event, EventKind, Status
from relay.payloads import parse, peek
from tests.factories import NOON, body

CAPTURES = Path(__file__).parents[2] / "shared" / "payloads"


def single_builds() -> list[tuple[str, bytes]]:
    """Builds as the API gives them, wrapped as the webhook wraps them."""
    found = ((path.stem, json.loads(path.read_text())) for path in sorted(CAPTURES.glob("api-build-*.json")))
    return [(name, body({"payload": build})) for name, build in found if isinstance(build, dict)]


HOOKS = [(path.stem, path.read_bytes()) for path in sorted(CAPTURES.glob("webhook-*.json"))] + single_builds()
ENDED = [
    (name, content) for name, content in HOOKS if not {"ping", "queued", "running"} & set(name.split("-"))
]


def parsed(content: bytes) -> Event:
    return parse(content, "application/json", id="ours", received_at=NOON)


def names(cases: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in cases]


@pytest.mark.parametrize(("name", "content"), HOOKS, ids=names(HOOKS))
def test_a_real_webhook_is_the_same_kind_at_both_looks(name: str, content: bytes) -> None:
    seen, event = peek(content, "application/json"), parsed(content)

    assert (seen.kind, seen.generation, seen.source_id) == (event.kind, event.generation, event.source_id)


@pytest.mark.parametrize(("name", "content"), ENDED, ids=names(ENDED))
def test_a_real_webhook_names_its_project_its_result_and_its_number(name: str, content: bytes) -> None:
    event = parsed(content)

    assert event.project.slug.count("/") == 2
    assert event.status is not Status.UNKNOWN
    assert event.number is not None
    assert event.branch or event.tag or event.kind is EventKind.BUILD


@pytest.mark.parametrize(("name", "content"), ENDED, ids=names(ENDED))
def test_a_real_failure_names_the_step_where_the_steps_are_told(name: str, content: bytes) -> None:
    event = parsed(content)
    has_steps = '"steps"' in content.decode() and '"actions"' in content.decode()

    assert bool(event.failed_steps) == (has_steps and event.status in (Status.FAILED, Status.CANCELED))
