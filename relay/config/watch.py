"""Runs that are expected: what they are, and when they should have finished."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from relay.config.section import Section
from relay.config.values import Days, Duration, Flag, TimeOfDay, Timezone

MINUTE = 60.0
_LONG = ("github", "bitbucket")  # which a slug shortens to gh and bb


def _slug(value: str) -> str:
    """A run is looked up by its exact project; another text would be a run that is always missing."""
    parts = value.split("/")
    if len(parts) != 3 or not all(parts) or "*" in value or parts[0] in _LONG:
        raise ValueError(
            f"wanted one project as `project.slug` has it, such as gh/acme/api; {value!r} is none"
        )
    return value


def _exact(value: str) -> str:
    """The same for the other names."""
    if "*" in value or value.startswith(("!", "/")):
        raise ValueError(f"wanted an exact name; {value!r} is a pattern, and a watch expects one run")
    return value


Exact = Annotated[str, AfterValidator(_exact)]


class Watch(Section):
    """A run that is missed when it has not finished in time. One of `by`, `every` and `usual` says when."""

    project: Annotated[str, AfterValidator(_slug)] = Field(
        description="The project, as `project.slug` has it: `gh/acme/api`."
    )
    branch: Exact | None = Field(default=None, description="Only runs on this branch.")
    workflow: Exact | None = Field(default=None, description="Only this workflow.")
    job: Exact | None = Field(default=None, description="Only this job, instead of whole workflows.")
    by: TimeOfDay | None = Field(default=None, description='A time of day, `"03:30"`.')
    days: Days | None = Field(
        default=None, description="On which days `by` holds: `mon-fri`, `sat,sun`. Without it, every day."
    )
    timezone: Timezone | None = Field(
        default=None, description="The timezone of `by` and `usual`. Without it, `defaults.timezone`."
    )
    every: Duration | None = Field(
        default=None, gt=0, description="The longest time from the end of one run to the end of the next."
    )
    usual: Flag = Field(
        default=False,
        description="By the time of the week when it finished in at least three of the last four weeks.",
    )
    late_after: Duration = Field(default=30 * MINUTE, description="How much later is late.")

    @model_validator(mode="after")
    def _says_when(self) -> "Watch":
        if (self.by is not None) + (self.every is not None) + self.usual != 1:
            raise ValueError("wanted one of by, every and usual: true")
        if self.days is not None and self.by is None:
            raise ValueError("days go with by")
        if self.timezone is not None and self.every is not None:
            raise ValueError("every needs no timezone")
        return self
