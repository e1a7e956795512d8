"""Sizes as people write them: "500MB", "12.3 kB"."""

import re

import click

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
STEPS = (("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12))
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*((?:[KMG]I?)?)B?", re.IGNORECASE)


def parse(text: str) -> int:
    """Bytes; for an option of the command line. Raises BadParameter."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * UNITS[found[2].upper()]) if found else 0
    if size <= 0:
        raise click.BadParameter(f"{text!r} is not a size; write 500MB, 1.5GiB or a number of bytes")
    return size


def spell(size: float) -> str:
    """ "12.3 kB"."""
    if size < 1000:
        return f"{size:.0f} B"
    unit, length = next((each for each in STEPS if size < 999.95 * each[1]), STEPS[-1])
    return f"{size / length:.1f} {unit}"
