"""Durations as people write them: "20s", "1h30m", "7d" to seconds and back."""

import re

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d)\s*", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)


def parse(text: str) -> float:
    """Seconds of "90s", "20m", "1h30m" or "1h 30m"; a bare number is seconds. Else ValueError."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return float(stripped)
    parts = _PART.findall(stripped)
    if not parts or _PART.sub("", stripped):
        raise ValueError(f"{text!r} is not a duration; write 20s, 5m, 1h30m or 7d")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def spell(seconds: float) -> str:
    """The two largest units that are not zero: "25m", "1h 5m", "2d 3h"; below a minute "45s" or "1.5s"."""
    if round(seconds, 1) < 60:
        return f"{round(seconds, 1):g}s"
    left, words = round(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{unit}")
    return " ".join(words[:2])
