"""What commands print: readable, exact, harmless."""

import json
from datetime import timedelta

import pytest
from rich.text import Text

from relay.cli.output import ago, aligned, count, json_text, masked, pairs, print_table, short, visible
from relay.secret import Masker
from tests.factories import NOON


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7_200, "2 h ago"), (200_000, "2 d ago")],
)
def test_times_gone_by_are_told_roughly(seconds: int, said: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == said


def test_times_to_come_are_told_roughly() -> None:
    assert ago(NOON + timedelta(seconds=20), NOON) == "in 20 s"


def test_json_for_reading_holds_nothing_a_terminal_obeys() -> None:
    value = {"branch": "\x1b[2J\x9b\u202e🔴\n"}

    text = json_text(value)

    assert json.loads(text) == value
    assert text == '{\n  "branch": "\\u001b[2J\\u009b\\u202e🔴\\n"\n}'


def test_characters_beyond_the_basic_plane_are_escaped_as_json_wants() -> None:
    tag = "\U000e0041"  # an invisible tag letter

    assert json.loads(json_text(tag)) == tag
    assert tag not in json_text(tag)


def test_control_characters_become_a_mark() -> None:
    assert (
        visible("a\x1b[31mb\r\nc")
        == "a\N{REPLACEMENT CHARACTER}[31mb" + 2 * "\N{REPLACEMENT CHARACTER}" + "c"
    )


def test_secrets_are_masked_in_values_and_keys() -> None:
    value = {"hunter22": ["x hunter22 y", 1, None]}

    assert masked(value, Masker(["hunter22"])) == {"***": ["x *** y", 1, None]}


def test_columns_stand_below_each_other_whatever_the_width_of_their_letters() -> None:
    rows = [[Text("id"), Text("title")], [Text("🔴"), Text("red")], [Text("日本語"), Text("wide")]]

    assert [line.plain for line in aligned(rows)] == ["id      title", "🔴      red", "日本語  wide"]


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id",), (), empty="no events")

    assert capsys.readouterr().out == "no events\n"


def test_a_table_that_goes_into_a_file_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "title"), [("1", "x" * 500)], empty="")

    assert capsys.readouterr().out == f"id  title\n1   {'x' * 500}\n"


def test_pairs_leave_out_what_is_empty() -> None:
    assert pairs({"revision": "0001", "error": None, "dead": 0}) == "revision  0001\ndead      0"


def test_counts_agree_with_their_noun() -> None:
    assert (count(1, "route"), count(0, "route"), count(1284, "event")) == (
        "1 route",
        "0 routes",
        "1,284 events",
    )


def test_the_end_of_an_id_is_shown() -> None:
    assert short("01m850qy7ht8v3xwh84krq7jra") == "4krq7jra"
