"""A signature: a line by which a kind of failure is recognised, and how much that line says."""

import math
from dataclasses import dataclass

from relay.failures.record import is_genuine, is_transient

LEAST_LR, MOST_LR = 0.01, 100.0
LR_OF_TRANSIENT = 5.0  # of somebody's own that says nothing
LR_OF_GENUINE = 0.1
CANCEL_LR = 0.0  # says nothing of either: a person or a newer push stopped it


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """`pattern` is searched in each line, ignoring case; where `excluded` is found too, it does not count."""

    id: str
    failure_class: str
    lr: float  # P(line | transient) / P(line | genuine)
    pattern: str
    excluded: str | None = None
    vetoes: tuple[str, ...] = ()  # classes whose signatures count for nothing when they come before it
    is_weak: bool = False  # says that something failed and not why: gives the class where nothing else does

    @property
    def is_genuine(self) -> bool:
        return is_genuine(self.failure_class)

    @property
    def is_transient(self) -> bool:
        return is_transient(self.failure_class)

    @property
    def weight(self) -> float:
        """The logarithm of its likelihood ratio; cancelling has none."""
        return math.log(self.lr) if self.lr > 0 else 0.0


def usual_lr(failure_class: str) -> float:
    """What a signature says of which nobody said how much."""
    if is_genuine(failure_class):
        return LR_OF_GENUINE
    return LR_OF_TRANSIENT if is_transient(failure_class) else CANCEL_LR
