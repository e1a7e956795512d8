"""A scripted CircleCI with something in it, and the command line that asks it over real HTTP."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from relay.cli import main
from tests.fakes.circleci_server import PERSONAL, CircleCIServer
from tests.fakes.circleci_world import FakeProject, Json

Relay = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[CircleCIServer]:
    with CircleCIServer() as running:
        yield running


@pytest.fixture
def project(server: CircleCIServer) -> FakeProject:
    return server.world.add_project("gh/acme/api")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with nothing of CircleCI in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("CIRCLECI_TOKEN", "CIRCLECI_URL", "CIRCLECI_WEBHOOK_SECRET", "RELAY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def relay(server: CircleCIServer, folder: Path) -> Relay:
    """`relay circleci …` with the words given, as somebody with a personal token."""

    def run(*words: str, token: str | None = PERSONAL, piped: str = "", **environ: str) -> Result:
        given: dict[str, str | None] = {"CIRCLECI_URL": server.url, "CIRCLECI_TOKEN": token, **environ}
        return CliRunner(env=given).invoke(main, ["circleci", *words], input=piped, prog_name="relay")

    return run


@pytest.fixture
def workflow(server: CircleCIServer, project: FakeProject) -> Json:
    """A failed workflow whose job `test` is build 123 of gh/acme/api; the job `hold` waits for approval."""
    pipeline = server.world.add_pipeline(project, created_at=seconds_ago(200))
    made = server.world.add_workflow(pipeline, created_at=seconds_ago(200), stopped_at=seconds_ago(20))
    server.world.add_build_in_workflow(project, made, 123, start_time=seconds_ago(190))
    test = server.world.jobs[made["id"]][0]
    test["started_at"] = seconds_ago(190)
    hold = {"id": server.world.new_id(), "type": "approval", "name": "hold", "status": "on_hold"}
    request = {"approval_request_id": server.world.new_id(), "dependencies": [test["id"]], "started_at": None}
    server.world.jobs[made["id"]].append({**hold, **request})
    return made


@pytest.fixture
def build(project: FakeProject, workflow: Json) -> Json:
    """Build 123."""
    return project.builds[123]


def seconds_ago(seconds: float) -> str:
    """As CircleCI writes times."""
    then: Any = datetime.now(UTC) - timedelta(seconds=seconds)
    return str(then.isoformat()).replace("+00:00", "Z")
