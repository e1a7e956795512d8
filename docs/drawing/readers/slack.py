"""Slack: a line of text, and blocks beside a coloured bar."""

from collections.abc import Iterator
from typing import Any

from docs.drawing.marks import slack
from docs.drawing.shapes import SMALL, Buttons, Columns, Element, Look, Panel, Picture, Speaker
from docs.drawing.story import NAMES


def read(payload: Any) -> Picture:
    panels = (
        Panel(
            children=tuple(each for block in attachment["blocks"] for each in _block(block)),
            bar=attachment["color"],
        )
        for attachment in payload["attachments"]
    )
    return Picture(
        service="Slack",
        speaker=Speaker(badge="APP", colour="#4a154b", note="9:15 PM"),
        elements=(*slack(payload["text"], NAMES), *panels),
    )


def _block(block: Any) -> Iterator[Element]:
    match block["type"]:
        case "section" if "fields" in block:
            yield Columns(cells=tuple(slack(each["text"], NAMES) for each in block["fields"]), count=2)
        case "section":
            yield from slack(block["text"]["text"], NAMES)
        case "actions":
            yield Buttons(texts=tuple(each["text"]["text"] for each in block["elements"]))
        case "context":
            for each in block["elements"]:
                yield from slack(each["text"], NAMES, Look(faint=True), SMALL)
