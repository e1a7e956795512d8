"""Names the steps that failed in a classic build."""

from collections.abc import Sequence

from relay.model import FailedStep
from relay.payloads.record import Record, line

STEP_LIMIT = 200  # characters; a step without a name of its own is called by its command
MOST_STEPS = 50

_BAD_WORDS = {"failed", "timedout", "infrastructure_fail", "canceled", "signaled"}


def failed_steps(steps: Sequence[Record]) -> tuple[FailedStep, ...]:
    """Failed steps in order, each once with the containers it failed in. The first is the one to blame."""
    found: dict[tuple[int | None, str], FailedStep] = {}
    for step in steps:
        for action in step.records("actions"):
            if _has_failed(action):
                failed = _failed_step(action, step)
                key = (failed.step, failed.name)
                found[key] = _also_in(found[key], failed) if key in found else failed
    return tuple(found.values())[:MOST_STEPS]


def _has_failed(action: Record) -> bool:
    """`infrastructure_fail` alone does not count: it can sit on an action that succeeded."""
    status = action.line("status")
    if action.flag("insignificant") or (action.flag("background") and status == "running"):
        return False
    return action.fields.get("failed") is True or status in _BAD_WORDS


def _failed_step(action: Record, step: Record) -> FailedStep:
    container = action.number("index")
    return FailedStep(
        name=_first_line(step.fields.get("name")) or _first_line(action.fields.get("name")) or "unnamed step",
        status=action.line("status"),
        exit_code=action.integer("exit_code"),
        containers=() if container is None else (container,),
        step=action.number("step"),
    )


def _also_in(first: FailedStep, other: FailedStep) -> FailedStep:
    return FailedStep(
        name=first.name,
        status=first.status,
        exit_code=first.exit_code if first.exit_code is not None else other.exit_code,
        containers=tuple(sorted({*first.containers, *other.containers})),
        step=first.step,
    )


def _first_line(name: object) -> str | None:
    return line(name.strip().partition("\n")[0], STEP_LIMIT) if isinstance(name, str) else None
