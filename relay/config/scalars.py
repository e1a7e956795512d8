"""What a plain (unquoted) YAML scalar means: the YAML 1.2 core schema, decimal numbers only.

YAML 1.1, which PyYAML speaks by itself, reads `on` as true, `22:00` as 1320 and the short commit
`0123456` as 42798. Here they stay the text that somebody typed.
"""

import re
from collections.abc import Mapping

from relay.config.tree import Scalar

WORDS: Mapping[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z", re.ASCII)
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}([eE][-+]?[0-9]{1,2})?\Z", re.ASCII)


def resolve(text: str) -> Scalar:
    """The value of a plain scalar."""
    if text in WORDS:
        return WORDS[text]
    if WHOLE.match(text):
        return int(text)
    if DECIMAL.match(text):
        return float(text)
    return text
