"""Discord: text that calls people, and embeds with fields three in a row."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from docs.drawing.marks import markdown
from docs.drawing.shapes import Columns, Element, Look, Panel, Picture, Speaker
from docs.drawing.story import NAMES


def read(payload: Any) -> Picture:
    return Picture(
        service="Discord",
        speaker=Speaker(badge="APP", colour="#5865f2", is_round=True, note="Today at 21:15"),
        elements=(
            *markdown(payload["content"], NAMES),
            *(
                Panel(children=tuple(_embed(each)), bar=f"#{each['color']:06x}", is_shaded=True)
                for each in payload["embeds"]
            ),
        ),
    )


def _embed(embed: Any) -> Iterator[Element]:
    yield from markdown(embed["title"], NAMES, Look(bold=True, link="url" in embed))
    yield from markdown(embed.get("description", ""), NAMES)
    for is_inline, fields in groupby(embed.get("fields", ()), key=lambda field: bool(field["inline"])):
        cells = tuple(
            (*markdown(each["name"].strip("\u200b"), NAMES, Look(bold=True)), *markdown(each["value"], NAMES))
            for each in fields
        )
        yield Columns(cells=cells, count=3 if is_inline else 1)
