"""Options by which lists are narrowed down."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import click

MOST_LISTED = 10_000

limit_option = click.option(
    "--limit",
    "-n",
    type=click.IntRange(1, MOST_LISTED),
    metavar="COUNT",
    default=20,
    show_default=True,
    help="At most so many.",
)


def word_option(name: str, words: type[StrEnum], explanation: str) -> Callable[[Any], Any]:
    """An option that takes one word of a closed set, listed in its help."""
    return click.option(
        name,
        type=click.Choice([word.value for word in words]),
        callback=lambda context, parameter, value: None if value is None else words(value),
        metavar="WORD",
        help=f"{explanation}: {', '.join(words)}.",
    )
