"""YAML becomes a tree that knows its places, and refuses what surprises."""

from typing import Any

import pytest
import yaml

from relay.config import loader
from relay.config.tree import Position, find, plain

PARSERS = [
    pytest.param(yaml.CSafeLoader, id="C"),
    pytest.param(yaml.SafeLoader, id="Python"),
]


def read(text: str, parser: Any = loader.PARSER) -> Any:
    node, faults = loader.read(text, "relay.yaml", parser)
    assert faults == ()
    assert node is not None
    return node


def problems(text: str, parser: Any = loader.PARSER) -> list[str]:
    return [str(fault).removeprefix("relay.yaml:") for fault in loader.read(text, "relay.yaml", parser)[1]]


@pytest.mark.parametrize("parser", PARSERS)
def test_values_and_keys_know_where_they_are(parser: Any) -> None:
    node = read("a:\n  - é: [x, {bü: y}]\n", parser)

    deepest = find(node, ("a", 0, "é", 1, "bü"))

    assert deepest is not None
    assert (deepest.value, deepest.key_at, deepest.at) == (
        "y",
        Position(line=2, column=13),
        Position(line=2, column=17),
    )


@pytest.mark.parametrize("parser", PARSERS)
def test_a_file_that_begins_with_a_byte_order_mark_is_read(parser: Any) -> None:
    assert plain(read("\ufeffa: 1\n", parser)) == {"a": 1}


def test_quoted_scalars_are_always_text() -> None:
    assert plain(read("""{a: "true", b: '7', c: "", d: |\n  7\n}""".replace("d: |\n  7\n", "d: '~'"))) == {
        "a": "true",
        "b": "7",
        "c": "",
        "d": "~",
    }


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert plain(read("# nothing yet\n")) == {}


def test_words_of_yaml_1_1_may_be_keys() -> None:
    assert plain(read("on: 1\nno: 2\n22:00: 3\n")) == {"on": 1, "no": 2, "22:00": 3}


def test_all_faults_of_the_writing_are_told_at_once() -> None:
    assert problems("a: 1\na: 2\nb: *c\nd: &e 1\n3: x\n") == [
        "2:1 a: written twice; the first is at line 1, column 1",
        "3:4 b: aliases are not allowed; repeat the value, or if it is meant as text,"
        ' write it in quotes: "*c"',
        '4:4 d: anchors are not allowed; remove it, or if it is meant as text, write it in quotes: "&e"',
        '5:1 3: a key must be text; write "3" in quotes',
    ]


def test_explicit_tags_are_refused_on_every_kind_of_value() -> None:
    found = problems("a: !!python/object:os.system x\nb: !set {c: 1}\nd: !!str 7\ne: ! 7\n")

    assert [problem.split(" ")[0] for problem in found] == ["1:4", "2:4", "3:4", "4:4"]
    assert all("tags are not allowed" in problem for problem in found)


def test_an_explosion_of_aliases_stays_small() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for old, new in zip("abcdefg", "bcdefgh", strict=True):
        lines.append(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]")

    node, faults = loader.read("\n".join(lines), "relay.yaml")

    assert len(faults) == 8 + 7 * 9
    assert node is not None


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("unit", ["[", "{a: ", "- "], ids=["list", "mapping", "block"])
def test_bottomless_nesting_is_refused(unit: str, parser: Any) -> None:
    found = problems(unit * 100_000, parser)

    assert len(found) == 1
    assert found[0].endswith("nested more than 40 levels deep")


def test_nesting_within_the_limit_is_read() -> None:
    assert read("[" * 40 + "]" * 40)


def test_a_file_over_the_limit_is_refused_unread() -> None:
    assert problems("a: " + "x" * loader.MAX_SIZE) == ["1:1 the file is larger than 1024 KiB"]


def test_a_file_just_within_the_limit_is_read() -> None:
    assert read("a: " + "x" * (loader.MAX_SIZE - 3))


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n\tb: 1\n", "2:1 a tab; indent with spaces"),
        ("a: @b\n", "1:4 a value cannot begin with '@'; write it in quotes"),
        ("a: %b\n", "1:4 a value cannot begin with '%'; write it in quotes"),
        ("a: `b`\n", "1:4 a value cannot begin with '`'; write it in quotes"),
        ("a: [*, b]\n", "1:5 a value cannot begin with '*'; write it in quotes"),
        ('a: "b\n', "1:4 this quote is never closed"),
        (
            "a: b: c\n",
            "1:5 a colon is not expected here; write a value with a colon in quotes,"
            " and check the indentation",
        ),
        ("a:\n  - b\n c: d\n", "3:2 the indentation does not fit the lines above"),
        ("a: \x07\n", "1:4 an unprintable character; remove it"),
        ("a: 1\n---\nb: 2\n", "2:1 a second document starts here; one file holds one"),
    ],
)
def test_syntax_errors_say_where_and_how_to_mend(text: str, problem: str, parser: Any) -> None:
    assert problems(text, parser) == [problem]


def test_an_exclamation_mark_needs_quotes() -> None:
    assert problems("a: [b, !c]\n") == ["1:8 a value cannot begin with '!'; write it in quotes"]


def test_signs_made_of_several_characters_are_read() -> None:
    assert plain(read("a: 👩‍🚀 über\n")) == {"a": "👩‍🚀 über"}


def test_a_lone_surrogate_is_refused() -> None:
    assert problems("a: \ud800\n") == ["1:4 an unprintable character; remove it"]


@pytest.mark.parametrize(
    "text", ["a: [b", "a: {b: 1", "key\nother: 1\n", "{a: 1}}", "%YAML 9.9\n---\na: 1\n", "a: b\n- c\n"]
)
def test_broken_files_give_one_fault_and_no_traceback(text: str) -> None:
    assert len(problems(text)) == 1
