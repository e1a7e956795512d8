"""Downloads: below the folder whatever a build calls its files, within limits, with a summary."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_circleci.conftest import Relay
from tests.fakes.circleci_server import PERSONAL, CircleCIServer, cut
from tests.fakes.circleci_world import FakeProject, Json

DOWNLOAD = ("artifacts", "123", "-p", "acme/api", "--download", "out")


@pytest.fixture
def artifacts(server: CircleCIServer, project: FakeProject, build: Json) -> None:
    add = server.world.add_artifact
    add(project, 123, "reports/unit/a.xml", b"<a/>")
    add(project, 123, "reports/b.xml", b"b" * 1234)
    add(project, 123, "coverage/index.html", b"<html>", node=1)


def files_below(folder: Path) -> dict[str, int]:
    """Their sizes."""
    return {str(f.relative_to(folder)): f.stat().st_size for f in sorted(folder.rglob("*")) if f.is_file()}


def test_all_are_saved_and_summed_up(relay: Relay, folder: Path, artifacts: None) -> None:
    result = relay(*DOWNLOAD)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "reports/unit/a.xml  4 B\n"
        "reports/b.xml  1.2 kB\n"
        "coverage/index.html  6 B\n"
        "3 files, 1.2 kB, saved in out\n"
    )
    assert files_below(folder / "out") == {
        "coverage/index.html": 6,
        "reports/b.xml": 1234,
        "reports/unit/a.xml": 4,
    }


@pytest.mark.parametrize(
    ("words", "saved"),
    [
        (("--include", "reports/**"), ["reports/b.xml", "reports/unit/a.xml"]),
        (("--include", "*.html"), ["coverage/index.html"]),
        (("--include", "b.xml"), ["reports/b.xml"]),
        (("--include", "a.xml", "--include", "*.html"), ["coverage/index.html", "reports/unit/a.xml"]),
        (("--exclude", "*.xml"), ["coverage/index.html"]),
        (("--include", "reports/*", "--exclude", "reports/unit/*"), ["reports/b.xml"]),
        (("--node", "1"), ["coverage/index.html"]),
    ],
    ids=" ".join,
)
def test_only_what_fits_is_saved(
    relay: Relay, folder: Path, artifacts: None, words: tuple[str, ...], saved: list[str]
) -> None:
    result = relay(*DOWNLOAD, *words)

    assert result.exit_code == 0
    assert list(files_below(folder / "out")) == saved


def test_when_nothing_fits_nothing_is_made(relay: Relay, folder: Path, artifacts: None) -> None:
    result = relay(*DOWNLOAD, "--include", "*.zip")

    assert (result.exit_code, result.stderr) == (
        1,
        "none of the 3 artifacts of build 123 of gh/acme/api fits\n",
    )
    assert not (folder / "out").exists()


def test_a_build_without_artifacts_says_so(relay: Relay, build: Json) -> None:
    listed, saved = relay("artifacts", "123", "-p", "acme/api"), relay(*DOWNLOAD)

    assert (listed.exit_code, listed.stdout) == (0, "build 123 of gh/acme/api has no artifacts\n")
    assert (saved.exit_code, saved.stderr) == (1, "build 123 of gh/acme/api has no artifacts\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limit-files", "1"), "left out reports/b.xml: over the limit of 1 files\n"),
        (("--limit-size", "1kB"), "left out reports/b.xml: 1234 bytes are more than the 996 allowed\n"),
        (
            ("--limit-file-size", "1.2kB"),
            "left out reports/b.xml: 1234 bytes are more than the 1200 allowed\n",
        ),
    ],
    ids=["files", "size", "size of one"],
)
def test_what_is_over_a_limit_is_left_out_and_told(
    relay: Relay, folder: Path, artifacts: None, words: tuple[str, ...], said: str
) -> None:
    result = relay(*DOWNLOAD, *words)

    assert result.exit_code == 1
    assert said in result.stderr
    assert "reports/b.xml" not in files_below(folder / "out")


def test_hostile_paths_stay_below_the_folder_and_print_harmlessly(
    relay: Relay, server: CircleCIServer, project: FakeProject, build: Json, folder: Path
) -> None:
    for path in ("../../escape", "/etc/passwd", "a/../../b", "nul\0l", "\x1b[2J\u202ecls", "C:\\x/.", "..."):
        server.world.add_artifact(project, 123, path, b"!")

    result = relay(*DOWNLOAD)

    assert result.exit_code == 0
    assert len(files_below(folder / "out")) == 7
    assert [each.name for each in folder.iterdir()] == ["out"]
    assert all(line.isprintable() for line in result.output.splitlines())


def test_a_link_in_the_folder_is_not_followed(
    relay: Relay, server: CircleCIServer, project: FakeProject, build: Json, folder: Path
) -> None:
    server.world.add_artifact(project, 123, "link/evil", b"!")
    (folder / "elsewhere").mkdir()
    (folder / "out").mkdir()
    (folder / "out" / "link").symlink_to(folder / "elsewhere")

    result = relay(*DOWNLOAD)

    assert (result.exit_code, list((folder / "elsewhere").iterdir())) == (1, [])
    assert result.stderr == "left out link/evil: 'link' leads through a link\n1 artifact left out\n"


def test_a_broken_download_goes_on_where_it_stopped(
    relay: Relay, server: CircleCIServer, artifacts: None, folder: Path
) -> None:
    server.script("GET", "^/files/", cut())

    result = relay(*DOWNLOAD, "--include", "b.xml")

    assert result.exit_code == 0
    assert (folder / "out/reports/b.xml").read_bytes() == b"b" * 1234
    assert [r.headers.get("Range") for r in server.requests if r.host == "files"] == [None, "bytes=617-"]


def test_json_tells_what_became_of_each(relay: Relay, artifacts: None) -> None:
    result = relay(*DOWNLOAD, "--json", "--limit-file-size", "1000", "--exclude", "*.html")

    assert json.loads(result.stdout) == [
        {"path": "reports/unit/a.xml", "node_index": 0, "saved": "reports/unit/a.xml", "size": 4},
        {
            "path": "reports/b.xml",
            "node_index": 0,
            "left_out": "1234 bytes are more than the 1000 allowed",
        },
    ]


def test_a_folder_that_cannot_be_made_is_said(relay: Relay, artifacts: None, folder: Path) -> None:
    (folder / "out").write_text("a file")

    result = relay(*DOWNLOAD)

    assert (result.exit_code, result.stderr) == (1, "'out' cannot be made: File exists\n")


def test_the_token_stays_with_circleci(relay: Relay, server: CircleCIServer, artifacts: None) -> None:
    relay(*DOWNLOAD)

    assert {r.token for r in server.requests if r.host == "files"} == {None}
    assert {r.token for r in server.requests if r.host == "api"} == {PERSONAL}


def test_the_latest_are_saved_likewise(relay: Relay, folder: Path, artifacts: None) -> None:
    result = relay("latest-artifacts", "acme/api", "--download", "out", "--include", "*.html")

    assert result.stdout == "coverage/index.html  6 B\n1 file, 6 B, saved in out\n"


def test_a_list_tells_addresses(relay: Relay, server: CircleCIServer, artifacts: None) -> None:
    result = relay("artifacts", "123", "-p", "acme/api", "--node", "0", "--include", "a.xml")

    key = next(iter(server.world.files))
    address = f"{server.url}/output{key}"
    assert result.stdout == f"path                address\nreports/unit/a.xml  {address}\n"


def test_a_size_that_is_none_is_a_usage_error(relay: Relay, artifacts: None) -> None:
    result = relay(*DOWNLOAD, "--limit-size", "much")

    assert result.exit_code == 2
    assert "'much' is not a size; write 500MB, 1.5GiB or a number of bytes" in result.stderr


def test_a_terminal_sees_progress(server: CircleCIServer, artifacts: None, folder: Path) -> None:
    ours, theirs = pty.openpty()
    environ = {"CIRCLECI_TOKEN": PERSONAL, "CIRCLECI_URL": server.url, "TERM": "xterm", "COLUMNS": "100"}

    done = subprocess.run(
        [sys.executable, "-m", "relay", "circleci", *DOWNLOAD],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert "3/3 coverage/index.html" in shown
    assert done.stdout.endswith("3 files, 1.2 kB, saved in out\n")
