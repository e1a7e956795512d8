"""Artifacts reach the disk whole, or not at all under their name."""

import threading
from pathlib import Path

import pytest

from relay.circleci.downloads import Left, Limits, Saved, download, save
from relay.circleci.errors import NotSaved, RateLimited, TooLarge, Unauthorized, Unreachable
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http
from tests.circleci.conftest import Clock, Connect
from tests.fakes.circleci_server import CircleCIServer, Script, cut, dropped, page, paused, says
from tests.fakes.circleci_world import FakeProject
from tests.relays import until

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def url(server: CircleCIServer, project: FakeProject) -> str:
    return str(server.world.add_artifact(project, 1, "x.bin", CONTENT)["url"])


@pytest.fixture(autouse=True)
def _build(server: CircleCIServer, project: FakeProject) -> None:
    server.world.add_build(project, 1)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_saved(circle: CircleCI, url: str, tmp_path: Path) -> None:
    size = save(circle.http, url, tmp_path / "x.bin", most=10**6)

    assert size == len(CONTENT)
    assert (tmp_path / "x.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["x.bin"]


def test_progress_is_told(circle: CircleCI, url: str, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []

    save(circle.http, url, tmp_path / "x.bin", most=10**6, progress=lambda *at: told.append(at))

    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_a_cut_download_goes_on_where_it_stopped(
    circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    server.script("GET", "^/files/", cut())

    save(circle.http, url, tmp_path / "x.bin", most=10**6)

    assert (tmp_path / "x.bin").read_bytes() == CONTENT
    ranges = [ask.headers.get("Range") for ask in server.requests if ask.host == "files"]
    assert ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_cut_download_starts_anew_where_ranges_are_not_known(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, tmp_path: Path
) -> None:
    url = server.world.add_artifact(project, 1, "y.bin", CONTENT, ranges=False)["url"]
    server.script("GET", "^/files/", cut())

    save(circle.http, url, tmp_path / "y.bin", most=10**6)

    assert (tmp_path / "y.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("fault", [dropped(), page(503), says(429, b"")], ids=["dropped", "503", "429"])
def test_a_download_is_repeated(
    fault: Script, circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    server.script("GET", "^/files/", fault, times=2)

    assert save(circle.http, url, tmp_path / "x.bin", most=10**6) == len(CONTENT)


def test_what_came_of_a_failed_download_is_kept_hidden_and_used_by_the_next(
    circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    server.script("GET", "^/files/", cut())
    server.script("GET", "^/files/", dropped(), times=3)

    with pytest.raises(Unreachable):
        save(circle.http, url, tmp_path / "x.bin", most=10**6)
    (part,) = names(tmp_path)
    assert part.startswith(".x.bin.")
    assert part.endswith(".part")

    save(circle.http, url, tmp_path / "x.bin", most=10**6)
    assert names(tmp_path) == ["x.bin"]
    assert (tmp_path / "x.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"more"], ids=["whole", "more than whole"])
def test_a_part_that_cannot_be_continued_is_started_anew(
    left: bytes, circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    server.script("GET", "^/files/", cut())
    server.script("GET", "^/files/", dropped(), times=3)
    with pytest.raises(Unreachable):
        save(circle.http, url, tmp_path / "x.bin", most=10**6)
    (tmp_path / names(tmp_path)[0]).write_bytes(left)

    save(circle.http, url, tmp_path / "x.bin", most=10**6)

    assert (tmp_path / "x.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("extent", ["bytes 5-9/10", "nonsense", ""], ids=["elsewhere", "nonsense", "none"])
def test_a_server_that_sends_another_part_does_not_spoil_the_file(
    extent: str, circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    server.script("GET", "^/files/", cut())
    server.script("GET", "^/files/", says(206, b"zzzz", Content_Range=extent))

    save(circle.http, url, tmp_path / "x.bin", most=10**6)

    assert (tmp_path / "x.bin").read_bytes() == CONTENT


def test_parts_that_do_not_make_the_whole_are_thrown_away(
    circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    half, size = len(CONTENT) // 2, len(CONTENT)
    server.script("GET", "^/files/", cut())
    short = says(206, CONTENT[half:-10], Content_Range=f"bytes {half}-{size - 11}/{size}")
    server.script("GET", "^/files/", short)

    save(circle.http, url, tmp_path / "x.bin", most=10**6)

    assert (tmp_path / "x.bin").read_bytes() == CONTENT


def test_a_link_in_place_of_the_part_is_not_written_through(
    circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    server.script("GET", "^/files/", cut())
    server.script("GET", "^/files/", dropped(), times=3)
    with pytest.raises(Unreachable):
        save(circle.http, url, tmp_path / "x.bin", most=10**6)
    part = tmp_path / names(tmp_path)[0]
    (tmp_path / "outside").write_text("untouched")
    part.unlink()
    part.symlink_to(tmp_path / "outside")

    with pytest.raises(NotSaved, match="symbolic link"):
        save(circle.http, url, tmp_path / "x.bin", most=10**6)
    assert (tmp_path / "outside").read_text() == "untouched"


def test_two_downloads_of_the_same_file_at_once_do_not_spoil_it(
    server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    """The second begins when the first has half of it."""
    circle = CircleCI(Http(server.connection()))
    gate = threading.Event()
    server.script("GET", "^/files/", paused(gate))
    sizes: list[int] = []

    def go() -> None:
        sizes.append(save(circle.http, url, tmp_path / "x.bin", most=10**6))

    first = threading.Thread(target=go)
    first.start()
    until(lambda: sum(path.stat().st_size for path in tmp_path.iterdir()) > 0)
    go()
    gate.set()
    first.join()
    circle.close()

    assert sizes == [len(CONTENT)] * 2
    assert (tmp_path / "x.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["x.bin"]


def test_a_file_over_the_limit_leaves_nothing(circle: CircleCI, url: str, tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="256000 bytes are more than the 1000 allowed"):
        save(circle.http, url, tmp_path / "x.bin", most=1000)

    assert names(tmp_path) == []


def test_an_existing_file_is_replaced_and_a_link_is_not_followed(
    circle: CircleCI, url: str, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_text("untouched")
    (tmp_path / "x.bin").symlink_to(tmp_path / "outside")

    save(circle.http, url, tmp_path / "x.bin", most=10**6)

    assert (tmp_path / "outside").read_text() == "untouched"
    assert not (tmp_path / "x.bin").is_symlink()


def test_a_folder_in_the_way_is_told(circle: CircleCI, url: str, tmp_path: Path) -> None:
    (tmp_path / "x.bin").mkdir()

    with pytest.raises(NotSaved, match=r"'x\.bin' cannot be written: Is a directory"):
        save(circle.http, url, tmp_path / "x.bin", most=10**6)


def test_artifacts_are_downloaded_to_their_places(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, tmp_path: Path
) -> None:
    server.world.add_artifact(project, 1, "reports/a.xml", b"one", node=0)
    server.world.add_artifact(project, 1, "reports/a.xml", b"two", node=1)
    server.world.add_artifact(project, 1, "../../escape.txt", b"three")

    results = list(download(circle.http, circle.artifacts("acme/api", 1), tmp_path / "out"))

    assert all(isinstance(result, Saved) for result in results)
    assert names(tmp_path) == ["out/__/__/escape.txt", "out/node-0/reports/a.xml", "out/node-1/reports/a.xml"]
    assert (tmp_path / "out/node-1/reports/a.xml").read_bytes() == b"two"


def test_limits_leave_the_rest_and_say_so(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, tmp_path: Path
) -> None:
    for name, size in [("a", 60), ("b", 60), ("c", 30), ("d", 1)]:
        server.world.add_artifact(project, 1, name, b"x" * size)
    limits = Limits(files=3, total=100, one_file=70)

    results = list(download(circle.http, circle.artifacts("acme/api", 1), tmp_path, limits=limits))

    assert names(tmp_path) == ["a", "c"]
    assert [result.why for result in results if isinstance(result, Left)] == [
        "60 bytes are more than the 40 allowed",
        "over the limit of 3 files",
    ]


def test_one_missing_artifact_does_not_keep_the_others(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, tmp_path: Path
) -> None:
    server.world.add_artifact(project, 1, "a", b"1")
    server.world.files.clear()
    server.world.add_artifact(project, 1, "b", b"2")
    project.artifacts[1].append({"path": "c", "url": ""})

    results = list(download(circle.http, circle.artifacts("acme/api", 1), tmp_path))

    assert names(tmp_path) == ["b"]
    whys = [result.why for result in results if isinstance(result, Left)]
    assert "NoSuchKey" in whys[0]
    assert whys[1] == "CircleCI gave no address for it"


@pytest.mark.parametrize("url", ["http://[", "file:///etc/passwd", "https://host:99999/", "\ud800"])
def test_an_address_that_is_none_leaves_the_artifact(
    url: str, circle: CircleCI, server: CircleCIServer, project: FakeProject, tmp_path: Path
) -> None:
    project.artifacts[1] = [{"path": "a", "url": url}]

    (result,) = download(circle.http, circle.artifacts("acme/api", 1), tmp_path)

    assert isinstance(result, Left)
    assert names(tmp_path) == []


def test_a_refused_token_ends_the_download(
    circle: CircleCI, connect: Connect, server: CircleCIServer, project: FakeProject, tmp_path: Path
) -> None:
    server.world.add_artifact(project, 1, "a", b"1")
    artifacts = circle.artifacts("acme/api", 1)

    with pytest.raises(Unauthorized):
        list(download(connect("expired").http, artifacts, tmp_path))


def test_the_content_is_asked_for_uncompressed(
    circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path, clock: Clock
) -> None:
    save(circle.http, url, tmp_path / "x.bin", most=10**6)

    assert {ask.headers["Accept-Encoding"] for ask in server.requests} == {"identity"}
    assert clock.slept == []


def test_when_the_bytes_are_used_up_nothing_more_is_asked_for(
    circle: CircleCI, server: CircleCIServer, project: FakeProject, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        server.world.add_artifact(project, 1, name, b"x" * 60)

    results = list(download(circle.http, circle.artifacts("acme/api", 1), tmp_path, limits=Limits(total=60)))

    assert [result.why for result in results if isinstance(result, Left)] == ["the limit of bytes is used up"]
    assert len(server.asked("GET", "^/files/")) == 1


def test_a_folder_that_cannot_be_made_is_told(circle: CircleCI, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")

    with pytest.raises(NotSaved, match="cannot be made: File exists"):
        list(download(circle.http, [], tmp_path / "out"))


def test_a_wait_beyond_the_deadline_ends_the_download(
    circle: CircleCI, server: CircleCIServer, url: str, tmp_path: Path
) -> None:
    server.script("GET", "^/files/", says(429, b"", Retry_After="3000"))

    with pytest.raises(RateLimited) as raised:
        save(circle.http, url, tmp_path / "x.bin", most=10**6)
    assert raised.value.retry_after == 3000.0
