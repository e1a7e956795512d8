"""`relay demo` as a new user runs it, and what it leaves behind: nothing."""

import signal
from pathlib import Path

from relay import samples
from tests.processes import Running, ended, is_alive

SOON_S = 90.0


def test_the_demonstration_prints_messages_and_a_summary_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    demo = Running(["demo", "--exit"], tmp_path / "log", {"TMPDIR": str(temporary)})
    with ended(demo):
        demo.wait_for_word("→")
        family = demo.family()
        status = demo.process.wait(SOON_S)

    assert status == 0, demo.log
    assert not any(map(is_alive, family))
    assert list(temporary.iterdir()) == []
    assert "🔴 api / build-and-deploy" in demo.log
    summary = demo.log.partition("What happened to each webhook, and why\n")[2]
    assert [line.split()[0] for line in summary.splitlines() if line[:1].strip()] == [
        sample.name for sample in samples.load()
    ]


def test_a_demonstration_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    demo = Running(["demo"], tmp_path / "log", {"TMPDIR": str(temporary)})
    with ended(demo):
        demo.wait_for_word("→")
        family = demo.family()
        demo.signal(signal.SIGTERM)
        demo.process.wait(SOON_S)

    assert not any(map(is_alive, family))
    assert list(temporary.iterdir()) == []
