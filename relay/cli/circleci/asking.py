"""Secrets come from a variable of the environment, a pipe or a hidden prompt, never from the command line."""

import os
import sys

import click

from relay.cli.output import Mistake
from relay.secret import Secret

LARGEST = 1024 * 1024  # characters that are read


def secret_value(what: str, variable: str | None, *, option: str) -> Secret:
    """From the variable if one is named, else asked for on a terminal, else read from standard input."""
    if variable:
        return from_environment(variable, option)
    if sys.stdin.isatty():
        return _given(
            click.prompt(what, hide_input=True, err=True, default="", show_default=False), what, option
        )
    return _given(sys.stdin.read(LARGEST).rstrip("\r\n"), what, option)


def from_environment(variable: str, option: str) -> Secret:
    """Mistake when it is not set."""
    value = os.environ.get(variable, "")
    if not value:
        raise Mistake(f"{option}: the environment has no variable {variable}, or it is empty")
    return Secret(value)


def _given(value: str, what: str, option: str) -> Secret:
    if not value:
        raise Mistake(f"no {what} came; name a variable with {option}, or pipe it in")
    return Secret(value)
