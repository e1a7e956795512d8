"""Mattermost: a line of text, and an attachment with fields beside a coloured bar."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from docs.drawing.marks import markdown
from docs.drawing.shapes import Columns, Element, Look, Panel, Picture, Speaker
from docs.drawing.story import NAMES


def read(payload: Any) -> Picture:
    said = payload.get("text") or payload["message"]
    attachments = payload.get("attachments") or payload["props"]["attachments"]
    return Picture(
        service="Mattermost",
        speaker=Speaker(badge="BOT", colour="#1e325c", is_round=True, note="9:15 PM"),
        elements=(
            *markdown(said, NAMES),
            *(
                Panel(children=tuple(_attachment(each)), bar=each["color"], is_framed=True)
                for each in attachments
            ),
        ),
    )


def _attachment(attachment: Any) -> Iterator[Element]:
    yield from markdown(attachment.get("text", ""), NAMES)
    for is_short, fields in groupby(attachment.get("fields", ()), key=lambda field: bool(field["short"])):
        cells = tuple(
            (*markdown(each["title"], NAMES, Look(bold=True)), *markdown(each["value"], NAMES))
            for each in fields
        )
        yield Columns(cells=cells, count=2 if is_short else 1)
