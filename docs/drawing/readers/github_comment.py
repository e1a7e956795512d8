"""GitHub: a comment."""

from typing import Any

from docs.drawing.marks import markdown
from docs.drawing.shapes import Panel, Picture, Speaker
from docs.drawing.story import NAMES


def read(payload: Any) -> Picture:
    """Without the mark on the first line, which does not show."""
    return Picture(
        service="a pull request on GitHub",
        speaker=Speaker(colour="#57606a", is_round=True, badge="bot", note="commented now"),
        elements=(Panel(children=markdown(payload["body"].partition("\n")[2], NAMES), is_framed=True),),
    )
