"""Why an expression cannot be used, in words with the remedy: what RE2 lacks, and what to write instead."""

import re

from relay.patterns import PatternError, Regex

LONGEST = 2_000  # characters

_LACKING = (
    (r"\(\?!", "RE2 has no negative look-ahead (?!…); write what must not be in the line as `not:`"),
    (r"\(\?=", "RE2 has no look-ahead (?=…); write the words themselves, they need not be left out"),
    (r"\(\?<!", "RE2 has no negative look-behind (?<!…); write what must not be in the line as `not:`"),
    (r"\(\?<=", "RE2 has no look-behind (?<=…); write the words themselves, they need not be left out"),
    (r"\(\?>", "RE2 has no atomic groups (?>…); write (?:…)"),
    (r"\(\?P=|\\[1-9]|\\k<", "RE2 has no back-references; write the text out twice, or leave the second out"),
    (r"[*+?}]\+", "RE2 has no possessive quantifiers such as `.*+`; leave the second + out"),
    (r"\(\?\(", "RE2 has no conditions (?(…)…); write two signatures"),
    (r"\\Z", r"RE2 has no \Z; write \z or $"),
)


def problem_with(pattern: str) -> str | None:
    """What is wrong with it, or None."""
    if not pattern:
        return "the expression is empty, so every line would match; write what must stand in the line"
    if len(pattern) > LONGEST:
        return f"longer than {LONGEST} characters; write several signatures"
    try:
        is_everywhere = Regex(pattern).found_in("")
    except PatternError as error:
        lacking = next((words for mark, words in _LACKING if re.search(mark, pattern)), None)
        return lacking or f"RE2 cannot read this expression: {error}"
    return (
        "it matches an empty line, so every line would match; ask for at least one word"
        if is_everywhere
        else None
    )
