"""What changes neither the class of a failure nor its fingerprint."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.failures import BadStep, Failure, recognise, shipped
from relay.failures.fingerprint import base_name
from relay.failures.loglines import LONGEST_LINE, MOST_CHARACTERS, MOST_LINES, lines_of
from tests.failures.reading import PASSING, Specimen, corpus

EXAMPLES = [
    "npm error network request to https://{host}/left-pad failed, reason: ETIMEDOUT 10.1.2.3:{number}",
    "fatal: unable to access 'https://{host}/api.git/': Could not resolve host: {host}",
    "{path}/total.ts({number},7): error TS2322: Type 'string' is not assignable to type 'number'.",
    "{path}/cart.py:{number}:1: F401 [*] `os` imported but unused",
    "write {path}/blob{number}: no space left on device",
    "unauthorized: authentication required by {host} after {number} ms",
    "ModuleNotFoundError: No module named 'cart' ({path}/x.py, try {number})",
]
QUIET = st.sampled_from(["fine", "+ make all", "compiling", "", "done in 2s", "  indented", "✓ adds up"])
NOISE = st.lists(QUIET, max_size=60)
HOSTS = st.sampled_from(["registry.acme.example", "mirror.example.com", "a.b.example.org", "10.0.0.7"])
PATHS = st.sampled_from(["src", "/home/circleci/project/src", "packages/cart/src/main", "./lib"])
NUMBERS = st.integers(0, 10**6)
TIMESTAMPS = st.sampled_from(["", "2026-11-23T12:00:01.123456Z ", "[12:00:01] ", "2026-11-23 12:00:01,123 "])
COLOURS = st.sampled_from([("", ""), ("\x1b[31m", "\x1b[0m"), ("\x1b[1;33m\x1b]0;title\x07", "\x1b(B")])


def failure_of(log: str) -> Failure:
    return recognise([BadStep(name="Run", exit_code=1, log=log)], catalogue=shipped(), job="unit")


@pytest.mark.parametrize("line", EXAMPLES)
@given(
    before=NOISE,
    after=NOISE,
    host=HOSTS,
    path=PATHS,
    number=NUMBERS,
    timestamp=TIMESTAMPS,
    colour=COLOURS,
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=25, deadline=None)
def test_what_differs_between_two_runs_changes_nothing(
    line: str,
    before: list[str],
    after: list[str],
    host: str,
    path: str,
    number: int,
    timestamp: str,
    colour: tuple[str, str],
    end: str,
) -> None:
    plain = failure_of(line.format(host="one.example", path="lib", number=1))
    said = line.format(host=host, path=path, number=number)
    lines = [*before, colour[0] + said + colour[1], *after]

    other = failure_of(end.join(timestamp + each for each in lines))

    assert plain.failure_class != "unknown"
    assert (other.failure_class, other.fingerprint) == (plain.failure_class, plain.fingerprint)


FAILED = [each for each in corpus() if each.expected != PASSING]


@pytest.mark.parametrize("specimen", FAILED, ids=lambda each: each.name)
def test_noise_changes_nothing_of_the_corpus(specimen: Specimen) -> None:
    plain = specimen.recognised()
    lines = [f"\x1b[2m2026-11-23T12:00:01Z \x1b[0m{line}" for line in specimen.log.split("\n")]
    noisy = Specimen(
        name=specimen.name,
        expected=specimen.expected,
        head=specimen.head,
        log="\n".join(["fine"] * 70 + lines + ["fine"] * 7),
    )

    other = noisy.recognised()

    assert other.failure_class == plain.failure_class
    assert plain.failure_class == "unknown" or other.fingerprint == plain.fingerprint


@given(st.text(max_size=3_000))
@settings(max_examples=100, deadline=None)
def test_no_text_is_too_odd(log: str) -> None:
    failure = failure_of(log)

    assert len(failure.fingerprint) == 16


@given(st.text(alphabet="ab\x1b[1m\r\n :2", max_size=2_000), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_what_is_looked_at_is_bounded(log: str, times: int) -> None:
    lines = lines_of(log * times)

    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= LONGEST_LINE
    assert sum(map(len, lines)) <= MOST_CHARACTERS


def test_of_a_long_log_the_end_counts() -> None:
    early = "no space left on device\n" + "fine\n" * MOST_LINES
    late = "fine\n" * MOST_LINES + "no space left on device\n"

    assert (failure_of(early).failure_class, failure_of(late).failure_class) == ("unknown", "disk")


def test_what_was_written_over_is_gone() -> None:
    assert lines_of("10%\r50%\rdone\nnext\r\n") == ("done", "next")


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("2026-11-23T12:00:01.5Z error", "error"),
        ("[2026-11-23 12:00:01 +0000] error", "error"),
        ("Nov 23 12:00:01 error", "error"),
        ("12:00:01 error", "error"),
        ("2026-11-23T12:00:01Z [12:00:01] error", "error"),
        ("12:34 error", "12:34 error"),
        ("2026-11-23 is a day", "2026-11-23 is a day"),
    ],
)
def test_a_timestamp_at_the_beginning_is_left_out(written: str, line: str) -> None:
    assert lines_of(written) == (line,)


@pytest.mark.parametrize(
    ("job", "base"),
    [
        ("e2e", "e2e"),
        ("e2e (3)", "e2e"),
        ("e2e 3/8", "e2e"),
        ("e2e-3 of 8", "e2e"),
        ("e2e-shard-3", "e2e"),
        ("e2e_part_2", "e2e"),
        ("e2e [2]", "e2e"),
        ("test-3.11", "test-3.11"),
        ("node-18", "node-18"),
        ("(3)", "(3)"),
    ],
)
def test_the_parts_of_a_job_are_one(job: str, base: str) -> None:
    assert base_name(job) == base


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.ts(1,2): error TS2345: no", "a.ts(1,2): error TS2322: no"),
        ("a.go:1:2: undefined: Total", "a.go:1:2: undefined: Cart"),
        ("ModuleNotFoundError: No module named 'cart'", "ModuleNotFoundError: No module named 'door'"),
    ],
)
def test_different_breaks_have_different_fingerprints(one: str, other: str) -> None:
    assert failure_of(one).fingerprint != failure_of(other).fingerprint


def test_failing_tests_are_part_of_the_fingerprint() -> None:
    step = BadStep(name="Run", exit_code=1, log="E   assert 3 == 4")

    one, same, other = (
        recognise([step], catalogue=shipped(), tests=tests).fingerprint
        for tests in (["a", "b"], ["b", "a"], ["a", "c"])
    )

    assert one == same != other
