"""The shipped catalogue and what is said of other people's expressions."""

import zipfile
from pathlib import Path

import pytest

from relay.failures import FailureClass, is_genuine, shipped
from relay.failures.lacking import problem_with
from relay.failures.signature import LEAST_LR, MOST_LR

ALL = tuple(shipped().signatures.values())


def test_every_class_but_unknown_has_signatures_and_expects_something_of_retries() -> None:
    assert {each.failure_class for each in ALL} == set(FailureClass) - {"unknown"}
    assert all(shipped().passes(each) > 0 for each in FailureClass)


@pytest.mark.parametrize("signature", ALL, ids=lambda each: each.id)
def test_a_shipped_signature_keeps_to_the_rules_for_own_ones(signature: object) -> None:
    each = shipped().signatures[getattr(signature, "id", "")]

    assert problem_with(each.pattern) is None
    assert each.excluded is None or problem_with(each.excluded) is None
    assert each.failure_class == "cancel" or LEAST_LR <= each.lr <= MOST_LR
    assert each.lr <= 1 if is_genuine(each.failure_class) or each.failure_class == "cancel" else each.lr >= 1


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("device offline", None),
        ("", "the expression is empty, so every line would match; write what must stand in the line"),
        ("a(?=b)", "RE2 has no look-ahead (?=…); write the words themselves, they need not be left out"),
        (
            "(?<!a)b",
            "RE2 has no negative look-behind (?<!…); write what must not be in the line as `not:`",
        ),
        (r"(a)\1", "RE2 has no back-references; write the text out twice, or leave the second out"),
        (r"a\Z", r"RE2 has no \Z; write \z or $"),
        ("a(b", "RE2 cannot read this expression: missing ): a(b"),
        ("x*", "it matches an empty line, so every line would match; ask for at least one word"),
        ("x" * 2001, "longer than 2000 characters; write several signatures"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said_with_the_remedy(pattern: str, problem: str | None) -> None:
    assert problem_with(pattern) == problem


def test_the_catalogue_is_in_the_wheel(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(Path(__file__).parents[2])).build(
        directory=str(tmp_path), versions=["standard"]
    )

    with zipfile.ZipFile(wheel) as archive:
        assert "relay/failures/signatures.yaml" in archive.namelist()
