"""Artifacts are chosen, kept safely and within limits, and read for what people want to know."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pydantic import ValidationError

from relay.actions.artifacts import Artifacts
from relay.actions.parts.globs import chooser
from relay.actions.parts.reports import Counts, counts_in, coverage_in
from relay.errors import DeliveryError
from tests.actions.conftest import Bench, about, about_build
from tests.factories import make_event
from tests.fakes.circleci_server import page

JUNIT = b'<testsuites><testsuite name="a" tests="3" failures="1"></testsuite></testsuites>'


def into(folder: Path, **options: Any) -> Artifacts:
    return Artifacts.model_validate({"store": str(folder), **options})


@pytest.fixture
def number(bench: Bench) -> int:
    bench.server.world.add_build(bench.project, 7)
    for path, content in (
        ("reports/unit/junit.xml", JUNIT),
        ("coverage/coverage-summary.json", b'{"total": {"lines": {"pct": 83.4}}}'),
        ("screens/door.png", b"png"),
    ):
        bench.server.world.add_artifact(bench.project, 7, path, content)
    return 7


def test_what_is_meant_is_kept(bench: Bench, number: int, tmp_path: Path) -> None:
    answer = bench.do(into(tmp_path, include=["reports/**/*.xml"]), about_build(number))

    kept = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert "reports/unit/junit.xml" in kept
    assert "screens/door.png" not in kept
    assert answer.excerpt == f"kept 1 file, {len(JUNIT)} bytes, in {tmp_path}"


def test_links_and_numbers_become_notes(bench: Bench, number: int, tmp_path: Path) -> None:
    bench.do(into(tmp_path, exclude="screens/**"), about_build(number))

    assert [link["path"] for link in bench.notes["artifacts"]] == [
        "reports/unit/junit.xml",
        "coverage/coverage-summary.json",
    ]
    assert bench.notes["coverage"] == 83.4
    assert bench.notes["tests"] == {"tests": 3, "failures": 1, "errors": 0, "skipped": 0}


def test_without_a_place_to_keep_them_links_and_numbers_remain(bench: Bench, number: int) -> None:
    answer = bench.do(Artifacts(store=None), about_build(number))

    assert answer.excerpt == "listed 3 files"
    assert (bench.notes["coverage"], len(bench.notes["artifacts"])) == (83.4, 3)


def test_of_a_workflow_those_of_all_its_jobs(bench: Bench, tmp_path: Path) -> None:
    workflow = bench.workflow()
    for number in (7, 8):
        bench.server.world.add_build_in_workflow(bench.project, workflow, number)
        bench.server.world.add_artifact(bench.project, number, "junit.xml", JUNIT)

    bench.do(into(tmp_path / "kept"), about(workflow))

    kept = sorted(str(path.relative_to(tmp_path / "kept")) for path in (tmp_path / "kept").rglob("*.xml"))
    assert kept == ["7/junit.xml", "8/junit.xml"]
    assert bench.notes["tests"]["tests"] == 6


def test_the_folder_is_made_of_the_event_and_leads_nowhere_else(
    bench: Bench, number: int, tmp_path: Path
) -> None:
    action = Artifacts(store=f"{tmp_path}/kept/{{{{ branch }}}}", include=("reports/**",))

    bench.do(action, about_build(number, branch="../../etc/x"))

    (file,) = tmp_path.rglob("junit.xml")
    assert file.is_relative_to(tmp_path / "kept")


def test_no_more_files_than_allowed(bench: Bench, number: int, tmp_path: Path) -> None:
    answer = bench.do(into(tmp_path / "kept", limit={"files": 2}), about_build(number))

    assert answer.excerpt.startswith("kept 2 files")


def test_no_more_bytes_than_allowed(bench: Bench, number: int, tmp_path: Path) -> None:
    answer = bench.do(into(tmp_path / "kept", limit={"size": "60B"}), about_build(number))

    assert answer.excerpt.startswith(f"kept 2 files, 38 bytes, in {tmp_path}/kept; left 1: reports/unit/jun")


def test_none_is_no_failure(bench: Bench, tmp_path: Path) -> None:
    bench.server.world.add_build(bench.project, 9)

    assert bench.do(into(tmp_path), about_build(9)).excerpt == f"kept 0 files, 0 bytes, in {tmp_path}"


def test_trouble_at_circleci_is_tried_again(bench: Bench, number: int, tmp_path: Path) -> None:
    bench.server.script("GET", "/artifacts", page(503), times=9)

    with pytest.raises(DeliveryError) as caught:
        bench.do(into(tmp_path), about_build(number))
    assert not caught.value.permanent


def test_it_says_what_it_would_do() -> None:
    assert Artifacts().would(make_event()) == "would fetch up to 50 files, 50 MB"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"limit": {"size": "a lot"}}, "wanted a size"),
        ({"limit": {"files": 0}}, "greater than or equal to 1"),
        ({"store": "kept/{{ brnch }}"}, "did you mean branch"),
        ({"store": " "}, "wanted a folder"),
    ],
)
def test_options_that_cannot_be_meant_are_faults(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Artifacts.model_validate(options)


@pytest.fixture
def memory() -> Iterator[Any]:
    """What fsspec keeps in memory, empty before and after."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_files_are_uploaded_below_an_address(bench: Bench, number: int, memory: Any) -> None:
    action = Artifacts(store="memory://kept/{{ project.slug }}/{{ number }}", include=("reports/**",))

    answer = bench.do(action, about_build(number))

    assert memory.cat("/kept/gh/acme/api/7/reports/unit/junit.xml") == JUNIT
    assert memory.find("/") == ["/kept/gh/acme/api/7/reports/unit/junit.xml"]
    assert answer.excerpt == f"kept 1 file, {len(JUNIT)} bytes, in memory://"
    assert bench.notes["tests"]["tests"] == 3


def test_a_file_address_is_written_to_in_place(bench: Bench, number: int, tmp_path: Path) -> None:
    bench.do(into(tmp_path, store=f"file://{tmp_path}/kept", include="screens/**"), about_build(number))

    assert (tmp_path / "kept/screens/door.png").read_bytes() == b"png"


def test_hostile_paths_and_fields_stay_below_the_address(bench: Bench, memory: Any) -> None:
    bench.server.world.add_build(bench.project, 9)
    for path in ("../../../etc/cron.d/x", "/etc/passwd", "a/../../b", "memory://other/c"):
        bench.server.world.add_artifact(bench.project, 9, path, b"hostile")
    action = Artifacts(store="memory://kept/{{ branch }}")

    bench.do(action, about_build(9, branch="../../x"))

    assert len(memory.find("/")) == 4
    assert all(path.startswith("/kept/__/__/x/") and "/../" not in path for path in memory.find("/"))


def test_an_upload_that_breaks_off_leaves_no_file_and_is_tried_again(
    bench: Bench, number: int, memory: Any
) -> None:
    fsspec.register_implementation("full", Full, clobber=True)

    with pytest.raises(DeliveryError, match=r"^cannot write to full://: OSError: no space left$") as caught:
        bench.do(Artifacts(store="full://key:s3cret@kept", include=("reports/**",)), about_build(number))

    assert not caught.value.permanent
    assert memory.find("/") == []


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("s3://bucket/x", "Install s3fs to access S3"),
        ("nowhere://x", r"cannot write to nowhere://: ValueError: Protocol not known: nowhere"),
    ],
)
def test_an_address_that_nothing_here_can_write_to_is_a_lasting_failure(
    bench: Bench, number: int, address: str, problem: str
) -> None:
    with pytest.raises(DeliveryError, match=problem) as caught:
        bench.do(Artifacts(store=address), about_build(number))
    assert caught.value.permanent


def test_without_the_extra_an_address_is_a_fault_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)  # as if it were not installed

    with pytest.raises(ValidationError, match=r"pip install 'relay\[fsspec\]'"):
        Artifacts(store="s3://bucket/x")


class Full(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A file system that has no room left in the middle of a file."""

    protocol = "full"

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        write = file.write

        def write_some(content: bytes) -> int:
            write(content[:10])
            raise OSError("no space left")

        file.write = write_some
        return file


@pytest.mark.parametrize(
    ("path", "is_meant"),
    [
        ("reports/a.xml", True),
        ("reports/x/y/a.xml", True),
        ("reports/a.txt", False),
        ("coverage/z/index.html", True),
        ("coverage/secret/key", False),
        ("other/coverage/x", False),
    ],
)
def test_globs(path: str, is_meant: bool) -> None:
    chosen = chooser(["reports/**/*.xml", "coverage/**"], ["**/secret/**"])

    assert chosen(path) is is_meant


@pytest.mark.parametrize(
    ("path", "text", "percent"),
    [
        ("coverage/coverage.xml", '<coverage line-rate="0.8155" version="5">', 81.55),
        ("jacoco.xml", '<counter type="LINE" missed="1" covered="3"/></report>', 75.0),
        ("clover.xml", '<metrics files="1" statements="10" coveredstatements="9"/>', 90.0),
        ("coverage/lcov.info", "SF:a\nLF:4\nLH:3\nend_of_record\nSF:b\nLF:4\nLH:1\n", 50.0),
        ("coverage-summary.json", '{"total": {"lines": {"pct": 12.5}}}', 12.5),
        ("coverage.json", '{"totals": {"percent_covered": 99.123456}}', 99.12),
        ("coverage/.last_run.json", '{"result": {"line": 88}}', 88.0),
        ("coverage.txt", "Name  Stmts\nTOTAL   100   20   80%\n", 80.0),
        ("coverage.txt", "nothing here", None),
        ("package.json", '{"coverage": 5}', None),
        ("coverage.json", "{broken", None),
        ("coverage.json", '{"coverage": 900}', None),
        ("coverage.xml", '<coverage line-rate="nan"/>', None),
    ],
)
def test_coverage_is_found(path: str, text: str, percent: float | None) -> None:
    assert coverage_in(path, text) == percent


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (
            '<testsuite tests="3" failures="1" errors="0" skipped="2"/>',
            Counts(tests=3, failures=1, skipped=2),
        ),
        (
            '<testsuites tests="5" failures="2"><testsuite tests="9"/></testsuites>',
            Counts(tests=5, failures=2),
        ),
        ('<testsuites><testsuite tests="2"/><testsuite tests="3"/></testsuites>', Counts(tests=5)),
        (
            '<testsuite tests="4"><testsuite tests="3"></testsuite></testsuite><testsuite tests="1"/>',
            Counts(tests=5),
        ),
        ("<html></html>", None),
    ],
)
def test_test_reports_are_summed(text: str, counts: Counts | None) -> None:
    assert counts_in("junit.xml", text) == counts
