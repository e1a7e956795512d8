"""Compiled conditions: whether an event passes, and why, in the words of `explain`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from relay import fields
from relay.fields import FieldType
from relay.routing.items import Comparison, Item, Pattern, Word
from relay.routing.reading import Reading, Scalar, Value
from relay.routing.wording import spell


class Condition(Protocol):
    def passes(self, reading: Reading) -> bool: ...

    def why_passed(self, reading: Reading) -> str:
        """What was found next to what was wanted, for an event that passes."""
        ...

    def why_failed(self, reading: Reading) -> str: ...


class Reach(StrEnum):
    """Which items of a list field a pattern speaks about."""

    ANY = "any"
    EVERY = "every"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldCondition:
    """No negative item may match, and one positive item must, if there are any."""

    name: str
    positive: tuple[Item, ...]
    negative: tuple[Item, ...]
    wanted: str  # the items as written, cut for people
    reach: Reach = Reach.ANY

    def passes(self, reading: Reading) -> bool:
        value = reading.value(self.name)
        if value is None:
            return self.reach is Reach.NONE or not self.positive
        if isinstance(value, tuple) or self.reach is not Reach.ANY:
            return self._passes_list(_as_list(value))
        return self.accepts(value)

    def _passes_list(self, values: Sequence[Scalar]) -> bool:
        if self.reach is Reach.EVERY:
            return all(map(self.accepts, values))
        if self.reach is Reach.NONE:
            return not any(map(self.accepts, values))
        return not self._culprits(values) and (
            not self.positive or any(_any_matches(self.positive, value) for value in values)
        )

    def accepts(self, value: Scalar) -> bool:
        """Whether a field that holds this one value passes."""
        return not _any_matches(self.negative, value) and (
            not self.positive or _any_matches(self.positive, value)
        )

    def _culprits(self, values: Iterable[Scalar]) -> list[tuple[Scalar, Item]]:
        return [(value, item) for value in values for item in self.negative if item.matches(value)]

    def why_passed(self, reading: Reading) -> str:
        value = reading.value(self.name)
        if value is None:
            return f"{self.name} is missing, allowed by {self.wanted}"
        only = self.positive[0] if len(self.positive) == 1 and not self.negative else None
        if isinstance(value, tuple) or self.reach is not Reach.ANY or only is None:
            return f"{self.name} {self._spell(value)} in {self.wanted}"
        if isinstance(only, Pattern):
            return f"{self.name} like {self.wanted}"
        if isinstance(only, Comparison) and only.text[0] in "<>=!":
            return f"{self.name} {self._spell(value)} {self.wanted}"
        return f"{self.name} = {self._spell(value)}"

    def why_failed(self, reading: Reading) -> str:
        value = reading.value(self.name)
        if value is None:
            return f"{self.name} is missing, wanted {self.wanted}"
        culprits = self._culprits(_as_list(value)) if self.reach is Reach.ANY else []
        if culprits:
            excluded, item = culprits[0]
            return f'{self.name} = {self._spell(excluded)} is excluded by "!{item.text}"'
        return f"{self.name} = {self._spell(value)}, wanted {self.wanted}"

    def _spell(self, value: Value) -> str:
        return spell(value, is_duration=fields.ALL.get(self.name) is FieldType.DURATION)


def _as_list(value: Value) -> tuple[Scalar, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _any_matches(items: Iterable[Item], value: Scalar) -> bool:
    return any(item.matches(value) for item in items)


@dataclass(frozen=True, slots=True)
class Match:
    """All conditions of one `match`; none at all means every event."""

    conditions: tuple[Condition, ...]

    def passes(self, reading: Reading) -> bool:
        return all(condition.passes(reading) for condition in self.conditions)

    def failing(self, reading: Reading) -> tuple[Condition, ...]:
        return tuple(condition for condition in self.conditions if not condition.passes(reading))

    def tell(self, reading: Reading) -> str:
        """The failing conditions in order, or else all of them."""
        if failing := self.failing(reading):
            return tell_failed(failing, reading)
        return tell_passed(self.conditions, reading)


def tell_passed(conditions: Iterable[Condition], reading: Reading) -> str:
    return " · ".join(condition.why_passed(reading) for condition in conditions) or "no conditions"


def tell_failed(conditions: Iterable[Condition], reading: Reading) -> str:
    return " · ".join(condition.why_failed(reading) for condition in conditions)


@dataclass(frozen=True, slots=True)
class AnyOf:
    matches: tuple[Match, ...]

    def passes(self, reading: Reading) -> bool:
        return any(match.passes(reading) for match in self.matches)

    def why_passed(self, reading: Reading) -> str:
        return f"any of ({_tell_passing(self.matches, reading)})"

    def why_failed(self, reading: Reading) -> str:
        return f"any of ({_tell_each(self.matches, reading)})"


@dataclass(frozen=True, slots=True)
class AllOf:
    matches: tuple[Match, ...]

    def passes(self, reading: Reading) -> bool:
        return all(match.passes(reading) for match in self.matches)

    def why_passed(self, reading: Reading) -> str:
        return f"all of ({_tell_each(self.matches, reading)})"

    def why_failed(self, reading: Reading) -> str:
        failing = [match for match in self.matches if not match.passes(reading)]
        return f"all of ({_tell_each(failing, reading)})"


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The block `not:`."""

    matches: tuple[Match, ...]

    def passes(self, reading: Reading) -> bool:
        return not any(match.passes(reading) for match in self.matches)

    def why_passed(self, reading: Reading) -> str:
        return f"not ({_tell_each(self.matches, reading)})"

    def why_failed(self, reading: Reading) -> str:
        return f"excluded by not ({_tell_passing(self.matches, reading)})"


def _tell_passing(matches: Iterable[Match], reading: Reading) -> str:
    return next(match.tell(reading) for match in matches if match.passes(reading))


def _tell_each(matches: Iterable[Match], reading: Reading) -> str:
    return " | ".join(match.tell(reading) for match in matches)


def asks_for(match: Match, name: str) -> bool:
    """Whether a match says which values of a field it wants; leaving some out is not enough."""
    return any(_asks_for(condition, name) for condition in match.conditions)


def _asks_for(condition: Condition, name: str) -> bool:
    if isinstance(condition, FieldCondition):
        return condition.name == name and bool(condition.positive)
    return isinstance(condition, (AnyOf, AllOf)) and any(asks_for(each, name) for each in condition.matches)


Key = tuple[str, Word | Pattern]
"""A field and a pattern: an event whose field does not match it may be left out."""


def index_keys(condition: Condition) -> tuple[Key, ...]:
    """Keys of which at least one matches every event that passes; none when that cannot be said."""
    if isinstance(condition, FieldCondition):
        return _keys_of_field(condition)
    if isinstance(condition, AnyOf):
        choices = [next(iter(key_choices(match)), ()) for match in condition.matches]
        return tuple(key for keys in choices for key in keys) if all(choices) else ()
    return ()


def key_choices(match: Match) -> list[tuple[Key, ...]]:
    """One set of keys for each condition that has any."""
    conditions = [*match.conditions, *_of_all_blocks(match)]
    return [keys for keys in map(index_keys, conditions) if keys]


def _of_all_blocks(match: Match) -> list[Condition]:
    blocks = [block for block in match.conditions if isinstance(block, AllOf)]
    return [condition for block in blocks for inner in block.matches for condition in inner.conditions]


def _keys_of_field(condition: FieldCondition) -> tuple[Key, ...]:
    if condition.reach is not Reach.ANY or fields.ALL.get(condition.name) is not FieldType.TEXT:
        return ()
    return tuple((condition.name, item) for item in condition.positive if isinstance(item, (Word, Pattern)))


BLOCKS: dict[str, Callable[[tuple[Match, ...]], Condition]] = {"any": AnyOf, "all": AllOf, "not": NoneOf}
