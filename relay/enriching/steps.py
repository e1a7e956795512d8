"""The failed steps of a job as CircleCI tells them, with the ends of their logs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.failures.badstep import BadStep
from relay.failures.loglines import MOST_CHARACTERS
from relay.terminal import plain

if TYPE_CHECKING:
    from relay.circleci.facade import CircleCI
    from relay.circleci.logs import StepLog
    from relay.circleci.types.builds import Action, Build

TELLING = {"infrastructure_fail", "timedout", "canceled", "unauthorized"}  # endings that say more than failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """`status`: how the job ended, where that says more than "failed"."""

    bad: tuple[BadStep, ...]
    status: str | None


def steps_of(client: "CircleCI", project: str, number: int, limit: int) -> Steps:
    """Asks for the build, then for the log of each action to blame. Raises CircleCIError."""
    from relay.circleci.logs import build_logs

    asked: list[Build] = []

    def fetch() -> "Build":
        asked.append(client.v1_1.build(project, number))
        return asked[-1]

    logs = {_place(log.action): log for log in build_logs(client.http, fetch, failed=True, limit=limit)}
    return _steps(asked[0], logs)


def _steps(build: "Build", logs: "dict[tuple[int | None, int], StepLog]") -> Steps:
    bad = tuple(
        _bad_step(step.name, action, logs.get(_place(action)))
        for step in build.steps
        for action in step.actions
        if action.is_to_blame
    )
    return Steps(
        bad=bad, status=next((word for word in (build.outcome, build.status) if word in TELLING), None)
    )


def _bad_step(name: str | None, action: "Action", log: "StepLog | None") -> BadStep:
    return BadStep(
        name=name or action.name or "",
        status=_ending(action),
        exit_code=action.exit_code,
        log=plain(log.text)[-MOST_CHARACTERS:] if log else "",
        container=action.index,
        background=action.background,
    )


def _ending(action: "Action") -> str | None:
    """CircleCI says some of it in flags of their own."""
    flagged = next(
        (word for word in ("infrastructure_fail", "timedout") if action.raw.get(word) is True), None
    )
    return flagged or action.status


def _place(action: "Action") -> tuple[int | None, int]:
    return action.step, action.index
