"""The corpus: most logs get their class, and hardly any real break is taken for bad luck."""

from pathlib import Path

import pytest

from tests.failures.confusion import Confusion, confusion, with_table
from tests.failures.reading import corpus

PAGE = Path(__file__).parents[2] / "docs" / "failures.md"
RIGHT = 0.8  # share of all logs
RIGHT_IN_A_CLASS = 0.6  # of classes with enough logs to say so
ENOUGH = 10  # logs of a class
TAKEN_FOR_TRANSIENT = 0.05  # share of genuine failures: each is a break that is hidden for one run
FALSE_ALARMS = 0.1  # share of passing logs


@pytest.fixture(scope="module")
def found() -> Confusion:
    return confusion(corpus())


def test_most_logs_get_their_class(found: Confusion) -> None:
    assert found.share_right() >= RIGHT


def test_no_class_is_neglected(found: Confusion) -> None:
    shares = {name: found.right(name) / found.count(name) for name in found.expected()}

    assert {n: s for n, s in shares.items() if found.count(n) >= ENOUGH and s < RIGHT_IN_A_CLASS} == {}


def test_hardly_any_genuine_failure_is_taken_for_a_transient_one(found: Confusion) -> None:
    assert found.genuine_taken_for_transient() <= TAKEN_FOR_TRANSIENT * found.of_kind(genuine=True)


def test_hardly_any_passing_log_has_a_signature(found: Confusion) -> None:
    assert found.alarms <= FALSE_ALARMS * found.passing


def test_the_table_in_the_docs_is_the_one_of_today(found: Confusion) -> None:
    """`make docs` writes it."""
    page = PAGE.read_text(encoding="utf-8")

    assert with_table(page, found) == page
