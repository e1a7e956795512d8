"""The part of the file about trying failed runs again."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from relay.config.section import Section
from relay.config.values import Duration, Flag, Kind, Name
from relay.policy import Mode

FLAKY = "flaky"  # the policy of an action that is done only for what is judged worth it
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
When = Annotated[Mapping[str, Any], Kind(name="conditions of a rule")]


class Way(StrEnum):
    """What runs again."""

    FROM_FAILED = "from_failed"
    WHOLE = "whole"
    NONE = "none"


class Do(Section):
    """What a rule wants."""

    retry: int = Field(
        default=1, ge=0, le=3, description="How often one first run is run again at most; 0 is never."
    )
    delay: Duration | None = Field(
        default=None, description="How long to wait before. Without it, `defaults.delay`."
    )
    mode: Way | None = Field(
        default=None,
        description="`from_failed` runs the failed jobs again, `whole` everything, `none` is only noted."
        " Without it, `defaults.mode`.",
    )
    note: str | None = Field(default=None, max_length=200, description="Words for whoever reads the message.")


class RetryRule(Section):
    """Failures that may be tried again. The first rule that matches a failed job decides."""

    id: Name = Field(description="Its name, in the ledger and in `relay explain`.")
    when: When = Field(default_factory=dict, description="Which failures, by the words listed below.")
    do: Do = Field(default=Do(), description="What to do about them.")
    label: str | None = Field(default=None, max_length=60, description="A word for what it finds: `infra`.")
    expect_passes: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How likely a retry has to pass, instead of `defaults.expect_passes`.",
    )


class RetryDefaults(Section):
    """What holds for rules that do not say it."""

    mode: Way = Field(
        default=Way.FROM_FAILED, description="`from_failed`, `whole`, or `none`, which only notes it."
    )
    delay: Duration = Field(default=30.0, description="How long to wait before.")
    expect_passes: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How likely a retry has to pass. Without it, what it costs decides, and at least 0.25, on"
        " pull requests 0.35.",
    )


class BranchBudget(Section):
    """Retries of one branch."""

    count: int = Field(default=6, ge=0, description="How many.")
    per: Duration = Field(default=DAY, gt=0, description="In which time.")


class HourBudget(Section):
    """Retries in an hour, as a share of the runs that ended in it."""

    ratio: float = Field(default=0.10, ge=0, le=1, description="The share.")
    floor: int = Field(default=2, ge=0, description="So many in any case.")
    cap: int = Field(default=20, ge=0, description="Never more than so many.")


class MinutesBudget(Section):
    """Minutes that retries may run, altogether."""

    day: float = Field(default=240.0, ge=0, description="In 24 hours.")
    month: float = Field(default=3000.0, ge=0, description="In 30 days.")


class RetryBudgets(Section):
    """How much may be tried again, whatever the rules say. 0 is nothing."""

    per_build: int = Field(default=2, ge=0, le=3, description="Retries of one first run.")
    per_commit: int = Field(default=2, ge=0, description="Retries of all runs of one commit.")
    per_branch: BranchBudget = Field(default=BranchBudget(), description="Retries of one branch.")
    per_hour: HourBudget = Field(default=HourBudget(), description="Retries of everything, each hour.")
    minutes: MinutesBudget = Field(default=MinutesBudget(), description="Minutes that retries run.")


class TooMany(Section):
    """Breadth that no flake has."""

    jobs: int = Field(default=5, ge=1, description="Failed jobs of a run.")
    tests: int = Field(default=20, ge=1, description="Failed tests of a run.")


class OutageBreaker(Section):
    """The same infrastructure failing in many places."""

    projects: int = Field(default=3, ge=1, description="Projects with the same signature,")
    builds: int = Field(default=5, ge=1, description="or runs of one project,")
    within: Duration = Field(default=30 * MINUTE, gt=0, description="in this time,")
    hold: Duration = Field(
        default=45 * MINUTE, gt=0, description="stop retries for so long after the last of them."
    )


class LowYield(Section):
    """Retries that hardly ever pass."""

    window: int = Field(default=10, ge=2, le=100, description="Of so many retries")
    max_success: float = Field(default=0.2, ge=0, le=1, description="no more than this share passed:")
    open: Duration = Field(default=2 * HOUR, gt=0, description="stop for so long, then try one.")


class KillSwitch(Section):
    """Another way to stop all retries at once, besides `relay retry off`."""

    env: str = Field(
        default="RELAY_RETRY_OFF",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="An environment variable; set to anything but 0 it stops retries.",
    )


class RetryBreakers(Section):
    """When trying again is pointless for a while."""

    too_many_failures: TooMany = Field(default=TooMany(), description="A run that fails all over.")
    outage: OutageBreaker = Field(default=OutageBreaker(), description="An outage of somebody else.")
    low_yield: LowYield = Field(default=LowYield(), description="Retries that do not help.")
    kill_switch: KillSwitch = Field(default=KillSwitch(), description="Stopping everything.")


class Costs(Section):
    """What a retry is weighed against, in minutes of people."""

    spared: float = Field(default=15.0, gt=0, description="Minutes saved when nobody has to look.")
    late: float = Field(
        default=0.05, ge=0, description="Minutes lost for each minute that a real failure is told later."
    )
    credit: float = Field(default=0.0006, ge=0, description="Price of one of CircleCI's credits, in minutes.")
    credits_per_minute: float = Field(default=10.0, ge=0, description="Credits of a minute of a job.")


class Retry(Section):
    """When a failed run is tried again before anybody is told. Used by actions with `policy: flaky`."""

    version: Literal[1] = Field(default=1, description="The version of this section: 1.")
    mode: Mode = Field(
        default=Mode.SHADOW,
        description="`shadow` decides, records and scores what it would do, and does nothing; `on` does it;"
        " `off` does not even decide.",
    )
    defaults: RetryDefaults = Field(
        default=RetryDefaults(), description="What holds for rules that do not say it."
    )
    yield_to_circleci: Flag = Field(
        default=True, description="Leave it to CircleCI while it has automatic reruns of its own left."
    )
    forks: Flag = Field(
        default=False,
        description="Run pull requests of forks again too, with the rights of the token's owner.",
    )
    explore: float = Field(
        default=0.05,
        ge=0,
        le=0.5,
        description="The share of failures below that mark that are tried again all the same, by lot, so that"
        " what is learnt is not only what was believed before.",
    )
    never: tuple[When, ...] | None = Field(
        default=None,
        description="What is never run again. Without it: jobs and steps that deploy, release, publish or"
        " migrate, and what compilers, linters and gates refuse.",
    )
    rules: tuple[RetryRule, ...] | None = Field(
        default=None, description="What is run again. Without it, the table in docs/failures.md."
    )
    budgets: RetryBudgets = Field(default=RetryBudgets(), description="How much may be tried again.")
    breakers: RetryBreakers = Field(default=RetryBreakers(), description="When to stop for a while.")
    costs: Costs = Field(default=Costs(), description="What a retry is weighed against.")
