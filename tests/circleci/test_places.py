"""Nothing an artifact is called leads out of its folder."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.circleci.errors import NotSaved
from relay.circleci.places import make_folder, places, safe_path
from relay.circleci.types.results import Artifact


def artifact(path: str, node: int = 0) -> Artifact:
    return Artifact.read({"path": path, "node_index": node, "url": "https://circleci.com/x"})


def placed(*artifacts: Artifact) -> list[str]:
    return [str(path) for _, path in places(artifacts)]


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("reports/a.xml", "reports/a.xml"),
        ("/etc/passwd", "etc/passwd"),
        ("//host/share", "host/share"),
        ("../../etc/passwd", "__/__/etc/passwd"),
        ("a/./b//c", "a/b/c"),
        ("..\\..\\windows\\x", "__/__/windows/x"),
        ("C:\\autoexec.bat", "C_/autoexec.bat"),
        ("a\x00b\x1b[31m\n", "a_b_[31m_"),
        ("evil\u202etxt.exe", "evil_txt.exe"),
        ("file.txt:stream", "file.txt_stream"),
        (". .", "___"),
        ("", "unnamed"),
        ("/", "unnamed"),
        ("\ud800.txt", "_.txt"),
        ("päth/ümläut 1.txt", "päth/ümläut 1.txt"),
        (".hidden", ".hidden"),
    ],
)
def test_a_path_is_made_safe(path: str, safe: str) -> None:
    assert str(safe_path(path)) == safe


def test_a_long_name_is_cut_but_keeps_its_suffix_and_stays_distinct() -> None:
    one, two = safe_path("é" * 300 + "1.txt"), safe_path("é" * 300 + "2.txt")

    assert one != two
    assert one.suffix == two.suffix == ".txt"
    assert len(one.name.encode()) < 200


def test_a_deep_path_becomes_a_shallow_one() -> None:
    path = safe_path("a/" * 3000 + "report.xml")

    assert len(path.parts) == 2
    assert path.name == "report.xml"


@given(st.text(max_size=400))
def test_any_text_makes_a_relative_path_that_can_be_written(text: str) -> None:
    path = safe_path(text)

    assert not path.is_absolute()
    assert not {"", ".", ".."} & set(path.parts)
    assert all(0 < len(part.encode()) <= 200 and part.isprintable() for part in path.parts)


def test_the_same_path_on_several_nodes_is_kept_apart() -> None:
    assert placed(artifact("a.txt", 0), artifact("b.txt", 0), artifact("a.txt", 1)) == [
        "node-0/a.txt",
        "b.txt",
        "node-1/a.txt",
    ]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a.txt", "a.txt", ["a.txt", "a-2.txt"]),
        ("A.txt", "a.txt", ["A.txt", "a-2.txt"]),
        ("a\x01", "a\x02", ["a_", "a_-2"]),
        ("x/../a", "x/__/a", ["x/__/a", "x/__/a-2"]),
    ],
)
def test_paths_that_become_alike_are_numbered(first: str, second: str, expected: list[str]) -> None:
    assert placed(artifact(first), artifact(second)) == expected


def test_folders_are_made(tmp_path: Path) -> None:
    assert make_folder(tmp_path, PurePosixPath("a/b")) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "outside")

    with pytest.raises(NotSaved, match="leads through a link"):
        make_folder(tmp_path / "folder", PurePosixPath("link/sub"))
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")

    with pytest.raises(NotSaved, match="'a/b' cannot be made"):
        make_folder(tmp_path, PurePosixPath("a/b"))
