"""Whatever CircleCI leaves out, nulls or sends as another type is missing, never an error."""

from datetime import UTC, datetime
from typing import Any

import pytest

from relay.circleci.errors import NotABuild
from relay.circleci.reading import flag, moment, number, seconds, text
from relay.circleci.types.builds import Action, Build, BuildSummary
from relay.circleci.types.pipelines import JobDetails, Pipeline, PipelineStart, Workflow, WorkflowJob
from relay.circleci.types.projects import (
    CheckoutKey,
    Collaboration,
    EnvVar,
    FlakyTest,
    Following,
    PipelineDefinition,
    ProjectDetails,
    ProjectSummary,
    User,
    Webhook,
    flaky_tests,
)
from relay.circleci.types.results import Artifact, TestResult

TYPES: tuple[Any, ...] = (
    Action,
    Artifact,
    CheckoutKey,
    Collaboration,
    EnvVar,
    FlakyTest,
    Following,
    JobDetails,
    Pipeline,
    PipelineDefinition,
    PipelineStart,
    ProjectDetails,
    ProjectSummary,
    TestResult,
    User,
    Webhook,
    Workflow,
    WorkflowJob,
)
ODD: tuple[Any, ...] = (
    None,
    "",
    0,
    -1,
    1.5,
    True,
    "x",
    [],
    [1],
    ["x"],
    [None],
    {},
    {"x": 1},
    [{}],
    [{"x": 1}],
)


class Oddly(dict[str, Any]):
    """Has every key, each with the same odd value."""

    def __init__(self, value: Any) -> None:
        super().__init__({"some-key": value})
        self.value = value

    def get(self, key: str, default: Any = None) -> Any:
        return self.value


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_odd_values_are_missing_values(kind: Any, value: Any) -> None:
    assert kind.read(Oddly(value)).raw is not None


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_odd_values_in_a_build_are_missing_values(value: Any) -> None:
    names = set(BuildSummary.read({"build_num": 1}).raw) | {
        "steps",
        "user",
        "workflows",
        "retries",
        "messages",
    }

    build = Build.read({**dict.fromkeys(names, value), "build_num": "7"})

    assert build.number == 7


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"build_num": None}, {"message": "no"}])
def test_what_has_no_number_is_no_build(raw: Any) -> None:
    with pytest.raises(NotABuild):
        BuildSummary.read(raw)


def test_a_build_is_read() -> None:
    build = Build.read(
        {
            "build_num": 7,
            "username": "acme",
            "user": {"login": "none"},
            "workflows": {"workflow_id": "w-1", "job_name": "test"},
            "build_time_millis": 61_500,
            "start_time": "2026-11-23T12:00:00.500Z",
            "retries": [8, 9],
            "messages": [{"type": "error", "message": "config is broken"}],
            "steps": [{"name": "make", "actions": [{"status": "failed", "index": 1}]}],
        }
    )

    assert (build.org, build.user, build.workflow_id, build.job_name) == ("acme", None, "w-1", "test")
    assert (build.duration, build.retries, build.messages) == (61.5, (8, 9), ("config is broken",))
    assert build.started_at == datetime(2026, 11, 23, 12, 0, 0, 500_000, UTC)
    assert [action.index for action in build.failed_actions] == [1]


@pytest.mark.parametrize(
    ("action", "to_blame"),
    [
        ({"status": "failed"}, True),
        ({"status": "success", "failed": True}, True),
        ({"status": "timedout"}, True),
        ({"status": "success", "infrastructure_fail": True}, False),
        ({"status": "failed", "insignificant": True}, False),
        ({"status": "running", "background": True, "failed": True}, False),
        ({"status": "success"}, False),
    ],
)
def test_some_failures_do_not_count(action: dict[str, Any], to_blame: bool) -> None:
    assert Action.read(action).is_to_blame is to_blame


@pytest.mark.parametrize(
    ("build", "why"),
    [
        ({"dont_build": "no-followers", "status": "not_run"}, "no-followers"),
        ({"lifecycle": "scheduled", "status": "not_run"}, "not_run"),
        ({"status": "not_run", "messages": [{"message": "plan used up"}]}, "not_run: plan used up"),
        ({"lifecycle": "scheduled", "status": "canceled"}, "canceled"),
        ({"lifecycle": "scheduled", "status": "scheduled"}, None),
        ({"lifecycle": "finished", "status": "canceled", "start_time": "2026-11-23T12:00:00Z"}, None),
    ],
)
def test_a_build_tells_why_it_will_never_run(build: dict[str, Any], why: str | None) -> None:
    assert BuildSummary.read({"build_num": 1, **build}).why_never_run() == why


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("$CIRCLE_ARTIFACTS/shots/1.png", "shots/1.png"),
        ("$CIRCLE_TEST_REPORTS/junit.xml", "test-reports/junit.xml"),
        ("reports/a.xml", "reports/a.xml"),
    ],
)
def test_artifacts_of_the_first_platform_lose_their_variable(path: str, relative: str) -> None:
    assert Artifact.read({"path": "/tmp/circle/x", "pretty_path": path}).path == relative


def test_values_are_read_with_tolerance() -> None:
    raw = {"n": "12", "t": 7, "s": "1e3", "nan": "nan", "b": "true", "when": "2026-11-23T13:00:00+01:00"}

    assert (number(raw, "n"), text(raw, "t"), seconds(raw, "s")) == (12, "7", 1000.0)
    assert (seconds(raw, "nan"), flag(raw, "b"), number(raw, "when")) == (None, None, None)
    assert moment(raw, "when") == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("raw", [None, [], {"flaky_tests": None}, {"flaky-tests": {}}])
def test_no_flaky_tests_are_none(raw: Any) -> None:
    assert flaky_tests(raw) == ()
