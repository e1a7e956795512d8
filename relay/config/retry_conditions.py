"""The conditions of retry rules, checked with the places where they are written."""

from collections.abc import Iterator
from typing import Any

from relay.config.retry import Retry
from relay.config.suggestions import unknown
from relay.config.tree import Path
from relay.fields import ALL, field_type
from relay.policy.vocabulary import SHORT, spelt_out
from relay.routing import MatchError, check_match

UNKNOWN = "unknown field"


def conditions(retry: Retry) -> Iterator[tuple[Path, Any]]:
    """Each block of conditions with its place in the file."""
    for index, never in enumerate(retry.never or ()):
        yield ("retry", "never", index), never
    for index, rule in enumerate(retry.rules or ()):
        yield ("retry", "rules", index, "when"), rule.when


def retry_faults(retry: Retry) -> Iterator[tuple[Path, Any, MatchError]]:
    """Every fault with the place of its block, the block as written, and what is wrong inside it."""
    for path, when in conditions(retry):
        yield from ((path, when, error) for error in check_match(spelt_out(when)))


def told_in_short(error: MatchError) -> str:
    """The problem; for an unknown field with a suggestion among the words of rules too."""
    name = str(error.path[-1]) if error.path else ""
    if not error.problem.startswith(UNKNOWN) or field_type(name) is not None:
        return error.problem
    return unknown(UNKNOWN, name, [*SHORT, *ALL])


def may_match_genuine(when: Any) -> bool:
    """Whether a rule leaves open of which class, signature or history a failure is."""
    named = {"class", "signature", "tests", "history", "exit_code", "steps", "fingerprint"}
    return not named & {str(key).partition(".")[0] for key in when} and not _in_any(when, named)


def _in_any(when: Any, named: set[str]) -> bool:
    blocks = when.get("any") or ()
    each = [blocks] if isinstance(blocks, dict) else blocks
    return bool(each) and all(named & {str(key).partition(".")[0] for key in inner} for inner in each)
