"""Finds the routes worth evaluating for an event without walking all of them.

Each route is filed under the keys of one of its conditions, the one shared with the fewest other routes:
words in a dictionary, globs and regular expressions of a field in one automaton. A route without such a
condition is always a candidate. Candidates may include routes that do not match, never leave one out that
does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from relay.patterns import PatternSet
from relay.routing.conditions import Key, Match, key_choices
from relay.routing.items import Pattern, Word
from relay.routing.reading import Reading, Value
from relay.routing.wording import as_text

WORTH_INDEXING = 8  # below this, trying each is as quick
PATTERN_COST = 3  # a pattern probably lets this many times more events through than a word


class Index:
    """Positions of candidate matches, in order."""

    def __init__(self, matches: Sequence[Match]) -> None:
        self._all = range(len(matches))
        choices = [key_choices(match) for match in matches]
        shared = Counter(key for choice in choices for keys in choice for key in map(_identity, keys))
        chosen = [min(choice, key=lambda keys: _cost(keys, shared), default=()) for choice in choices]
        self._always = [at for at, keys in enumerate(chosen) if not keys]
        self._fields = _file(chosen) if len(matches) >= WORTH_INDEXING else None

    def candidates(self, reading: Reading) -> Iterable[int]:
        if self._fields is None:
            return self._all
        found = set(self._always)
        for name, shelf in self._fields.items():
            shelf.collect(reading.value(name), found)
        return sorted(found)


class Shelf:
    """The routes filed under one field."""

    def __init__(self, filed: Sequence[tuple[Word | Pattern, int]]) -> None:
        self._words: dict[str, list[int]] = defaultdict(list)
        patterns: dict[str, list[int]] = defaultdict(list)
        for item, at in filed:
            if isinstance(item, Word):
                self._words[item.text].append(at)
            else:
                patterns[item.regex.source].append(at)
        self._patterns = PatternSet(tuple(patterns))
        self._at_pattern = tuple(patterns.values())

    def collect(self, value: Value, found: set[int]) -> None:
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None:
                self._collect_text(as_text(one), found)

    def _collect_text(self, text: str, found: set[int]) -> None:
        found.update(self._words.get(text, ()))
        for number in self._patterns.candidates(text) if self._at_pattern else ():
            found.update(self._at_pattern[number])


def _identity(key: Key) -> tuple[str, str]:
    return key[0], key[1].text


def _cost(keys: Iterable[Key], shared: Counter[tuple[str, str]]) -> int:
    return sum(shared[_identity(key)] * (PATTERN_COST if isinstance(key[1], Pattern) else 1) for key in keys)


def _file(chosen: Sequence[Sequence[Key]]) -> dict[str, Shelf]:
    filed: dict[str, list[tuple[Word | Pattern, int]]] = defaultdict(list)
    for at, keys in enumerate(chosen):
        for name, item in keys:
            filed[name].append((item, at))
    return {name: Shelf(items) for name, items in filed.items()}
