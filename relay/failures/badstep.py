"""A step that did not get through, and which of several is the cause."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from relay.failures.record import StepKind
from relay.failures.stepkinds import kind_of

MOST_STEPS = 8  # of one job that are looked at: the same step may fail in many containers


@dataclass(frozen=True, kw_only=True, slots=True)
class BadStep:
    """One step in one container. Steps are given in the order in which they ran."""

    name: str
    status: str | None = None  # failed, timedout, infrastructure_fail, canceled …
    exit_code: int | None = None
    log: str = field(default="", repr=False)
    container: int = 0
    background: bool = False

    @property
    def is_symptom(self) -> bool:
        """Whether it fails because something else did, or fails without ending the job."""
        return self.background or kind_of(self.name) is StepKind.POST


def causes(steps: Sequence[BadStep]) -> tuple[BadStep, ...]:
    """In each container the first that is no symptom: what runs after it runs because it failed."""
    first: dict[int, BadStep] = {}
    for step in steps:
        if not step.is_symptom:
            first.setdefault(step.container, step)
    return tuple(first.values())[:MOST_STEPS] or tuple(steps[:1])
