"""The parts of the file about when to say nothing."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from relay.config.section import Section
from relay.config.values import Dates, Days, Kind, TimeOfDay, TimeText, Timezone


class Hours(Section):
    """Hours of the week. `to` before `from` means the day after."""

    days: Days = Field(default="mon-sun", description="Days on which they begin: `mon-fri`, `sat,sun`.")
    start: Annotated[TimeOfDay, Field(alias="from")] = Field(default="00:00", description="`09:00`.")
    end: Annotated[TimeOfDay, Field(alias="to")] = Field(
        default="24:00", description="`19:00`; `24:00` is the end of the day."
    )
    exceptions: Annotated[Dates, Field(alias="except")] = Field(
        default=(), description="Dates on which they do not begin: `2026-12-25`."
    )
    timezone: Timezone | None = Field(
        default=None, description="Whose times these are; without it, `defaults.timezone`."
    )


class SilenceSpec(Section):
    """A time in which nothing is said about events that match."""

    match: Annotated[Mapping[str, Any], Kind(name="fields and patterns")] = Field(
        description='Which events; `project.slug: "*"` is all of them. Not by fields that have to be fetched.'
    )
    since: Annotated[TimeText | None, Field(alias="from")] = Field(
        default=None, description="When it begins, `2026-12-24 18:00`; without it, at once."
    )
    until: TimeText | None = Field(
        default=None, description="When it ends; without it, when it is taken out of the file."
    )
    why: str | None = Field(default=None, description="Why, for whoever wonders where the messages are.")

    @field_validator("match")
    @classmethod
    def _names_something(cls, match: Mapping[str, Any]) -> Mapping[str, Any]:
        if not match:
            raise ValueError('wanted fields and patterns; to silence everything, project.slug: "*"')
        return match
