"""The schema of an event's fields, and looking them up."""

from dataclasses import fields as dataclass_fields
from typing import Any

import pytest

from relay import fields
from relay.fields import FieldType
from relay.model import Event, FailedStep, PullRequest
from tests.factories import NOON, make_event

EVENT = make_event(
    pull_requests=(
        PullRequest(url="https://github.com/acme/api/pull/7", number=7),
        PullRequest(url="https://github.com/acme/api/pull/8"),
    ),
    failed_steps=(FailedStep(name="npm test", exit_code=1, containers=(0, 2)),),
    notes={"failed_jobs": [{"name": "e2e"}, {"name": "lint", "number": 3}], "verdict": "flaky"},
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event", "workflow"),
        ("status", "failed"),
        ("project.slug", "gh/acme/api"),
        ("commit.author.email", "alice@example.com"),
        ("duration", 252.0),
        ("finished_at", NOON),
        ("tag", None),
        ("job.name", None),
        ("pull_requests.number", (7, None)),
        ("failed_steps.exit_code", (1,)),
        ("failed_jobs.name", ("e2e", "lint")),
        ("failed_jobs.number", (None, 3)),
        ("verdict", "flaky"),
        ("failed_tests.name", None),
        ("build.parameters", {}),
        ("build.parameters.CIRCLE_JOB", None),
    ],
)
def test_a_field_is_looked_up_by_its_dotted_name(name: str, value: Any) -> None:
    assert fields.lookup(EVENT, name) == value


@pytest.mark.parametrize("name", list(fields.ALL))
def test_every_field_of_the_schema_can_be_looked_up_on_an_event_that_has_nothing(name: str) -> None:
    bare = Event(
        id="event-1",
        kind=EVENT.kind,
        generation=EVENT.generation,
        project=EVENT.project,
        received_at=NOON,
    )

    fields.lookup(bare, name)


@pytest.mark.parametrize("name", list(fields.FIELDS))
def test_every_field_of_the_schema_exists_on_events(name: str) -> None:
    root = name.partition(".")[0]

    assert (root == "event") or root in {field.name for field in dataclass_fields(Event)}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("branch", FieldType.TEXT),
        ("duration", FieldType.DURATION),
        ("failed_jobs.name", FieldType.TEXTS),
        ("build.parameters.CIRCLE_JOB", FieldType.TEXT),
        ("notes.anything", FieldType.TEXT),
        ("brnch", None),
        ("project", None),
        ("project.slg", None),
        ("branch.name", None),
        ("", None),
        (".", None),
        ("build.parameters.", None),
    ],
)
def test_the_type_of_a_field_is_known_by_its_name(name: str, wanted: FieldType | None) -> None:
    assert fields.field_type(name) is wanted
