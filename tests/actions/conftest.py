"""A scripted CircleCI, and attempts at actions against it: with a real store, without a queue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from relay.actions.base import Action, Doing, Tools
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http
from relay.ids import new_id
from relay.model import Answer, Event, EventKind, Pipeline, Workflow
from relay.store import Store
from relay.transport import Transport
from tests.factories import NOON, make_event
from tests.fakes.circleci_server import CircleCIServer
from tests.fakes.circleci_world import FakeProject, Json


@dataclass
class Bench:
    """Does actions. `notes` is what they told."""

    server: CircleCIServer
    project: FakeProject
    store: Store
    client: CircleCI | None
    transport: Transport
    notes: dict[str, Any] = field(default_factory=dict)

    def do(self, action: Action, event: Event, *, delivery: str = "", now: datetime = NOON) -> Answer:
        doing = Doing(delivery_id=delivery or new_id(), name="it", event=event, scope="scope", now=now)
        return action.perform(doing, self.tools())

    def tools(self) -> Tools:
        return Tools(circleci=self.client, transport=self.transport, runs=self.store.runs, note=self._note)

    def _note(self, notes: Mapping[str, Any]) -> None:
        self.notes.update(notes)

    def workflow(self, **fields: Any) -> Json:
        return self.server.world.add_workflow(self.server.world.add_pipeline(self.project), **fields)

    def posts(self) -> list[str]:
        return [ask.path for ask in self.server.asked("POST")]


@pytest.fixture
def server() -> Iterator[CircleCIServer]:
    with CircleCIServer() as running:
        yield running


@pytest.fixture
def bench(server: CircleCIServer, sqlite_url: str, tmp_path: Path) -> Iterator[Bench]:
    client = CircleCI(Http(server.connection(), chance=lambda: 0.0))
    transport = Transport()
    with Store.open(sqlite_url) as store:
        yield Bench(server, server.world.add_project("gh/acme/api"), store, client, transport)
    client.close()
    transport.close()


def about(workflow: Json, **fields: Any) -> Event:
    """The event of a workflow of the scripted world."""
    told = {
        "workflow": Workflow(id=workflow["id"], name=workflow["name"]),
        "pipeline": Pipeline(id=workflow["pipeline_id"], number=workflow["pipeline_number"]),
    }
    return make_event(**{**told, **fields})


def about_build(number: int, **fields: Any) -> Event:
    """The event of a classic build."""
    told = {"kind": EventKind.BUILD, "number": number, "workflow": Workflow(), "pipeline": Pipeline()}
    return make_event(**{**told, **fields})
