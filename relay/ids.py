"""Identifiers that sort by time of creation and never collide: ULIDs, lower case."""

import os
import time
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
LENGTH = 26


def new_id() -> str:
    """A fresh id: 48 bits of milliseconds, then 80 random bits, 26 characters."""
    return _spell((time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10)))


def id_at(seconds: float) -> str:
    """The least id of what is made at that time, in seconds since 1970."""
    return _spell(int(max(seconds, 0.0) * 1000) << 80)


def time_of(id: str) -> datetime:
    """When an id was made."""
    number = 0
    for character in id[:10]:
        number = number << 5 | max(_ALPHABET.find(character), 0)
    return datetime.fromtimestamp((number & (1 << 48) - 1) / 1000, UTC)


def _spell(number: int) -> str:
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
