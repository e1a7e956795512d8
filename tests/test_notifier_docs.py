"""docs/notifiers.md tells of every type, its configurations load, and its pictures are what is sent."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.drawing.gallery import draw, pictures
from docs.drawing.page import ENVIRON, PAGE, PICTURES, configuration, notifier_in, sections, with_tables
from docs.drawing.painter import WIDTH
from docs.drawing.readers import reader_of
from docs.drawing.shapes import plain
from docs.drawing.story import event
from docs.drawing.wrapping import rows, seen
from relay import notifiers
from relay.model import Change, Status
from tests.notifiers.factories import make_filled, make_hostile_addresses
from tests.notifiers.strangers import HOSTILE

ROOT = Path(__file__).parents[1]
TYPES = sorted(notifiers.types())
TEXT = PAGE.read_text()
SECTIONS = sections(TEXT)
DRAWN = {"svg", "style", "rect", "text"}
SVG = "{http://www.w3.org/2000/svg}"
STRANGE = {
    "marks of all services": HOSTILE,
    "the end of everything": "</text></svg><script>alert(1)</script>]]>&\"'<![CDATA[ &bogus; --> <?xml?>",
    "what SVG cannot hold": "\x00\x08\x0b\ud800\ufffe\uffff\u202e\u2066\u200b\t end",
    "one endless word": "x" * 5000,
    "many lines": "line\n" * 300,
    "nothing": "",
}


def test_every_type_has_a_section() -> None:
    assert sorted(SECTIONS) == TYPES


def test_every_type_stands_in_the_first_table() -> None:
    assert sorted(re.findall(r"(?m)^\| \[(\w+)\]\(#\1\) \|", TEXT)) == TYPES


@pytest.mark.parametrize("kind", TYPES)
def test_the_configuration_of_a_section_sets_up_its_type(kind: str) -> None:
    assert notifier_in(SECTIONS[kind]).type == kind


@pytest.mark.parametrize("kind", TYPES)
def test_the_configuration_of_a_section_holds_no_secret(kind: str) -> None:
    """They come from the environment."""
    written = configuration(SECTIONS[kind])

    assert not any(value in written for value in ENVIRON.values() if len(value) > 8)
    assert set(re.findall(r"\$\{(\w+)\}", written)) <= set(ENVIRON)


@pytest.mark.parametrize("kind", TYPES)
def test_a_section_has_steps_a_table_a_picture_and_a_way_to_try_it(kind: str) -> None:
    section = SECTIONS[kind]

    assert "\n1. " in section
    assert f"<!-- options of {kind}: " in section
    assert re.search(rf"!\[.+\]\(pictures/{kind}\.svg\)", section)
    assert "`relay explain EVENT --payload " in section


def test_the_tables_are_up_to_date() -> None:
    assert with_tables(TEXT) == TEXT, "write them again: make docs"


def test_a_table_lists_what_only_this_type_has() -> None:
    assert "| `routing_key` | secret | required |" in SECTIONS["pagerduty"]
    assert "| `fallback` |" not in SECTIONS["pagerduty"]
    assert "| `fallback` |" in TEXT


def test_the_pictures_are_up_to_date() -> None:
    drawn = {path.stem: path.read_text() for path in PICTURES.iterdir()}

    assert pictures(TEXT) == drawn, "draw them again: make docs"


@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_needs_nothing_from_outside(kind: str) -> None:
    assert_stands_alone((PICTURES / f"{kind}.svg").read_text())


@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_shows_the_story(kind: str) -> None:
    shown = said_in((PICTURES / f"{kind}.svg").read_text())

    assert "api / build-and-deploy broke on" in shown


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_of_strange_text_is_still_one(kind: str, text: str) -> None:
    notifier = notifier_in(SECTIONS[kind])

    for strange in (make_filled(text, failed=3), make_hostile_addresses(text)):
        assert_stands_alone(draw(notifier, strange))


def test_a_type_that_nobody_drew_is_shown_as_json() -> None:
    picture = reader_of("semaphore")({"flags": 2})

    assert picture == reader_of("webhook")({"flags": 2})


def test_what_is_not_sent_is_said() -> None:
    passed = replace(event(), status=Status.SUCCESS, change=Change.NONE)

    picture = draw(notifier_in(SECTIONS["pagerduty"]), passed)

    assert said_in(picture) == "nothing is sent"


def test_a_long_line_is_broken_at_blanks() -> None:
    wrapped = rows((plain("one two "), plain("three", bold=True)), 60, 14)

    assert [[run.span.text for run in row] for row in wrapped] == [["one two"], ["three"]]


def test_what_nobody_sees_is_left_out() -> None:
    assert seen("a\u202eb\x00c\u200bd") == "abcd"


def assert_stands_alone(picture: str) -> None:
    """Well-formed, made of boxes and text, all of it inside, and nothing refers to anywhere."""
    root = ElementTree.fromstring(picture)
    high = float(root.attrib["height"])
    for shape in root.iter():
        assert shape.tag.removeprefix(SVG) in DRAWN
        assert not [name for name in shape.attrib if "href" in name or name.startswith("on")]
        assert "url(" not in "".join(shape.attrib.values())
        assert float(shape.get("x", 0)) + float(shape.get("textLength", 0)) <= WIDTH
        assert float(shape.get("y", 0)) <= high
    style = root.findtext(f"{SVG}style") or ""
    assert not re.search(r"url|@import|http", style)


def said_in(picture: str) -> str:
    texts = ElementTree.fromstring(picture).iter(f"{SVG}text")
    return " ".join(each.text or "" for each in texts)
