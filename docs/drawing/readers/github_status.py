"""GitHub: the statuses beside a commit."""

from collections.abc import Mapping
from typing import Any

from docs.drawing.shapes import Columns, Element, Panel, Picture, line, plain

MARKS: Mapping[str, tuple[str, str]] = {
    "success": ("✓", "#1a7f37"),
    "failure": ("✕", "#cf222e"),
    "error": ("✕", "#cf222e"),
    "pending": ("●", "#9a6700"),
}


def read(payload: Any) -> Picture:
    bad = sum(each["state"] in ("failure", "error") for each in payload)
    head = "Some checks were not successful" if bad else "Checks"
    rows = tuple(_row(status) for status in payload)
    return Picture(
        service="a commit on GitHub",
        elements=(Panel(children=(line(plain(head, bold=True)), *rows), is_framed=True),),
    )


def _row(status: Any) -> Element:
    mark, colour = MARKS.get(status["state"], ("●", "#57606a"))
    said = (
        plain(f"{mark}  ", bold=True, colour=colour),
        plain(status["context"], bold=True),
        plain(f" — {status['description']}", faint=True),
    )
    details = (line(plain("Details", link=True)),) if "target_url" in status else ()
    return Columns(cells=((line(*said),), details), count=2, first=0.88)
