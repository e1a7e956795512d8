"""Runs that are expected: what they are, and when they should have finished."""

from pydantic import Field, model_validator

from relay.config.section import Section
from relay.config.values import Days, Duration, Flag, TimeOfDay, Timezone

MINUTE = 60.0


class Watch(Section):
    """A run that is missed when it has not finished in time. One of `by`, `every` and `usual` says when."""

    project: str = Field(min_length=1, description="The project, as `project.slug` has it: `gh/acme/api`.")
    branch: str | None = Field(default=None, description="Only runs on this branch.")
    workflow: str | None = Field(default=None, description="Only this workflow.")
    job: str | None = Field(default=None, description="Only this job, instead of whole workflows.")
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
