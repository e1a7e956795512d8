"""Sizes as people write them: "500MB", "12.3 kB"."""

import re

import click

UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([KMG]?I?)B?", re.IGNORECASE)


class Size(click.ParamType):
    """Bytes, written 500MB, 1.5 GiB or 20000."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        size = int(float(found[1]) * UNITS.get(found[2].upper(), 0)) if found else 0
        if size <= 0:
            self.fail(f"{value!r} is not a size; write 500MB, 1.5GiB or a number of bytes", param, ctx)
        return size


def spell(size: float) -> str:
    """ "12.3 kB"."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if round(size, 1) < 1000:
            break
    return f"{size:.1f} {unit}"
