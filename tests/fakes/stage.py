"""Everything a story needs: a scripted CircleCI, a chat sink, and the relay between them over real HTTP."""

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from werkzeug.serving import make_server

from relay.pipeline import Relay
from relay.secret import Secret
from relay.store import DeliveryFilter, DeliveryRow, Store
from relay.store.group_commit import GroupCommit
from relay.web.access import Access
from relay.web.app import Services, create_app
from tests.factories import SHA, body
from tests.fakes.circleci_server import PERSONAL, CircleCIServer
from tests.fakes.circleci_world import FakeProject, Json
from tests.fakes.sink import Play, Request, Sink
from tests.relays import make_relay, until

FAILED_TEST = "12 passed\r\nError: no door\r\n"
FINE = Play()
HOOK_SECRET = "the-secret-of-the-webhook"

CONFIG = """\
version: 1
circleci: {{ url: "{circleci}", token: "{token}", enrich_within: {within} }}
notifiers:
  sink: {{ type: webhook, url: "{sink}/ci", allow_private: true }}
{notifiers}
defaults:
  delivery: {{ timeout: 5s, retries: [50ms], give_up_after: {give_up_after} }}
actions:
  again: {again}
  keep-reports: {{ type: artifacts, include: ["reports/**/*.xml", "coverage/**"], store: "{kept}" }}
routes:
{routes}
"""

RETRY_AND_KEEP = """\
  - name: red
    match: { event: workflow, status: failed }
    notify: sink
    act: [again, keep-reports]
  - name: green
    match: { event: workflow, status: success }
    notify: sink
"""


@dataclass
class Stage:
    """The parts, and what tests ask of them. The relay works while `playing` is open."""

    circleci: CircleCIServer
    sink: Sink
    store: Store
    folder: Path
    hooks: str = ""
    project: FakeProject = field(init=False)

    def __post_init__(self) -> None:
        self.project = self.circleci.world.add_project("gh/acme/api")

    @property
    def kept(self) -> Path:
        return self.folder / "kept"

    def relay(
        self,
        routes: str = RETRY_AND_KEEP,
        *,
        within: str = "5s",
        token: str = PERSONAL,
        again: str = "{ type: retry }",
        give_up_after: str = "1m",
        notifiers: str = "",
    ) -> Relay:
        text = CONFIG.format(
            circleci=self.circleci.url,
            token=token,
            sink=self.sink.url,
            kept=self.kept,
            routes=routes,
            within=within,
            again=again,
            give_up_after=give_up_after,
            notifiers=notifiers,
        )
        return make_relay(self.folder / "config", text)

    def failed_workflow(
        self, number: int = 41, log: str = FAILED_TEST, *, in_tests: bool = True, **fields: Any
    ) -> Json:
        """A pipeline with a failed workflow of one failed job with log, test results and artifacts."""
        world = self.circleci.world
        workflow = world.add_workflow(world.add_pipeline(self.project), name="build", **fields)
        build = world.add_build_in_workflow(self.project, workflow, number, job="test")
        world.add_log(build, "npm test", [{"message": log, "type": "out"}])
        world.add_artifact(self.project, number, "reports/unit/junit.xml", JUNIT)
        world.add_artifact(self.project, number, "coverage/coverage.xml", COBERTURA)
        world.add_artifact(self.project, number, "screens/door.png", b"png")
        result = "failure" if in_tests else "success"
        self.project.tests[number] = [
            {"name": "opens", "classname": "Door", "file": "door.js", "result": result, "message": "shut"},
            {"name": "closes", "classname": "Door", "file": "door.js", "result": "success", "message": ""},
        ]
        return workflow

    def post(self, hook: Mapping[str, Any]) -> None:
        """As CircleCI does: signed, over HTTP. What came before is taken too, and not twice."""
        content = body(hook)
        digest = hmac.new(HOOK_SECRET.encode(), content, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "circleci-signature": f"v1={digest}"}
        answer = requests.post(f"{self.hooks}/hooks/circleci", data=content, headers=headers, timeout=10)
        assert answer.ok, answer.text

    def completed(self, workflow: Json, status: str = "failed") -> dict[str, Any]:
        """The webhook of a workflow of the scripted world."""
        pipeline = self.circleci.world.pipelines[workflow["pipeline_id"]]
        page = f"https://app.circleci.com/pipelines/github/acme/api/{pipeline['number']}/workflows"
        return {
            "id": f"event-of-{workflow['id']}-{status}",
            "type": "workflow-completed",
            "happened_at": workflow["created_at"],
            "webhook": {"id": "hook", "name": "relay"},
            "project": {"id": self.project.id, "name": "api", "slug": "github/acme/api"},
            "organization": {"id": "acme-id", "name": "acme"},
            "workflow": {
                "id": workflow["id"],
                "name": workflow["name"],
                "status": status,
                "created_at": workflow["created_at"],
                "stopped_at": workflow["created_at"],
                "url": f"{page}/{workflow['id']}",
            },
            "pipeline": {
                "id": pipeline["id"],
                "number": pipeline["number"],
                "created_at": pipeline["created_at"],
                "trigger": {"type": "webhook"},
                "vcs": {
                    "provider_name": "github",
                    "origin_repository_url": "https://github.com/acme/api",
                    "target_repository_url": "https://github.com/acme/api",
                    "revision": SHA,
                    "branch": "main",
                    "commit": {"subject": "Add a door", "body": ""},
                },
            },
        }

    def newest_workflow(self) -> Json:
        return list(self.circleci.world.workflows.values())[-1]

    def reruns(self) -> int:
        """How many calls that start something were made."""
        return len(self.circleci.asked("POST", "/(rerun|retry|ssh|run|pipeline)$"))

    def messages(self) -> list[Json]:
        return [request.json()["data"] for request in self.sink.requests]

    def message_about(self, change: str) -> str:
        """Waits for the message with this change; its title and body."""
        until(lambda: any(data["reason"]["change"] == change for data in self.messages()))
        data = next(data for data in self.messages() if data["reason"]["change"] == change)
        return f"{data['message']['title']}\n{data['message']['body']}"

    def action(self, name: str) -> DeliveryRow | None:
        """The newest delivery of an action."""
        rows = self.store.deliveries(wanted=DeliveryFilter(target=name))
        return rows[0] if rows else None

    def finished(self, name: str, count: int = 1) -> Sequence[DeliveryRow]:
        """Waits until so many deliveries of an action have ended; the newest first."""

        def ended() -> bool:
            rows = self.store.deliveries(wanted=DeliveryFilter(target=name))
            return len(rows) >= count and all(row.finished_at for row in rows)

        until(ended)
        return self.store.deliveries(wanted=DeliveryFilter(target=name))


JUNIT = b'<?xml version="1.0"?><testsuites><testsuite name="a" tests="3" failures="1"/></testsuites>'
COBERTURA = b'<?xml version="1.0"?><coverage line-rate="0.815" version="1"><packages/></coverage>'


@contextmanager
def hook_server(store: Store) -> Iterator[str]:
    """The web side on a port of its own; its address."""
    writer = GroupCommit(store)
    access = Access(secrets=(Secret(HOOK_SECRET),), url_tokens=())
    services = Services(access=access, submit=writer.submit, store=store, now=lambda: datetime.now(UTC))
    server = make_server("127.0.0.1", 0, create_app(services), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        writer.close()


@contextmanager
def stage(store: Store, folder: Path, chat: Play | Callable[[Request], Play] = FINE) -> Iterator[Stage]:
    """`chat`: what the sink answers."""
    with CircleCIServer() as circleci, Sink(default=chat) as sink, hook_server(store) as hooks:
        circleci.world.begin = datetime.now(UTC) - timedelta(hours=1)
        yield Stage(circleci=circleci, sink=sink, store=store, folder=folder, hooks=hooks)
