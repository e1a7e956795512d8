"""Telegram: a bubble of text, and rows of buttons below it."""

from typing import Any

from docs.drawing.html_marks import html
from docs.drawing.shapes import Buttons, Panel, Picture, Speaker


def read(payload: Any) -> Picture:
    rows = payload.get("reply_markup", {}).get("inline_keyboard", ())
    bubble = Panel(children=html(payload["text"], breaks_at_newlines=True), is_shaded=True)
    buttons = (Buttons(texts=tuple(each["text"] for each in row), is_wide=True) for row in rows)
    return Picture(
        service="Telegram",
        speaker=Speaker(colour="#2aabee", is_round=True),
        elements=(bubble, *buttons),
    )
