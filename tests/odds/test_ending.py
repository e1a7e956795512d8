"""The verdict after, and the words for it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.failures.record import FailureClass
from relay.odds.attempts import Attempt
from relay.odds.ending import NOUNS, Broken, Ending, Outage, Verdict, conclude
from relay.odds.known import Flakiness
from tests.factories import NOON
from tests.odds.making import GREEN, OTHER, RED, attempt

FIRST = attempt(RED)
AGAIN = attempt(RED, minutes=20)
PASS = attempt(GREEN, minutes=20)
ELSEHOW = attempt(RED, minutes=20, fingerprint=OTHER)
KNOWN = Flakiness(flakes=6, clean=172, known=True)
BROKEN = Broken(branch="main", first_bad="a1b2c3d4e5f6", last_good="9f8e7d6c5b4a")
OUTAGE = Outage(builds=7, signature="docker.rate_limit", since=NOON)


def ended(*attempts: Attempt, **changes: Any) -> tuple[Verdict, str]:
    """The verdict and words for a network failure that nothing more is known of."""
    fields: dict[str, Any] = {
        "failure_class": FailureClass.NET,
        "attempts": attempts,
        "p_transient": 0.5,
        "is_final": True,
    }
    found = conclude(Ending(**(fields | changes)))
    return found.verdict, found.words


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, Verdict.INFRASTRUCTURE, "recovered; not your change"),
        (
            {"evidence": "read: Connection reset by peer"},
            Verdict.INFRASTRUCTURE,
            "recovered; not your change; read: Connection reset by peer",
        ),
        (
            {"failure_class": FailureClass.FLAKY, "known_flaky": KNOWN},
            Verdict.FLAKY,
            "passed on retry; flaked on 6 of 178 commits (1.6-7.2 %)",
        ),
        (
            {"failure_class": FailureClass.FLAKY},
            Verdict.FLAKY,
            "passed on retry; it was not known to be flaky",
        ),
        (
            {"failure_class": FailureClass.TEST, "known_flaky": KNOWN},
            Verdict.FLAKY,
            "passed on retry; flaked on 6 of 178 commits (1.6-7.2 %)",
        ),
        (
            {"failure_class": FailureClass.TEST},
            Verdict.RECOVERED,
            "passed on retry; we do not know why, since it failed with a failing test",
        ),
        (
            {"failure_class": FailureClass.UNKNOWN},
            Verdict.RECOVERED,
            "passed on retry; we do not know why",
        ),
        (
            {"failure_class": FailureClass.COMPILE},
            Verdict.RECOVERED,
            "passed on retry; we do not know why, since it failed with a compiler error",
        ),
    ],
    ids=["network", "evidence", "flaky", "new flake", "known tests", "a test", "unknown", "compiler"],
)
def test_what_passed_on_retry_is_told_by_its_class(
    changes: dict[str, Any], verdict: Verdict, words: str
) -> None:
    assert ended(FIRST, PASS, **changes) == (verdict, words)


@pytest.mark.parametrize(
    ("attempts", "changes", "verdict", "words"),
    [
        ((FIRST, AGAIN), {"p_transient": 0.3}, Verdict.GENUINE, "fails the same way 2 times"),
        (
            (FIRST,),
            {"p_transient": 0.098},
            Verdict.GENUINE,
            "a retry would not help: transient with 9.8 % only",
        ),
        (
            (FIRST, AGAIN),
            {"failed_twice": True},
            Verdict.GENUINE,
            "fails the same way on two pushes in a row",
        ),
        (
            (FIRST,),
            {"broken": BROKEN},
            Verdict.BROKEN_BRANCH,
            "broken on main since a1b2c3d; the last good commit is 9f8e7d6",
        ),
        (
            (FIRST,),
            {"broken": replace(BROKEN, inherited=True)},
            Verdict.BROKEN_BRANCH,
            "broken on main since a1b2c3d; your change is not tested",
        ),
        (
            (FIRST,),
            {"broken": BROKEN, "outage": OUTAGE},
            Verdict.OUTAGE,
            "7 builds hit docker.rate_limit since 2026-11-23 12:00 UTC; retries paused",
        ),
        (
            (FIRST, AGAIN),
            {"p_transient": 0.46},
            Verdict.UNKNOWN,
            "failed 2 times with network errors; perhaps an outage",
        ),
        ((FIRST,), {}, Verdict.UNKNOWN, "failed with network errors"),
        (
            (FIRST, AGAIN),
            {"p_transient": 0.2, "is_final": False},
            Verdict.UNKNOWN,
            "failed 2 times with network errors; perhaps an outage",
        ),
        (
            (FIRST, ELSEHOW),
            {"p_transient": 0.01},
            Verdict.UNKNOWN,
            "failed 2 times, not always in the same way; unstable",
        ),
        (
            (FIRST,),
            {"failure_class": FailureClass.UNKNOWN},
            Verdict.UNKNOWN,
            "not recognised; name the signature",
        ),
        (
            (FIRST,),
            {"failure_class": FailureClass.TEST, "known_flaky": KNOWN},
            Verdict.UNKNOWN,
            "failed; a flaky test is suspected, but it has not passed on this commit",
        ),
    ],
    ids=[
        "alike",
        "genuine at once",
        "two pushes",
        "broken",
        "inherited",
        "outage first",
        "not settled",
        "once",
        "not final",
        "differently",
        "unrecognised",
        "suspected",
    ],
)
def test_what_never_passed_is_told_by_the_odds(
    attempts: tuple[Attempt, ...], changes: dict[str, Any], verdict: Verdict, words: str
) -> None:
    assert ended(*attempts, **changes) == (verdict, words)


@pytest.mark.parametrize(
    "passed",
    [
        attempt(GREEN, minutes=20, commit="b2"),
        attempt(GREEN, minutes=20, epoch="2"),
        attempt(GREEN, minutes=20, signal="acme/web/build/lint"),
        attempt(GREEN, minutes=-20),
    ],
    ids=["another commit", "other settings", "another job", "before"],
)
def test_a_pass_of_anything_else_recovers_nothing(passed: Attempt) -> None:
    assert ended(FIRST, passed)[0] is Verdict.UNKNOWN


def test_a_pass_speaks_even_when_the_branch_is_broken() -> None:
    assert ended(FIRST, PASS, broken=BROKEN)[0] is Verdict.INFRASTRUCTURE


@given(
    st.sampled_from(FailureClass),
    st.lists(st.sampled_from([AGAIN, ELSEHOW]), max_size=3),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from([None, KNOWN]),
)
def test_nothing_that_never_passed_is_called_flaky_or_recovered(
    failure_class: FailureClass, more: list[Attempt], p: float, is_final: bool, known: Flakiness | None
) -> None:
    verdict, words = ended(
        FIRST, *more, failure_class=failure_class, p_transient=p, is_final=is_final, known_flaky=known
    )

    assert verdict in (Verdict.GENUINE, Verdict.UNKNOWN)
    assert "flaky" not in words or "suspected" in words


def test_lines_of_strangers_are_kept_short_and_on_one_line() -> None:
    words = ended(FIRST, PASS, evidence="a\n\x1b[31mb\u202e\t" + "x" * 500)[1]

    assert words == "recovered; not your change; a [31mb " + "x" * 192


def test_where_nothing_failed_there_is_nothing_to_conclude() -> None:
    with pytest.raises(ValueError, match="no attempt failed"):
        ended(PASS)


def test_every_class_has_a_noun() -> None:
    assert set(NOUNS) == set(FailureClass)
