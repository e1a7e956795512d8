"""Matrix: the formatted body of an event."""

from typing import Any

from docs.drawing.html_marks import html
from docs.drawing.shapes import Picture, Speaker


def read(payload: Any) -> Picture:
    content = payload.get("m.new_content", payload)
    return Picture(
        service="Matrix",
        speaker=Speaker(colour="#0b7f67", is_round=True),
        elements=html(content["formatted_body"]),
    )
