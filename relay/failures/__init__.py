"""Failures: what kind one is, by which lines of the log, and whether it is the same as another."""

from relay.failures.badstep import BadStep
from relay.failures.catalogue import Catalogue, OwnSignatures, shipped, with_own
from relay.failures.recognising import recognise
from relay.failures.record import (
    INFRASTRUCTURE,
    TRANSIENT,
    Evidence,
    Failure,
    FailureClass,
    StepKind,
    is_genuine,
    is_transient,
)
from relay.failures.signature import Signature
from relay.failures.written import as_notes, from_notes

__all__ = [
    "INFRASTRUCTURE",
    "TRANSIENT",
    "BadStep",
    "Catalogue",
    "Evidence",
    "Failure",
    "FailureClass",
    "OwnSignatures",
    "Signature",
    "StepKind",
    "as_notes",
    "from_notes",
    "is_genuine",
    "is_transient",
    "recognise",
    "shipped",
    "with_own",
]
