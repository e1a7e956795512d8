"""Runs the event's workflow or build again."""

from typing import ClassVar, Literal

from pydantic import Field

from relay import durations
from relay.actions.base import Action, Doing, NotYet, Tools
from relay.actions.parts.objections import objection
from relay.actions.parts.options import Seconds
from relay.actions.parts.starting import Starter
from relay.actions.parts.whereabouts import NOTHING, Whereabouts, told, whereabouts
from relay.circleci.errors import Gone, NotFound
from relay.circleci.facade import CircleCI
from relay.circleci.started import RetryFrom, Started
from relay.errors import DeliveryError
from relay.model import Answer, Event, Status
from relay.runs import Intent, Run, RunKind, RunState, retry_origin, why_no_retry

JUDGED = "flaky"  # the policy of what the section `retry` decides on
RULED = "retry"  # among the settings of its delivery: what was ruled
WORDS = {RetryFrom.FAILED: "from its failed jobs", RetryFrom.START: "from the start"}


class Retry(Action):
    """Runs the event's workflow or build again, never more often than `limit` for one first run."""

    starts_runs: ClassVar[bool] = True

    type: Literal["retry"] = "retry"
    start: RetryFrom = Field(
        default=RetryFrom.FAILED, alias="from", description="The `failed` jobs only, or all from the `start`."
    )
    ssh: bool = Field(default=False, description="With SSH, for the owner of the token. Never for forks.")
    policy: Literal["always", "flaky"] = Field(
        default="always",
        description="`flaky` runs again only what the section `retry` judges worth it, within its budgets.",
    )
    limit: int = Field(
        default=1, ge=1, le=10, description="How often one workflow or build is run again at most."
    )
    cooldown: Seconds = Field(
        default=0.0,
        description="No other retry of the same project, branch, workflow and job for this long.",
    )

    def would(self, event: Event) -> str:
        what = (
            f"would run workflow {event.workflow.name} again" if event.workflow.id else "would run it again"
        )
        after = f" in {durations.spell(self.delay)}" if self.delay else ""
        return f"{what} {WORDS[self.start]}{after}, at most {self.limit} time{'s' * (self.limit > 1)}"

    def act(self, doing: Doing, tools: Tools) -> Answer:
        client, where = self.client(tools), whereabouts(doing.event)
        starter = self._starter(doing, tools, client, where)
        run = tools.runs.find(doing.delivery_id)
        if run is not None and run.state is not RunState.REFUSED:
            return starter.resume(run)
        stop = self._objection(doing, tools, client, where)
        if stop is not None:
            return starter.refrain(stop)
        self._refuse_unfit(doing.event)
        yields = self.policy != JUDGED or doing.settings.get(RULED, {}).get("yields", True)
        overtaken = _overtaken(client, where, yields=yields)
        return starter.refrain(overtaken, leads_on=True) if overtaken else starter.start()

    def _objection(self, doing: Doing, tools: Tools, client: CircleCI, where: Whereabouts) -> str | None:
        """What has come up since the policy decided on it."""
        if self.policy != JUDGED:
            return None
        return tools.is_off() or objection(doing.event, client, where.workflow, doing.now)

    def _refuse_unfit(self, event: Event) -> None:
        if self.ssh and event.fork:
            raise DeliveryError("a fork is never run again with SSH", permanent=True)
        if self.start is RetryFrom.FAILED and event.status is Status.SUCCESS:
            raise DeliveryError("it passed, so no job has failed; use from: start", permanent=True)

    def _starter(self, doing: Doing, tools: Tools, client: CircleCI, where: Whereabouts) -> Starter:
        origin, start, limit = retry_origin(doing.event), self.start, self.limit
        if self.policy == JUDGED and (ruled := doing.settings.get(RULED)):
            start = RetryFrom.START if ruled["from_start"] else self.start
            limit = ruled["limit"]
        if origin is None:
            raise DeliveryError(NOTHING, permanent=True)
        intent = Intent(
            delivery_id=doing.delivery_id,
            kind=RunKind.RETRY,
            action=doing.name,
            project=where.project,
            origin=origin,
            scope=doing.scope,
            requested_at=doing.now,
        )
        return Starter(
            doing=doing,
            tools=tools,
            type=self.type,
            did=f"ran it again {WORDS[start]}" if where.workflow else "ran it again",
            intent=intent,
            why_not=lambda earlier: why_no_retry(
                doing.event, earlier, limit=limit, cooldown=self.cooldown, now=doing.now
            ),
            ask=lambda: client.retry(where.project, **where.named(), start=start, ssh=self.ssh),
            look=lambda run: _child(client, where, _known(tools, run)),
        )


def _overtaken(client: CircleCI, where: Whereabouts, *, yields: bool = True) -> str | None:
    """Why it needs no other run: somebody is quicker. NotYet while it still runs."""
    if where.workflow is not None and _runs_by_itself(client, where.workflow) and yields:
        return "CircleCI itself is about to run it again"
    passed: tuple[str, ...] = ()
    while (newer := _child(client, where, passed)) is not None and not newer.started:
        passed = (*passed, str(newer.number))  # accepted once, and never run
    return f"it was run again already, as {told(newer)}" if newer else None


def _runs_by_itself(client: CircleCI, workflow_id: str) -> bool:
    """Whether automatic reruns are left. NotYet while the workflow runs: jobs end before it does."""
    try:
        workflow = client.v2.workflow(workflow_id)
    except (NotFound, Gone):
        return False  # an old install, or a token of one project
    if not workflow.has_ended:
        raise NotYet(f"the workflow has not ended yet ({workflow.status}); it is run again when it has")
    return (workflow.auto_rerun_number or 0) < (workflow.max_auto_reruns or 0)


def _child(client: CircleCI, where: Whereabouts, known: tuple[str, ...]) -> Started | None:
    """What was started from it, other than the known: by its workflow, else by its build."""
    if where.workflow is not None:
        try:
            found = client.find_child(where.project, workflow=where.workflow, known=known)
        except (NotFound, Gone):
            found = None
        if found is not None or where.number is None:
            return found
    if where.number is None:
        return None
    numbers = tuple(key.rpartition("#")[2] for key in known)
    try:
        return client.find_child(where.project, number=where.number, known=numbers)
    except (NotFound, Gone):
        return None


def _known(tools: Tools, run: Run) -> tuple[str, ...]:
    """What earlier runs of the same chain started."""
    return tools.runs.children(run.root)
