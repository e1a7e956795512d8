"""Reads a `match` as written into conditions, and tells every fault in it."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from relay import fields
from relay.fields import FieldType
from relay.model import Change, EventKind, Generation, Status
from relay.routing.conditions import BLOCKS, Condition, FieldCondition, Match, Reach
from relay.routing.items import Comparison, Item, ItemError, read_item
from relay.routing.wording import listed

WORDS: Mapping[str, tuple[str, ...]] = {
    "event": tuple(map(str, EventKind)),
    "status": tuple(map(str, Status)),
    "previous.status": tuple(map(str, Status)),
    "change": tuple(map(str, Change)),
    "generation": tuple(map(str, Generation)),
}
"""Fields with a closed set of values: a pattern that none of them matches is a mistake."""

Path = tuple[str | int, ...]


class MatchError(ValueError):
    """One fault: where inside the match, and what is wrong there."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{'.'.join(map(str, path))}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


def check_match(match: Any) -> tuple[MatchError, ...]:
    """Every fault of a match, in the order of the file."""
    faults: list[MatchError] = []
    _read_match(match, (), faults)
    return tuple(faults)


def compile_match(match: Any) -> Match:
    """The conditions of a match; raises the first MatchError."""
    faults: list[MatchError] = []
    compiled = _read_match(match, (), faults)
    if faults:
        raise faults[0]
    return compiled


def _read_match(raw: Any, path: Path, faults: list[MatchError]) -> Match:
    if not isinstance(raw, Mapping):
        faults.append(MatchError(path, "wanted fields and patterns, such as branch: main"))
        return Match(())
    return Match(tuple(c for key, wanted in raw.items() for c in _read_key(key, wanted, path, faults)))


def _read_key(key: Any, wanted: Any, path: Path, faults: list[MatchError]) -> Iterator[Condition]:
    here = (*path, key)
    if key in BLOCKS:
        yield BLOCKS[key](_read_block(key, wanted, here, faults))
    elif problem := _unusable(key, wanted):
        faults.append(MatchError(here, problem))
    elif isinstance(wanted, Mapping):
        yield from _read_reaches(key, wanted, here, faults)
    else:
        yield _read_field(key, wanted, Reach.ANY, here, faults)


def _read_block(name: str, raw: Any, path: Path, faults: list[MatchError]) -> tuple[Match, ...]:
    if not _is_list(raw) or not raw:
        faults.append(MatchError(path, f"wanted a list of matches, such as {name}: [{{branch: main}}]"))
        return ()
    return tuple(_read_match(item, (*path, at), faults) for at, item in enumerate(raw))


def _read_reaches(
    name: str, raw: Mapping[Any, Any], path: Path, faults: list[MatchError]
) -> Iterator[Condition]:
    unknown = [key for key in raw if key not in (Reach.EVERY, Reach.NONE)]
    if unknown or not raw:
        faults.append(MatchError(path, f"wanted a pattern, or every: or none: and one, under {name}"))
        return
    if fields.ALL.get(name, FieldType.TEXTS) is not FieldType.TEXTS:
        faults.append(MatchError(path, f"{name} is not a list, so every: and none: do not apply"))
        return
    for key, wanted in raw.items():
        yield _read_field(name, wanted, Reach(key), (*path, key), faults)


def _read_field(name: str, raw: Any, reach: Reach, path: Path, faults: list[MatchError]) -> FieldCondition:
    signed = list(_read_items(name, raw, path, faults))
    written = listed([f"!{item.text}" if negative else item.text for negative, item in signed])
    return FieldCondition(
        name=name,
        positive=tuple(item for negative, item in signed if not negative),
        negative=tuple(item for negative, item in signed if negative),
        wanted=written if reach is Reach.ANY else f"{reach} {written}",
        reach=reach,
    )


def _read_items(name: str, raw: Any, path: Path, faults: list[MatchError]) -> Iterator[tuple[bool, Item]]:
    if _is_list(raw) and not raw:
        faults.append(MatchError(path, "the list is empty; give a pattern or leave the field out"))
    places = [((*path, at), item) for at, item in enumerate(raw)] if _is_list(raw) else [(path, raw)]
    for place, item in places:
        try:
            signed = read_item(name, item)
            _check_word(name, signed[1])
            yield signed
        except ItemError as error:
            faults.append(MatchError(place, str(error)))


def _is_list(raw: Any) -> bool:
    return isinstance(raw, Sequence) and not isinstance(raw, (str, bytes))


def _check_word(name: str, item: Item) -> None:
    """Refuses a pattern that no value of a closed set can ever match."""
    words = WORDS.get(name)
    if words and not isinstance(item, Comparison) and not any(map(item.matches, words)):
        raise ItemError(f"no {name} is called {item.text}{_did_you_mean(item.text, words)}")


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def _unusable(key: Any, wanted: Any) -> str | None:
    """Why a key is no field that can be matched, with what to write instead; None when it is one."""
    if not isinstance(key, str):
        return "field names are text"
    known = fields.field_type(key)
    is_nested = _is_parent(key) and (isinstance(wanted, Mapping) or known is FieldType.OBJECTS)
    if known is not None and not is_nested:
        return None
    if not _is_parent(key):
        return f"unknown field{_suggested_field(key)}"
    if isinstance(wanted, Mapping):
        inner = next(iter(wanted), "<name>")
        return f"fields are not nested; write {key}.{inner}: instead"
    inside = [name for name in fields.ALL if name.startswith(f"{key}.")]
    return f"{key} has fields of its own; write one of {', '.join(inside)}"


def _is_parent(key: str) -> bool:
    known = fields.ALL.get(key)
    return known is FieldType.MAPPING or any(name.startswith(f"{key}.") for name in fields.ALL)


def _suggested_field(key: str) -> str:
    leaves = [name for name in fields.ALL if name.rpartition(".")[2] == key]
    close = get_close_matches(key, [*fields.ALL, *BLOCKS], n=1) or leaves
    return f", did you mean {close[0]}?" if close else ""
