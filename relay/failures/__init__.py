"""Failures: what kind one is, by which lines of the log, and whether it is the same as another."""

from relay.failures.record import TRANSIENT, Evidence, Failure, FailureClass, StepKind

__all__ = ["TRANSIENT", "Evidence", "Failure", "FailureClass", "StepKind"]
