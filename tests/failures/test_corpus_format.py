"""The corpus is large enough, well formed, and no excerpt is another one in disguise."""

import re
from collections import Counter
from itertools import combinations

import pytest

from relay.failures.record import FailureClass
from tests.failures.excerpts import CORPUS, OWN, PASSING, Excerpt, read_all

EXCERPTS = read_all()
IN_FOLDER = Counter(excerpt.folder for excerpt in EXCERPTS)
FEWER = {FailureClass.UNKNOWN: 20}
STATUSES = {None, "failed", "timedout", "infrastructure_fail"}
OF_A_PASS = {None, "success"}
BYTES = 8 * 1024
SHINGLE = 4  # words
ALIKE = 0.4


def likeness(left: frozenset[tuple[str, ...]], right: frozenset[tuple[str, ...]]) -> float:
    """Shared shingles as a part of all that the two have."""
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def least_lines(excerpt: Excerpt) -> int:
    return 1 if excerpt.path.name.startswith(OWN) else 8


def names(excerpts: list[Excerpt]) -> list[str]:
    return [excerpt.name for excerpt in excerpts]


def shingles(excerpt: Excerpt) -> frozenset[tuple[str, ...]]:
    """Runs of words, numbers made alike."""
    words = re.sub(r"\d+", "0", "\n".join(excerpt.lines).lower()).split()
    return frozenset(zip(*(words[start:] for start in range(SHINGLE)), strict=False))


@pytest.mark.parametrize("failure_class", FailureClass)
def test_each_class_has_its_excerpts(failure_class: FailureClass) -> None:
    assert IN_FOLDER[failure_class] >= FEWER.get(failure_class, 30)


def test_there_are_a_hundred_passing_logs() -> None:
    assert IN_FOLDER[PASSING] >= 100


def test_every_folder_is_a_class_or_passing() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} == {*FailureClass, PASSING}


def test_every_status_is_one_that_circleci_gives_to_a_failure() -> None:
    assert {excerpt.status for excerpt in EXCERPTS if excerpt.folder != PASSING} <= STATUSES


def test_an_exit_code_belongs_to_a_step() -> None:
    assert names([each for each in EXCERPTS if each.exit_code is not None and each.step is None]) == []


def test_a_passing_log_has_no_exit_code_and_no_status_of_a_failure() -> None:
    passing = [each for each in EXCERPTS if each.folder == PASSING]

    assert names([each for each in passing if each.exit_code or each.status not in OF_A_PASS]) == []


def test_every_excerpt_has_8_to_60_lines() -> None:
    """Those that the author of the catalogue wrote may have fewer: they show a line, not a log."""
    assert names([each for each in EXCERPTS if not least_lines(each) <= len(each.lines) <= 60]) == []


def test_no_excerpt_is_longer_than_8_kib() -> None:
    assert names([each for each in EXCERPTS if each.path.stat().st_size > BYTES]) == []


def test_no_two_excerpts_are_nearly_equal() -> None:
    shingled = [(excerpt.name, shingles(excerpt)) for excerpt in EXCERPTS]

    alike = [
        (one, other)
        for (one, left), (other, right) in combinations(shingled, 2)
        if likeness(left, right) > ALIKE
    ]

    assert alike == []
