"""Placeholders become values, and values never become YAML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from relay.config import loader
from relay.config.substitution import Substituted, substitute
from relay.config.tree import plain


def substituted(text: str, environ: Mapping[str, str] | None = None) -> Substituted:
    node, faults = loader.read(text, "relay.yaml")
    assert node is not None
    assert faults == ()
    return substitute(node, environ or {}, "relay.yaml")


def values(text: str, environ: Mapping[str, str] | None = None) -> Any:
    found = substituted(text, environ)
    assert found.faults == ()
    return plain(found.node)


def problems(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    return [str(fault).removeprefix("relay.yaml:") for fault in substituted(text, environ).faults]


def test_a_variable_is_put_in_place() -> None:
    assert values('a: "x ${ONE} y ${TWO}"', {"ONE": "1", "TWO": "2"}) == {"a": "x 1 y 2"}


def test_a_value_stays_text_whatever_it_looks_like() -> None:
    environ = {"A": "7", "B": "true", "C": "[x]", "D": "q: 1\nz: 2", "E": "${A}"}

    assert values('{a: "${A}", b: "${B}", c: "${C}", d: "${D}", e: "${E}"}', environ) == {
        "a": "7",
        "b": "true",
        "c": "[x]",
        "d": "q: 1\nz: 2",
        "e": "${A}",
    }


def test_a_default_stands_in_for_what_is_missing_or_empty() -> None:
    assert values('["${A:-x:y}", "${B:-}z", "${A:-${}"]', {"B": ""}) == ["x:y", "z", "${"]


def test_a_doubled_dollar_writes_a_plain_placeholder() -> None:
    assert values('a: "$${HOME} costs 5$"', {"HOME": "no"}) == {"a": "${HOME} costs 5$"}


def test_keys_are_left_alone() -> None:
    assert values('"${A}": b', {"A": "x"}) == {"${A}": "b"}


def test_items_that_come_out_empty_are_dropped() -> None:
    assert values('["${A:-}", "", "${B:-}", c]', {"B": "b"}) == ["", "b", "c"]


def test_a_file_is_read_without_its_last_line_break(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\ntwo\n")

    assert values(f"a: ${{file:{secret}}}") == {"a": "one\ntwo"}


@pytest.mark.parametrize("inside", ["", "A-b", "1A", "A B", " A", "A:b", "file;", "A:="])
def test_placeholders_that_mean_nothing_are_refused(inside: str) -> None:
    assert problems(f'a: "${{{inside}}}"', {"A": "x"}) == [
        "1:4 a: cannot read ${…}; write ${NAME}, ${NAME:-default}, ${file:/path}, or $${ for a plain ${"
    ]


def test_every_missing_variable_is_told() -> None:
    assert problems('a: "${A}"\nb: ["${B}"]', {"B": ""}) == [
        "1:4 a: environment variable A is not set; set it, or write ${A:-} to allow empty",
        "2:5 b[0]: environment variable B is empty; set it, or write ${B:-} to allow empty",
    ]


def test_files_that_cannot_be_a_secret_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_text("x" * 70_000)
    names = ["missing", "empty", "binary", "large", "."]

    found = problems("\n".join(f"- ${{file:{tmp_path}/{name}}}" for name in names))

    assert [problem.partition(": ")[2].replace(str(tmp_path), "") for problem in found] == [
        "cannot read /missing: No such file or directory; create the file and let the relay read it",
        "/empty is empty; write the value into it",
        "cannot read /binary: it is not UTF-8 text; create the file and let the relay read it",
        "cannot read /large: larger than 64 KiB",
        "cannot read /.: Is a directory; create the file and let the relay read it",
    ]


def test_values_from_outside_are_collected_and_defaults_are_not(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-file")

    found = substituted(
        f'["${{A}}", "${{B:-default}}", "${{file:{tmp_path}/secret}}"]', {"A": "from-environment"}
    )

    assert found.values == {"from-environment", "from-file"}


def test_the_password_of_an_address_is_collected_by_itself() -> None:
    found = substituted("a: ${URL}", {"URL": "smtp://ci:p%40ss@mail.example.com"})

    assert found.values == {"smtp://ci:p%40ss@mail.example.com", "p%40ss", "p@ss"}
