"""How many retries a class of failure is given when no rule says otherwise (odds.md 8)."""

from collections.abc import Mapping
from types import MappingProxyType

from relay.failures.record import FailureClass

LEARNT_TO_PASS = 0.5  # ρ from which a timeout is retried after all

_LIMITS: Mapping[FailureClass, int] = MappingProxyType(
    {
        FailureClass.AGENT: 2,
        FailureClass.NET: 1,
        FailureClass.REGISTRY: 1,
        FailureClass.DOCKER: 1,
        FailureClass.QUOTA: 1,
        FailureClass.VCS: 1,
        FailureClass.CACHE: 1,
        FailureClass.CONTENTION: 1,
        FailureClass.DISK: 1,
        FailureClass.OOM: 1,
        FailureClass.FLAKY: 1,
        FailureClass.TEST: 1,  # decided by history
    }
)


def class_limit(failure_class: FailureClass, success: float) -> int:
    """0 to 2; `success` is ρ, 0 to 1. Compilers, linters, settings and the unknown get none (odds.md 8)."""
    if failure_class is FailureClass.TIMEOUT:
        return 1 if success >= LEARNT_TO_PASS else 0
    return _LIMITS.get(failure_class, 0)
