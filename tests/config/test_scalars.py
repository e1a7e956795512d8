"""Plain scalars mean what they look like."""

import pytest

from relay.config.scalars import resolve


@pytest.mark.parametrize("text", ["on", "off", "yes", "no", "y", "On", "tRue"])
def test_only_true_and_false_are_flags(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("false", False), ("FALSE", False)]
)
def test_true_and_false_are_flags(text: str, value: bool) -> None:
    assert resolve(text) is value


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_null(text: str) -> None:
    assert resolve(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("7", 7), ("-12", -12), ("+3", 3), ("80351110224678912", 80351110224678912)]
)
def test_whole_numbers_are_decimal(text: str, value: int) -> None:
    found = resolve(text)

    assert (found, type(found)) == (value, int)


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), ("-0.25", -0.25), ("2.0e3", 2000.0)])
def test_decimal_fractions_are_numbers(text: str, value: float) -> None:
    found = resolve(text)

    assert (found, type(found)) == (value, float)


@pytest.mark.parametrize(
    "text",
    [
        "22:00",
        "1:30:00",
        "0123456",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "12e4567",
        "7812e45",
        ".inf",
        ".nan",
        "2026-11-23",
        "2026-11-23T09:21:00Z",
        "=",
        "1.2.3",
        "9" * 19,
        "٣",
    ],
)
def test_what_only_resembles_a_number_stays_text(text: str) -> None:
    assert resolve(text) == text
