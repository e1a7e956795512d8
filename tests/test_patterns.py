"""Globs and regular expressions, one by one and many at once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.patterns import PatternError, PatternSet, Regex, glob_source, is_plain


@pytest.mark.parametrize(("glob", "plain"), [("main", True), ("a.b+", True), ("a*", False), ("a?", False)])
def test_globs_without_wildcards_are_plain(glob: str, plain: bool) -> None:
    assert is_plain(glob) is plain


def test_error_is_in_the_words_of_the_engine() -> None:
    with pytest.raises(PatternError, match=r"^missing \): \($"):
        Regex("(")


def test_empty_set_finds_nothing() -> None:
    assert list(PatternSet([]).candidates("main")) == []


def test_set_refuses_an_expression_that_cannot_be_read() -> None:
    with pytest.raises(PatternError):
        PatternSet(["^main$", "("])


def test_expressions_too_large_for_one_automaton_are_spread_over_several() -> None:
    sources = ["^main$", *[f"k{number}-[a-z]{{900}}" for number in range(998)], "^dev$"]

    patterns = PatternSet(sources)

    assert list(patterns.candidates("main")) == [0]
    assert list(patterns.candidates("k5-" + "a" * 900)) == [6]
    assert list(patterns.candidates("dev")) == [999]


def test_positions_count_on_over_many_automata() -> None:
    patterns = PatternSet([glob_source(f"team-{number}/*") for number in range(2500)])

    assert list(patterns.candidates("team-2468/x")) == [2468]


@settings(max_examples=50, deadline=None)
@given(globs=st.lists(st.text("ab*?", min_size=1, max_size=4), min_size=1), text=st.text("abc", max_size=4))
def test_set_finds_what_each_expression_finds(globs: list[str], text: str) -> None:
    sources = [glob_source(glob) for glob in globs]

    alone = [at for at, source in enumerate(sources) if Regex(source).found_in(text)]

    assert sorted(PatternSet(sources).candidates(text)) == alone
