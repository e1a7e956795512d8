"""What a service counts in bytes or halves of UTF-16 fits, whatever it is made of."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.markup import MARKUPS
from relay.markup.room import fit, json_bytes, utf8_bytes, utf16_units

PLAIN, HTML, ZULIP = (MARKUPS[name] for name in ("plain", "html", "zulip"))


@pytest.mark.parametrize(
    ("size", "taken"),
    [(utf8_bytes, 9), (utf16_units, 6), (json_bytes, 11)],
    ids=["utf-8", "utf-16", "json"],
)
def test_each_unit_counts_in_its_own_way(size: Callable[[str], int], taken: int) -> None:
    assert size('aé🔴"\n') == taken


def test_what_fits_is_left_alone() -> None:
    assert fit(PLAIN, "one\ntwo\nthree", 13, utf8_bytes) == "one\ntwo\nthree"


def test_lines_are_left_out_of_the_middle() -> None:
    text = "\n".join(f"🔴 item {number:02}" for number in range(50))

    assert fit(PLAIN, text, 70, utf8_bytes).split("\n") == [
        "🔴 item 00",
        "🔴 item 01",
        "🔴 item 02",
        "… and 46 more",
        "🔴 item 49",
    ]


@pytest.mark.parametrize(
    ("text", "room", "said"),
    [
        ("one long line", 8, "one l…"),
        ("ab\ncdefg", 7, "ab\nc…"),
        ("a first line that is long\nb\nc", 20, "a first line that…"),
        ("ab", 0, ""),
        ("ab", -5, ""),
    ],
)
def test_a_text_of_few_or_long_lines_is_cut_at_its_end(text: str, room: int, said: str) -> None:
    assert fit(PLAIN, text, room, utf8_bytes) == said


def test_a_block_of_code_keeps_its_end() -> None:
    fenced = ZULIP.code_block("\n".join(f"line {number}" for number in range(100)))
    element = HTML.code_block("\n".join(f"line {number}" for number in range(100)))

    assert fit(ZULIP, fenced, 100, utf8_bytes).endswith("\n```…")
    assert fit(HTML, element, 100, utf8_bytes).endswith("</pre>…")


@given(st.text(alphabet='aé🔴"\n&<`', max_size=200), st.integers(0, 120))
def test_it_always_fits(text: str, room: int) -> None:
    for markup in (PLAIN, HTML, ZULIP):
        for size in (utf8_bytes, utf16_units, json_bytes):
            assert size(fit(markup, markup.text(text), room, size)) <= room
