"""How values and patterns read in `explain`: short, on one line, nothing hidden."""

from collections.abc import Sequence

from relay import durations

VALUE_LIMIT = 60  # characters of a value from outside
LIST_LIMIT = 120  # characters of a list of patterns
ERROR_LIMIT = 200


def visible(text: str, limit: int = VALUE_LIMIT) -> str:
    """The text with control characters spelled out, cut to the limit."""
    start = text[: limit + 1]
    shown = start if start.isprintable() else "".join(map(_visible_character, start))
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _visible_character(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def as_text(value: object) -> str:
    """A value as a pattern sees it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def spell(value: object, *, is_duration: bool = False) -> str:
    """One value, or a list of them, for people."""
    if isinstance(value, tuple):
        return visible(f"[{', '.join(spell(item, is_duration=is_duration) for item in value[:VALUE_LIMIT])}]")
    if isinstance(value, str):
        return visible(value)
    if is_duration and isinstance(value, (int, float)):
        return durations.spell(value)
    return visible(as_text(value))


def listed(patterns: Sequence[str]) -> str:
    """Patterns as written: one alone, several in brackets."""
    text = patterns[0] if len(patterns) == 1 else f"[{', '.join(patterns)}]"
    return visible(text, LIST_LIMIT)
