"""Step logs: read through the presigned address of an action, without any token."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from relay.circleci.connection import MEGABYTE
from relay.circleci.errors import Forbidden, Refused
from relay.circleci.http import Http
from relay.circleci.reading import mapping, text
from relay.circleci.types.builds import Action, Build

LOG_LIMIT = 16 * MEGABYTE  # bytes of one action's log that are read


@dataclass(frozen=True, kw_only=True, slots=True)
class StepLog:
    """What one action wrote. `truncated`: there was more than we, or CircleCI, kept."""

    step: str | None
    action: Action
    text: str = field(repr=False)
    truncated: bool


def build_logs(
    http: Http, fetch: Callable[[], Build], *, failed: bool = False, limit: int = LOG_LIMIT
) -> Iterator[StepLog]:
    """The logs of a build's actions in order, or of those to blame for its failure, each fetched lazily.

    `fetch` gives the build; it is asked again when an address has expired.
    """
    for step, action in _actions(fetch()):
        if failed and not action.is_to_blame:
            continue
        try:
            log = step_log(http, action, name=step, limit=limit)
        except (Forbidden, Refused):
            log = step_log(http, _renewed(fetch(), action), name=step, limit=limit)
        if log is not None:
            yield log


def step_log(
    http: Http, action: Action, *, name: str | None = None, limit: int = LOG_LIMIT
) -> StepLog | None:
    """The log of one action, or None when it has none (yet). Raises CircleCIError."""
    if action.output_url:
        body, cut = http.read(action.output_url, limit, token=False)
        said, cut_there = _joined(body.decode("utf-8", "replace"))
        return StepLog(step=name, action=action, text=said, truncated=cut or cut_there)
    if action.output:
        return StepLog(step=name, action=action, text=action.output, truncated=False)
    return None


def _actions(build: Build) -> Iterator[tuple[str | None, Action]]:
    """Each action with its step's name."""
    return ((step.name, action) for step in build.steps for action in step.actions)


def _renewed(build: Build, action: Action) -> Action:
    """The same action as it is now."""
    same = (each for _, each in _actions(build) if (each.step, each.index) == (action.step, action.index))
    return next(same, action)


def _joined(body: str) -> tuple[str, bool]:
    """The messages of a log's JSON array, and whether CircleCI cut it; other text stays as it is."""
    if not body.lstrip().startswith("["):
        return body, False
    chunks = [mapping(chunk) for chunk in _elements(body)]
    said = "".join(text(chunk, "message") or "" for chunk in chunks)
    return said, any(chunk.get("truncated") is True for chunk in chunks)


def _elements(body: str) -> Iterator[object]:
    """The elements of a JSON array, up to where it is cut or broken."""
    decoder = json.JSONDecoder()
    at = body.index("[") + 1
    while at < len(body):
        while body[at : at + 1] in {" ", "\t", "\r", "\n", ","}:
            at += 1
        try:
            element, at = decoder.raw_decode(body, at)
        except (ValueError, RecursionError):
            return
        yield element
