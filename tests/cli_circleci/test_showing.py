"""The pieces of what is shown: widths, colours, sizes."""

import click
import pytest
from rich.text import Text

from relay.cli.circleci import sizes
from relay.cli.circleci.showing import fitted, status, took

ROW = ("123", "failed", "a subject that takes more room than there is", "Alice Archer")


def test_a_table_gives_up_the_room_of_its_widest_column() -> None:
    shown = fitted([[Text(cell) for cell in ROW]], 50)

    assert [cell.plain for cell in shown[0]] == ["123", "failed", "a subject that takes m…", "Alice Archer"]


def test_a_table_that_fits_stays_whole() -> None:
    shown = fitted([[Text(cell) for cell in ROW]], 100)

    assert tuple(cell.plain for cell in shown[0]) == ROW


def test_a_first_column_is_never_shortened() -> None:
    shown = fitted([[Text("x" * 90), Text("y" * 90)]], 20)

    assert [cell.plain for cell in shown[0]] == ["x" * 90, "yyyyyyy…"]


@pytest.mark.parametrize(
    ("word", "style"),
    [("fixed", "green"), ("failing", "red"), ("on_hold", "yellow"), ("running", "cyan"), ("odd", "")],
)
def test_a_status_has_the_colour_circleci_gives_it(word: str, style: str) -> None:
    assert (status(word).plain, status(word).style) == (word, style)


@pytest.mark.parametrize(("seconds", "said"), [(None, ""), (-1.0, ""), (0.25, "0.2s"), (3725.0, "1h 2m")])
def test_durations_are_said_shortly(seconds: float | None, said: str) -> None:
    assert took(seconds) == said


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500", 500),
        ("1kB", 1000),
        ("1.5 GiB", 1610612736),
        ("200MB", 200_000_000),
        ("2k", 2000),
        ("3mib", 3145728),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "much", "1TB", "1e9", "9" * 40])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        sizes.parse(text)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes_are_said(size: float, said: str) -> None:
    assert sizes.spell(size) == said
