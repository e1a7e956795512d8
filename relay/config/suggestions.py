"""Says what somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

LISTED = 12  # more names than this are not read by anybody


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """`unknown key, did you mean webhook?`, or the known names when nothing is close."""
    names = sorted(known)
    close = closest(word, names)
    if close:
        return f"{what}, did you mean {close}?"
    if not names:
        return f"{what}; there are none"
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{what}; known: {', '.join(names[:LISTED])}{rest}"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The name most like the word, or None when none is like it."""
    return next(iter(get_close_matches(word, sorted(known), n=1)), None)
