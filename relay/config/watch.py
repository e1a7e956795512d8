"""Runs that are expected: what they are, and when they should have finished."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from relay.config.section import Section
from relay.config.values import Duration, Flag, Kind, Timezone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = 60.0
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z"


def _time_of_day(value: str) -> str:
    if not re.match(TIME_PATTERN, value):
        raise ValueError('wanted a time of day such as "03:30"')
    return value


def _days(value: str) -> str:
    days_in(value)
    return value


def days_in(text: str) -> tuple[int, ...]:
    """The days of the week that `mon-fri`, `sat,sun` or `fri-mon` names; Monday is 0."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = (day.strip() for day in part.partition("-"))
        if first not in DAYS or (last or first) not in DAYS or part.strip().endswith("-"):
            raise ValueError("wanted days such as mon, mon-fri or sat,sun")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return tuple(sorted(found))


TimeOfDay = Annotated[str, AfterValidator(_time_of_day), Kind(name="time of day")]
Days = Annotated[str, AfterValidator(_days), Kind(name="days")]


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
