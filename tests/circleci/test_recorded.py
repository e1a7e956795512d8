"""Exchanges and bodies recorded from real installs are understood, where they lie beside the project."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from relay.circleci.answers import message_of
from relay.circleci.calls import Call
from relay.circleci.errors import CircleCIError
from relay.circleci.facade import CircleCI
from relay.circleci.types.builds import Build
from relay.circleci.types.pipelines import JobDetails, Pipeline, PipelineStart
from relay.circleci.types.projects import ProjectDetails, ProjectSummary, flaky_tests
from tests.fakes.circleci_routes import Given
from tests.fakes.circleci_server import CircleCIServer, Script

FOLDER = Path(__file__).parents[3] / "shared" / "payloads"
EXCHANGES = [path for path in sorted(FOLDER.glob("http-*.json")) if "webhook" not in path.name]
BUILDS = sorted(FOLDER.glob("api-build-*.json")) + sorted(FOLDER.glob("api-retry-*.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
def test_a_recorded_exchange_comes_to_the_recorded_end(
    path: Path, circle: CircleCI, server: CircleCIServer
) -> None:
    request, response = read(path)["request"], read(path)["response"]
    body = response["raw_body"].encode() if "raw_body" in response else json.dumps(response["json"]).encode()
    given = Given(status=response["status"], body=body, content_type=response["headers"]["Content-Type"])
    server.script(request["method"], "", Script(answer=given))
    route = unquote(urlsplit(request["url"]).path)
    call = Call(method=request["method"], endpoint=route, path=route, json={}, once=True)

    if response["status"] < 300:
        assert circle.http.send(call).body == response.get("json", "")
        return
    with pytest.raises(CircleCIError) as raised:
        circle.http.send(call)
    assert raised.value.status == response["status"]
    assert message_of(body).rstrip(".") in raised.value.message
    assert len(raised.value.message) < 500


@pytest.mark.parametrize("path", BUILDS, ids=lambda path: path.stem)
def test_a_recorded_build_is_read(path: Path) -> None:
    raw = read(path)

    build = Build.read(raw)

    assert build.number == raw["build_num"]
    assert (build.status, build.lifecycle, build.outcome) == (
        raw["status"],
        raw["lifecycle"],
        raw["outcome"],
    )
    assert sum(len(step.actions) for step in build.steps) == sum(
        len(step["actions"]) for step in raw.get("steps", [])
    )
    assert (build.started_at is None) == (not raw["start_time"])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("api-*projects*.json")), ids=lambda path: path.stem)
def test_recorded_projects_are_read(path: Path) -> None:
    assert all(ProjectSummary.read(raw).vcs_url == raw["vcs_url"] for raw in read(path))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("apiv2-*.json")), ids=lambda path: path.stem)
def test_recorded_bodies_of_v2_are_read(path: Path) -> None:
    raw = read(path)
    wanted: dict[str, Any] = {
        "apiv2-flaky-tests": lambda: [test.name for test in flaky_tests(raw)],
        "apiv2-job-details": lambda: JobDetails.read(raw).workflow_id,
        "apiv2-project": lambda: ProjectDetails.read(raw).slug,
        "apiv2-project-pipelines": lambda: [Pipeline.read(pipeline).subject for pipeline in raw],
        "apiv2-trigger-pipeline": lambda: PipelineStart.read(raw).id,
        "apiv2-message-accepted": lambda: raw["message"],
        "apiv2-test-metadata": lambda: raw["tests"],
    }

    assert wanted[path.stem]()
