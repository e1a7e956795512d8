"""What a configuration says about retries, what the store knows about one event, and what is made of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.model import Event, Status
from relay.policy import NO_STANDING, Ended, Memory, Mode, Policy, Ruled, RuledBefore, Standing, Used

if TYPE_CHECKING:
    from relay.odds.decide import Judged as Weighed


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryTerms:
    """keys: `defaults.state.key`. priors: how often a retry passes, of people's own classes of failures."""

    mode: Mode
    policy: Policy
    explore: float
    keys: tuple[str, ...]
    trunk: tuple[str, ...] = ()
    ignore: tuple[Status, ...] = ()
    priors: Mapping[str, float] = field(default_factory=dict)
    spared: float = 15.0  # minutes of people
    late: float = 0.05
    credit: float = 0.0006
    credits_per_minute: float = 10.0
    yields: bool = True  # to reruns that CircleCI makes by itself
    is_off: str | None = None  # why nothing is run again, whatever the ledger says


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the store knows about one event. before: rulings on earlier attempts that nobody decided yet.

    is_off: why nothing is run again just now.
    """

    memory: Memory
    spent: Used
    before: tuple[RuledBefore, ...] = ()
    is_off: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The event with what was found out; `ruled` if it failed, `ended` if it decides an earlier ruling.

    weighed: the odds of each of the failures that were ruled on.
    """

    event: Event
    ruled: Ruled | None = None
    ended: Ended | None = None
    awaits_retry: bool = False
    weighed: "tuple[Weighed, ...]" = ()
    standing: Standing = NO_STANDING


NOTHING_KNOWN = Known(memory=Memory(), spent=Used())
