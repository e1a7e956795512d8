"""What would have to be otherwise for a condition to hold, in words."""

from collections.abc import Iterator, Mapping

from relay import fields
from relay.fields import FieldType
from relay.model import Change
from relay.routing.conditions import AllOf, AnyOf, Condition, FieldCondition, Match, NoneOf
from relay.routing.reading import Reading
from relay.routing.wording import spell

COMES_OF: Mapping[Change, str] = {
    Change.FIRST_SUCCESS: "the first result known, and it passes",
    Change.FIRST_FAILURE: "the first result known, and it fails",
    Change.BROKE: "green before, and it fails",
    Change.STILL_FAILING: "red before, and it fails",
    Change.FIXED: "red before, and a new pipeline passes",
    Change.STILL_PASSING: "green before, and it passes",
    Change.PASSED_ON_RETRY: "red before, and a rerun of the same pipeline passes",
    Change.NONE: "a result that is ignored, was counted before or is older than the newest",
}
"""How each change comes about; the whole table is in `relay/changes.py`."""


def remedies(condition: Condition, reading: Reading) -> Iterator[str]:
    """For a condition that does not hold: everything that would have to change."""
    if isinstance(condition, FieldCondition):
        yield _of_field(condition, reading)
    elif isinstance(condition, AllOf):
        for match in condition.matches:
            yield from of_match(match, reading)
    elif isinstance(condition, AnyOf):
        ways = [", and ".join(of_match(match, reading)) for match in condition.matches]
        yield ", or else ".join(ways)
    elif isinstance(condition, NoneOf):
        passing = [match for match in condition.matches if match.passes(reading)]
        yield from (f"this would have to be otherwise: {match.tell(reading)}" for match in passing)


def of_match(match: Match, reading: Reading) -> Iterator[str]:
    """As `remedies`, for all conditions of a match that fail."""
    for condition in match.failing(reading):
        yield from remedies(condition, reading)


def _of_field(condition: FieldCondition, reading: Reading) -> str:
    name = condition.name
    value = reading.value(name)
    if value is None:
        is_now = "is missing"
    else:
        is_now = f"is {spell(value, is_duration=fields.ALL.get(name) is FieldType.DURATION)}"
    return f"{name} {is_now} and would have to match {condition.wanted}{_hint(condition)}"


def _hint(condition: FieldCondition) -> str:
    """How the changes that are wanted come about."""
    if condition.name != "change":
        return ""
    wanted = [
        change
        for change in Change
        if any(item.matches(change) for item in condition.positive)
        and not any(item.matches(change) for item in condition.negative)
    ]
    told = "; ".join(f"{change}: {COMES_OF[change]}" for change in wanted)
    return f" ({told})" if told else ""
