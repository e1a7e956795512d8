"""The part of the file that says what the file must get right: webhooks, and what is expected of each."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from relay.config.section import Section
from relay.config.values import Kind, Names, StatusWord, Time
from relay.model import Change
from relay.quieting import Control

BOTH = "write either previous_status or history; the first is short for a history of one"


def _as_earlier(value: Any) -> Any:
    """A status alone is an earlier result of which nothing else matters."""
    return {"status": value} if isinstance(value, str) else value


class Earlier(Section):
    """An earlier result of the same branch and workflow or job; a status alone is enough."""

    status: StatusWord = Field(description="How it ended.")
    number: int | None = Field(
        default=None,
        description="Its pipeline or build number; the event's own makes it an earlier attempt of that."
        " Without one, the results are numbered up to the event.",
    )
    commit: str | None = Field(default=None, description="Its full commit hash.")
    at: Time | None = Field(
        default=None, description="When it ended. Without it, a minute before the one after it."
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """For editors: the word alone is as good as the keys."""
        return {"anyOf": [{"type": "string"}, handler(core_schema)]}


class Given(Section):
    """What went before, and when it is."""

    now: Time | None = Field(
        default=None,
        description="When the event arrives, in `defaults.timezone` unless it says its own. Without it, when"
        " the event ended.",
    )
    previous_status: StatusWord | None = Field(
        default=None, description="How the result before ended. Without it and `history`, there is none."
    )
    history: tuple[Annotated[Earlier, BeforeValidator(_as_earlier)], ...] = Field(
        default=(),
        description="Earlier results, the oldest first: `[success, failed]`, or each with the keys below.",
    )
    notes: Annotated[Mapping[str, Any], Kind(name="fields")] = Field(
        default_factory=dict,
        description="What would have been fetched or learned on the way: `failed_jobs`, `failed_tests`, …",
    )

    @model_validator(mode="after")
    def _one_past(self) -> "Given":
        if self.previous_status is not None and self.history:
            raise ValueError(BOTH)
        return self

    @property
    def past(self) -> tuple[Earlier, ...]:
        """Earlier results, however they were written."""
        return (Earlier(status=self.previous_status),) if self.previous_status else self.history


class Expected(Section):
    """What must come out; a key that is left out may be anything."""

    routes: Names | None = Field(
        default=None,
        description='Routes that fire, all of them in any order; `[]`: none does. With an item `"!name"`,'
        " which must not fire, there may be more.",
    )
    notify: Names | None = Field(
        default=None, description="In the same way: notifiers that are told, and people: `dm:alice`."
    )
    mention: Names | None = Field(
        default=None, description="In the same way: who is mentioned, names from `people` or `author`."
    )
    act: Names | None = Field(default=None, description="In the same way: actions that are taken.")
    change: Change | None = Field(default=None, description="What the result does to its branch.")
    quiet: Annotated[Mapping[str, Control], Kind(name="notifiers and controls")] | None = Field(
        default=None,
        description="Notifiers for which a noise control has a say, all of them, and which:"
        " `{team-slack: during}`; `{}`: none.",
    )

    @model_validator(mode="after")
    def _something(self) -> "Expected":
        if not self.model_fields_set:
            raise ValueError("expects nothing; write one of routes, notify, mention, act, change, quiet")
        return self


class Example(Section):
    """One webhook, and what this configuration must make of it. `relay test` tries it."""

    name: Annotated[str, Field(min_length=1, max_length=200), Kind(name="text")] = Field(
        description="What it is about, in words."
    )
    event: Annotated[str, Field(min_length=1), Kind(name="file")] = Field(
        description="A file with the webhook's body, relative to the configuration's folder."
    )
    given: Given = Field(default=Given(), description="What went before, and when it is.")
    expect: Expected = Field(description="What must come out.")
