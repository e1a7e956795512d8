"""The short words of retry rules, and where their faults stand in what was written."""

from typing import Any

import pytest

from relay.policy.vocabulary import spelt_out, written_path
from relay.routing import check_match


def test_short_words_are_spelt_out() -> None:
    assert spelt_out({"class": "net", "failed_step": "/test/", "branch": "main"}) == {
        "failure.class": "net",
        "failure.step": "/test/",
        "branch": "main",
    }


def test_tests_and_history_may_be_written_with_their_fields_inside() -> None:
    assert spelt_out({"tests": {"known_flaky": "all"}, "history": {"rho": ">= 0.5"}}) == {
        "failure.known_flaky": "all",
        "history.rho": ">= 0.5",
    }


def test_a_block_needs_no_list_around_a_single_match() -> None:
    assert spelt_out({"not": {"class": "net"}}) == {"not": [{"failure.class": "net"}]}


def test_no_failed_step_is_a_condition_too() -> None:
    assert spelt_out({"any": [{"steps": "none"}]}) == {"any": [{"failure.step": "!*"}]}


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ({"clas": "net"}, ("clas",)),
        ({"class": []}, ("class",)),
        ({"tests": {"known": "all"}}, ("tests", "known")),
        ({"tests": {"count": "> x"}}, ("tests", "count")),
        ({"history.rho": "> x"}, ("history.rho",)),
        ({"not": {"class": "/(/"}}, ("not", "class")),
        ({"any": [{"branch": "main"}, {"job": "/(/"}]}, ("any", 1, "job")),
    ],
)
def test_a_fault_is_told_where_it_was_written(when: dict[str, Any], place: tuple[str | int, ...]) -> None:
    (fault,) = check_match(spelt_out(when))
    assert written_path(fault.path, when) == place
