"""A failure as it is kept with an event: plain values under the names that rules and templates use."""

from collections.abc import Mapping
from typing import Any

from relay.failures.record import Evidence, Failure, FailureClass, StepKind


def as_notes(failure: Failure) -> dict[str, Any]:
    """Everything of it, fit for JSON. `signature` and `evidence` are missing (None) when no line decided."""
    evidence = failure.evidence
    return {
        "name": failure.job,
        "class": str(failure.failure_class),
        "signature": evidence.signature if evidence else None,
        "evidence": evidence.line if evidence else None,
        "fingerprint": failure.fingerprint,
        "step": failure.step,
        "step_kind": failure.step_kind.value if failure.step_kind else None,
        "exit_code": failure.exit_code,
        "tests": list(failure.tests),
        "test_count": failure.test_count,
        "signatures": list(failure.signatures),
        "lr_transient": failure.lr_transient,
        "lr_genuine": failure.lr_genuine,
        "line": _line(evidence) if evidence else None,
    }


def from_notes(notes: Mapping[str, Any]) -> Failure:
    """What `as_notes` wrote, or as much of it as somebody gave by hand."""
    return Failure(
        job=notes.get("name"),
        failure_class=str(notes.get("class") or FailureClass.UNKNOWN),
        step=notes.get("step"),
        step_kind=StepKind(notes["step_kind"]) if notes.get("step_kind") else None,
        exit_code=notes.get("exit_code"),
        tests=tuple(notes.get("tests") or ()),
        test_count=notes.get("test_count") or 0,
        signatures=tuple(notes.get("signatures") or ()),
        evidence=_evidence(notes) if notes.get("line") else None,
        lr_transient=notes.get("lr_transient") or 1.0,
        lr_genuine=notes.get("lr_genuine") or 1.0,
        fingerprint=str(notes.get("fingerprint") or ""),
    )


def _line(evidence: Evidence) -> dict[str, Any]:
    """What stands around the evidence, and what it says."""
    return {
        "class": str(evidence.failure_class),
        "lr": evidence.lr,
        "step": evidence.step,
        "before": list(evidence.before),
        "after": list(evidence.after),
    }


def _evidence(notes: Mapping[str, Any]) -> Evidence:
    line = notes["line"]
    return Evidence(
        signature=str(notes["signature"]),
        failure_class=line["class"],
        lr=line["lr"],
        line=notes["evidence"],
        step=line["step"],
        before=tuple(line["before"]),
        after=tuple(line["after"]),
    )
