"""A desk whose ledger has failed runs that were judged, with a scripted CircleCI behind them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from relay.store import Store
from tests.cli.desk import Desk
from tests.fakes.circleci_world import Json
from tests.fakes.stage import Stage
from tests.fakes.stage import stage as open_stage
from tests.relays import until, working

RESET = "npm ERR! code ECONNRESET\r\nnpm ERR! network request to https://registry.example.com/left failed\r\n"
BROKEN = "src/door.ts(12,3): error TS2345: Argument of type 'string' is not assignable\r\n"
ROUTES = """\
  - name: red
    match: { event: workflow, status: failed }
    act: again
    hold: 20m
    notify: sink
"""
ON = """\
retry:
  mode: on
  rules:
    - { id: network, when: { class: [net, registry] }, do: { retry: 1, delay: 2m } }
"""
AT_ONCE = ON.replace("2m", "0s")
SHADOW = ON.replace("mode: on", "mode: shadow")


@dataclass(kw_only=True)
class JudgedDesk:
    """Failed workflows are fed to a worker with this configuration; commands look at what it made of them."""

    desk: Desk
    stage: Stage
    store: Store

    def configure(self, retry: str) -> None:
        """The configuration, for commands and for the worker."""
        self.stage.relay(ROUTES + retry, again="{ type: retry, policy: flaky }")
        text = (self.stage.folder / "config" / "relay.yaml").read_text()
        self.desk.write(f'store: "sqlite:///{self.desk.database}"\n{text}')

    def fail(self, retry: str, log: str = RESET, number: int = 41) -> Json:
        """A workflow that failed, and was planned."""
        self.configure(retry)
        relay = self.stage.relay(ROUTES + retry, again="{ type: retry, policy: flaky }")
        workflow = self.stage.failed_workflow(number, log, in_tests=False)
        self._plan(relay, self.stage.completed(workflow))
        return workflow

    def pass_again(self, retry: str) -> None:
        """The run that the relay started passes."""
        relay = self.stage.relay(ROUTES + retry, again="{ type: retry, policy: flaky }")
        with working(self.store, relay):
            self.stage.finished("again")
        self._plan(relay, self.stage.completed(self.stage.newest_workflow(), "success"))

    def _plan(self, relay: object, hook: Json) -> None:
        before = len(self.store.events())
        with working(self.store, relay):  # type: ignore[arg-type]
            self.stage.post(hook)
            until(lambda: len(self.store.events()) > before and self.store.events()[0].change is not None)

    @property
    def first(self) -> str:
        return self.store.events()[-1].id

    def section(self, *arguments: str) -> list[str]:
        """The lines from `retry` to the next empty one, and those of actions."""
        lines = self.desk.run(*arguments).output.splitlines()
        start = next(at for at, line in enumerate(lines) if re.match(r"  (retry|verdict) ", line))
        return lines[start : [*lines, ""].index("", start)]


@contextmanager
def judged_desk(desk: Desk) -> Iterator[JudgedDesk]:
    with desk.store() as store:
        store.upgrade()
        with open_stage(store, desk.folder) as stage:
            yield JudgedDesk(desk=desk, stage=stage, store=store)
