"""Google Chat: text that calls people, and a card."""

from collections.abc import Iterator
from typing import Any

from docs.drawing.html_marks import html
from docs.drawing.shapes import Buttons, Element, Panel, Picture, Speaker, line, plain
from docs.drawing.story import NAMES


def read(payload: Any) -> Picture:
    called = [plain(NAMES.get(each, each), ping=True) for each in payload.get("text", "").split()]
    sections = [section for card in payload["cardsV2"] for section in card["card"]["sections"]]
    cards = (
        Panel(
            children=tuple(each for widget in section["widgets"] for each in _widget(widget)), is_framed=True
        )
        for section in sections
    )
    return Picture(
        service="Google Chat",
        speaker=Speaker(badge="App", colour="#188038", is_round=True, note="9:15 PM"),
        elements=(*([line(*called)] if called else ()), *cards),
    )


def _widget(widget: Any) -> Iterator[Element]:
    if "textParagraph" in widget:
        yield Panel(children=html(widget["textParagraph"]["text"]))
    elif "buttonList" in widget:
        yield Buttons(texts=tuple(each["text"] for each in widget["buttonList"]["buttons"]), is_filled=True)
