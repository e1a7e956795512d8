"""The fingerprint of a failure: the same for the same failure, whatever numbers, paths and hosts it names."""

import hashlib
import re
from collections.abc import Sequence

LENGTH = 16  # hex digits
MOST_TESTS = 20
LONGEST = 300  # characters of a line or a test's name that count

# One after the other at each place of a line; the first, codes of errors such as TS2345, stay as they are.
_VARYING = re.compile(
    r"(?P<code>\b(?:E|C|CS|TS|LNK|MSB|FS|BC|SC|YN|NU|ERR|F|W)\d{3,5}\b)"
    r"|(?P<host>https?://[^\s/'\"]+|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|example|local|internal|cloud)\b)"
    r"|(?P<path>(?:~|\.{1,2}|[A-Za-z]:)?[\\/]?(?:[\w.@+-]+[\\/])+[\w.@+-]*|/[\w.@+-]+)"
    r"|(?P<number>\b[0-9a-f]{8}-[0-9a-f-]{20,}\b|\d+(?:[.,:]\d+)*\s?(?:ns|µs|us|ms|s|m|h|[KMGT]i?B)\b"
    r"|\d+(?:[.,:]\d+)*\b|\b(?:0x)?(?=[a-f]*\d)[0-9a-f]{7,}\b|\d+(?:[.,:]\d+)*)",
    re.IGNORECASE,
)
_SHARD = re.compile(
    r"[\s_-]*(?:(?:shard|parallel|part|chunk|split|group|slice)[\s_-]*)?"
    r"(?:\(\d+(?:\s?(?:/|of)\s?\d+)?\)|\[\d+\]|\d+\s?(?:/|of)\s?\d+|#\d+)$"
    r"|[\s_-]+(?:shard|parallel|part|chunk|split|group|slice)[\s_-]*\d+$",
    re.IGNORECASE,
)


def base_name(job: str) -> str:
    """A job's name without the number of its part: `e2e (3)`, `e2e 3/8` and `e2e-shard-3` are `e2e`."""
    return _SHARD.sub("", job[:LONGEST]) or job[:LONGEST]


def normalised(line: str) -> str:
    """A line without what differs from one run to the next."""
    words = " ".join(line[:LONGEST].split())
    return _VARYING.sub(
        lambda found: found[0] if found.lastgroup == "code" else f"<{found.lastgroup}>", words
    )


def fingerprint(
    *, job: str | None, step: str | None, said: str, tests: Sequence[str], exit_code: int | None
) -> str:
    """`said`: the signature, with its normalised line where that tells more. `tests`: sorted ids."""
    parts = (
        base_name(job or ""),
        normalised(step or ""),
        said,
        *(test[:LONGEST] for test in tests[:MOST_TESTS]),
        "" if exit_code is None else str(exit_code),
    )
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:LENGTH]
