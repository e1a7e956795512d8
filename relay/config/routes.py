"""The part of the file that decides who is told what."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from relay.config.section import Section
from relay.config.values import (
    Condition,
    Days,
    Duration,
    FieldNames,
    Flag,
    KeyTemplate,
    Kind,
    Name,
    Names,
    TimeOfDay,
    Timezone,
)


class Outside(StrEnum):
    """What happens to a message outside the hours of `during`."""

    HOLD = "hold"
    DROP = "drop"
    SILENT = "silent"


class Group(Section):
    """Events that come close together share one message."""

    by: FieldNames = Field(description="Fields whose values the events share.")
    wait: Duration = Field(
        default=30.0, description="How long to wait for another event; each new one starts the wait anew."
    )
    max_wait: Duration | None = Field(
        default=None, description="The longest wait altogether. Without it, five times `wait`."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Group":
        if self.max_wait is not None and self.max_wait < self.wait:
            raise ValueError("max_wait is shorter than wait")
        return self


class Digest(Section):
    """One message for everything since the last one."""

    at: TimeOfDay = Field(default="09:00", description="When it goes out.")
    days: Days = Field(default="mon-sun", description="On which days: `mon`, `mon-fri`, `sat,sun`.")
    timezone: Timezone | None = Field(
        default=None, description="Whose time this is; without it, `defaults.timezone`."
    )


DIGESTS: Mapping[str, Mapping[str, str]] = {
    "daily": {"at": "09:00"},
    "weekly": {"at": "09:00", "days": "mon"},
}
DIGEST_WANTED = 'wanted daily, weekly, or at: and days:, such as { at: "09:00", days: mon }'


def _meant_by(value: Any) -> Any:
    """What the words for usual digests mean."""
    if value is None or isinstance(value, (Mapping, Digest)):
        return value
    if isinstance(value, str) and value in DIGESTS:
        return DIGESTS[value]
    raise ValueError(DIGEST_WANTED)


def _or_a_word(schema: dict[str, Any]) -> None:
    """Editors offer the words as well."""
    schema["anyOf"].insert(0, {"enum": [*DIGESTS]})


class Route(Section):
    """One route. Children inherit everything from their parent."""

    name: Name | None = Field(
        default=None, description="Shown wherever the route is. Without one it is called `route-1`, …"
    )
    match: Annotated[Mapping[str, Any], Kind(name="fields and patterns")] = Field(
        default_factory=dict, description="Conditions on the fields of an event; all must hold."
    )
    when: Condition | None = Field(default=None, description="One more condition, as an expression.")
    notify: Names | None = Field(
        default=None,
        description="Notifiers to tell. `+name` adds to the inherited list, other names replace it,"
        " `[]` tells nobody.",
    )
    act: Names | None = Field(default=None, description="Actions to take.")
    mention: Names | None = Field(
        default=None, description="People to mention: `author` or names from `people`."
    )
    group: Group | None = Field(
        default=None, description="Gather events into one message. `group: null` in a child sends at once."
    )
    hold: Duration | None = Field(
        default=None,
        gt=0,
        description="How long the message of a failure waits for the verdict of a retry or of the next"
        " result. When that passed, nothing is sent.",
    )
    throttle: Duration | None = Field(
        default=None,
        gt=0,
        description="At most one message in this time to each notifier about each branch and what runs there"
        " (`defaults.state.key`); the next one tells how many were kept back.",
    )
    once_per: KeyTemplate | None = Field(
        default=None,
        description="At most one message to each notifier for each value of this template, remembered for"
        " `defaults.keep`.",
    )
    during: str | None = Field(
        default=None, description="The hours in which messages go out: a name from `schedules`."
    )
    outside: Outside | None = Field(
        default=None,
        description="What happens to messages outside the hours of `during`: `hold`, which is the default,"
        " sends one summary when they begin; `drop` sends nothing; `silent` sends without mentions.",
    )
    inhibit: Flag = Field(
        default=True,
        description="Stay quiet about a branch that fails as `defaults.trunk` does. `false` tells of it all"
        " the same.",
    )
    digest: Annotated[
        Digest | None, BeforeValidator(_meant_by), Kind(name="`daily` or `weekly` or keys below")
    ] = Field(
        default=None,
        description="Gather all messages into one that goes out at a time of day. `daily` is every day at"
        " 09:00, `weekly` is Monday at 09:00. `digest: null` in a child sends at once.",
        json_schema_extra=_or_a_word,
    )
    template: str | None = Field(default=None, description="The template of the message.")
    shadow: Flag = Field(
        default=False,
        description="Try the route out: everything is decided and recorded, nothing is sent or done.",
    )
    stop: Flag = Field(
        default=False, description="When this route matches, the routes after it are not tried."
    )
    routes: tuple["Route", ...] = Field(
        default=(), description="Children: those that match fire instead of this route."
    )


class Unmatched(Section):
    """What happens to events that no route takes."""

    notify: Names = Field(default=(), description="Notifiers to tell.")
    log: Flag = Field(default=True, description="Write a line to the log.")
