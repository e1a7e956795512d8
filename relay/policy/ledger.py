"""What is kept of each failed run that was judged, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relay.failures import INFRASTRUCTURE, Failure
from relay.model import Event
from relay.policy.limits import Breakers, Budgets
from relay.policy.memory import PastFailure
from relay.policy.ruling import Ruling
from relay.runs import retry_origin


class Mode(StrEnum):
    """Whether anything is tried again."""

    SHADOW = "shadow"
    ON = "on"
    OFF = "off"

    @property
    def acts(self) -> bool:
        return self is Mode.ON


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What the store is asked about one failed run, to know what was spent. Times are in seconds.

    event_id: what came before it is all that counts, for whoever looks back at it.
    """

    mode: Mode
    root: str
    project: str
    branch: str | None
    commit: str | None
    signatures: tuple[str, ...]  # of infrastructure
    branch_per: float
    outage_within: float
    window: int
    most_ended: int  # more ended runs than these make no difference
    event_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """A failed run and the ruling on it. `minutes`: what another run of it would take."""

    event_id: str
    root: str
    project: str
    branch: str | None
    commit: str | None
    author: str | None = None
    at: datetime
    failures: tuple[Failure, ...]
    jobs_failed: int
    tests_failed: int
    minutes: float
    mode: Mode
    ruling: Ruling
    p_transient: float | None = None
    p_passes: float | None = None
    explored: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RuledBefore:
    """A ruling as the ledger has it, and what came of it."""

    event_id: str
    root: str
    at: datetime
    mode: Mode
    retry: bool
    explored: bool
    rule: str | None
    stop: str | None
    p_transient: float | None
    p_passes: float | None
    passed: bool | None
    verdict: str | None
    ended_at: datetime | None
    failures: tuple[PastFailure, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a judged run went on: a later attempt of the same root passed or failed."""

    root: str
    event_id: str  # of the later attempt
    passed: bool
    verdict: str
    at: datetime


def root_of(event: Event) -> str | None:
    """What all attempts of one run share: the pipeline and workflow, or the first of a chain of builds."""
    origin = retry_origin(event)
    if origin is None:
        return None
    run = event.notes.get("run")
    known = run.get("root") if isinstance(run, dict) else None
    return origin.family or known or origin.root


def sign_of(failure: Failure) -> str | None:
    """By what an outage is seen to be one: the strongest signature. An executor that was lost left no log, so
    there the class stands for it."""
    if failure.signatures:
        return failure.signatures[0]
    return str(failure.failure_class) if failure.failure_class in INFRASTRUCTURE else None


def about(
    event: Event,
    root: str,
    failures: tuple[Failure, ...],
    mode: Mode,
    budgets: Budgets,
    breakers: Breakers,
) -> About:
    """What to ask the store about this run."""
    signs = {sign_of(failure) for failure in failures if failure.failure_class in INFRASTRUCTURE}
    ratio = budgets.hour_ratio
    return About(
        mode=mode,
        root=root,
        project=event.project.slug or "",
        branch=event.branch,
        commit=event.commit.sha,
        signatures=tuple(sorted(sign for sign in signs if sign)),
        branch_per=budgets.per_branch.per,
        outage_within=breakers.outage_within,
        window=breakers.yield_window,
        most_ended=int(budgets.hour_cap / ratio) + 1 if ratio else 1,
        event_id=event.id,
    )
