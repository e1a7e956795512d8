"""Durations as people write them."""

import pytest

from relay import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20s", 20),
        ("20m", 1200),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("7d", 604800),
        ("500ms", 0.5),
        ("90", 90),
    ],
)
def test_parses(text: str, seconds: float) -> None:
    assert durations.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "20x", "20m5", "-5s", "1h,2m", "1.2.3s", "٣s", "1e3"])
def test_refuses_anything_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write 20s, 5m, 1h30m or 7d"):
        durations.parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (1.5, "1.5s"),
        (59.97, "1m"),
        (1500, "25m"),
        (1145, "19m 5s"),
        (3900, "1h 5m"),
        (90061, "1d 1h"),
    ],
)
def test_spells(seconds: float, text: str) -> None:
    assert durations.spell(seconds) == text
