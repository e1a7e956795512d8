"""What a YAML syntax error means to somebody who writes a configuration, and how to mend it."""

from typing import Any

STARTS_NO_VALUE = "a value cannot begin with {!r}; write it in quotes"
TAB = "a tab; indent with spaces"


def syntax_remedy(error: Any, text: str) -> tuple[int, int, str]:
    """Line and column (from 1) and the problem with its remedy."""
    mark = _mark(error)
    character = _character(text, mark.line, mark.column)
    problem = str(error.problem or "cannot be read")
    return mark.line + 1, mark.column + 1, _explain(error.context or "", problem, character)


def _mark(error: Any) -> Any:
    """The start of an open quote or of an alias tells more than the place where reading stopped."""
    context = error.context or ""
    starts_there = _is_mark(context) or _is_open(context, error.problem or "")
    return error.context_mark if starts_there and error.context_mark else error.problem_mark


def _is_mark(context: str) -> bool:
    return any(mark in context for mark in ("alias", "anchor", "a tag"))


def _is_open(context: str, problem: str) -> bool:
    return "quoted scalar" in context and "end of stream" in problem


def _character(text: str, line: int, column: int) -> str:
    lines = text.split("\n")
    return lines[line][column : column + 1] if line < len(lines) else ""


def _explain(context: str, problem: str, character: str) -> str:
    if "cannot start any token" in problem:
        return TAB if character == "\t" else STARTS_NO_VALUE.format(character)
    if _is_mark(context):
        return STARTS_NO_VALUE.format(character)
    if "unknown escape character" in problem:
        return "a backslash in \"double quotes\" starts an escape; use 'single quotes' or write \\\\"
    if "mapping values are not allowed" in problem:
        return "a colon is not expected here; write a value with a colon in quotes, and check the indentation"
    if _is_open(context, problem):
        return "this quote is never closed"
    return _by_context(context, problem)


def _by_context(context: str, problem: str) -> str:
    if "flow sequence" in context:
        return "this list is not finished: a comma or ] is missing"
    if "flow mapping" in context:
        return "this mapping is not finished: a comma or } is missing"
    if "block mapping" in context or "block collection" in context:
        return "the indentation does not fit the lines above"
    if "simple key" in context:
        return "a key needs a colon and a space after it"
    return f"not YAML: {problem}"
