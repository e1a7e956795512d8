"""Starts a pipeline, of the event's project or of another."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from relay.actions.base import Action, Doing, Tools
from relay.actions.parts.options import Template
from relay.actions.parts.starting import Starter
from relay.circleci.facade import CircleCI
from relay.circleci.slugs import parse
from relay.circleci.started import Started
from relay.errors import DeliveryError
from relay.model import Answer, Event
from relay.runs import Intent, RunKind, RunState, trigger_origin, why_no_trigger
from relay.sandbox import compile_text

Scalar = str | int | float | bool


class Trigger(Action):
    """Starts a pipeline. One that the relay started itself starts no other, unless `limit` allows it."""

    starts_runs: ClassVar[bool] = True

    type: Literal["trigger"] = "trigger"
    project: Template | None = Field(
        default=None, description="Which project, such as `gh/acme/deploy`. The event's own if left out."
    )
    branch: Template | None = Field(default=None, description="On which branch. The event's own if left out.")
    tag: Template | None = Field(default=None, description="Or on which tag.")
    parameters: Mapping[str, Scalar] = Field(
        default_factory=dict, description="Pipeline parameters; texts are templates."
    )
    definition: str | None = Field(
        default=None, description="The id of the pipeline definition, where a project has several."
    )
    limit: int = Field(
        default=1, ge=1, le=10, description="How many pipelines may start one another in a row."
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> "Trigger":
        if self.branch is not None and self.tag is not None:
            raise ValueError("a pipeline is of a branch or of a tag, not of both")
        for text in self.texts():
            compile_text(text)
        return self

    def texts(self) -> Iterable[str]:
        given = (self.project, self.branch, self.tag, *self.parameters.values())
        return tuple(text for text in given if isinstance(text, str))

    def would(self, event: Event) -> str:
        project, branch, tag = self._what(event)
        return f"would start a pipeline of {project} on {branch or tag}"

    def act(self, doing: Doing, tools: Tools) -> Answer:
        client = self.client(tools)
        starter = self._starter(doing, tools, client)
        run = tools.runs.find(doing.delivery_id)
        is_begun = run is not None and run.state is not RunState.REFUSED
        return starter.resume(run) if run is not None and is_begun else starter.start()

    def _starter(self, doing: Doing, tools: Tools, client: CircleCI) -> Starter:
        project, branch, tag = self._what(doing.event)
        if not branch and not tag:
            raise DeliveryError("the event is of no branch and no tag; name one", permanent=True)
        intent = Intent(
            delivery_id=doing.delivery_id,
            kind=RunKind.TRIGGER,
            action=doing.name,
            project=str(parse(project)),  # as events call it, to recognise what was started
            origin=trigger_origin(doing.event),
            scope=doing.scope,
            requested_at=doing.now,
        )
        return Starter(
            doing=doing,
            tools=tools,
            type=self.type,
            did=f"started a pipeline of {project} on {branch or tag}",
            intent=intent,
            why_not=lambda earlier: why_no_trigger(earlier, limit=self.limit),
            ask=lambda: self._ask(client, doing.event),
            look=lambda run: None,  # CircleCI does not tell which call started a pipeline
        )

    def _ask(self, client: CircleCI, event: Event) -> Started:
        project, branch, tag = self._what(event)
        return client.trigger(
            project,
            branch=branch,
            tag=tag,
            parameters={name: _filled(value, event) for name, value in self.parameters.items()},
            definition=self.definition,
        )

    def _what(self, event: Event) -> tuple[str, str | None, str | None]:
        """Project, branch and tag; the last two never both."""
        project = _filled(self.project, event) if self.project else event.project.slug
        if self.tag is not None:
            return str(project), None, str(_filled(self.tag, event)) or None
        branch = str(_filled(self.branch, event)) if self.branch is not None else event.branch
        return str(project), branch or None, None if branch else event.tag


def _filled(value: Scalar, event: Event) -> Scalar:
    return compile_text(value)(event) if isinstance(value, str) else value
